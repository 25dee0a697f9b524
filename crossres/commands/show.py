"""`crossres show`."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from crossres.answer import Answer
from crossres.arguments import command_parser, user_path


def _show(options: argparse.Namespace) -> Answer:
    from crossres.benchmark.records.finding import check_begun, find_cells, results_folders
    from crossres.reports.one_cell import cell_json, show_cell

    if options.results is None:
        folders = results_folders(Path("results"))
    else:
        check_begun(options.results)
        folders = [options.results]
    key, places = find_cells(options.key, folders)
    shown = show_cell(places[0], key)
    others = [str(folder) for folder in places[1:]]
    return Answer(cell_json(shown) | {"also_in": others}, _lines(shown, others))


def _lines(shown: Any, others: Sequence[str]) -> Iterator[str]:
    from crossres.datasets.base.words import listed
    from crossres.reports.one_cell import cell_lines

    yield from cell_lines(shown)
    if others:
        yield f"\nalso in {listed(others)}"


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    show = command_parser(
        commands,
        "show",
        _show,
        "one cell: what it is, how it was made, its numbers, and the command that makes it again",
        "crossres show 1f0c3a\ncrossres show 1f0c3a9be7d24f605a1c --results results/table2 --json",
    )
    show.add_argument("key", metavar="KEY", help="the key of a record, or its first digits")
    show.add_argument(
        "--results",
        type=user_path,
        metavar="DIR",
        help="the results folder (default: all those in results/)",
    )
