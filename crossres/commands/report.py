"""`crossres report`."""

import argparse
from collections.abc import Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from crossres.answer import Answer, drawn
from crossres.arguments import add_tables, command_parser, named_tables, user_path


def _report(options: argparse.Namespace) -> Answer:
    from crossres.datasets import InputError
    from crossres.reports.tables.json import grids_json
    from crossres.reports.write import contents_of, print_contents, write_contents

    if options.single_file and options.index:
        raise InputError("--index has no query browser; leave out --single-file")
    if options.index:
        return _index(options)
    options.results = _only(options.results)
    tables = named_tables(options)
    if options.against:
        return _against(options, tables)
    contents = contents_of(options.results, tables)
    written = write_contents(contents, published=options.published, single_file=options.single_file)
    lines = chain(
        drawn(partial(print_contents, contents)),
        contents.remarks,
        (f"wrote {path}" for path in written),
    )
    content: dict[str, Any] = {
        "written": [str(path) for path in written],
        "remarks": contents.remarks,
        "grids": [],
    }
    if options.json:
        content["grids"] = grids_json(contents.grids)
    return Answer(content, lines)


def _against(options: argparse.Namespace, tables: Any) -> Answer:
    from crossres.benchmark.compare.folders import compare_folders
    from crossres.reports.comparison.json import against_json
    from crossres.reports.comparison.page import write_against
    from crossres.reports.comparison.queries import queries_of
    from crossres.reports.comparison.terminal import print_against

    comparison = compare_folders(options.results, options.against, tables)
    queries = queries_of(comparison, embedded=options.single_file)
    written = write_against(options.results, comparison, queries)
    return Answer(
        against_json(comparison, queries) | {"written": [str(path) for path in written]},
        chain(
            drawn(partial(print_against, comparison, queries)),
            (f"wrote {path}" for path in written),
        ),
    )


def _index(options: argparse.Namespace) -> Answer:
    from crossres.datasets import InputError
    from crossres.reports.over_time.page import write_index

    if options.table:
        raise InputError("--index shows whole folders; leave out --table")
    written = write_index(options.results)
    return Answer({"written": [str(written)]}, [f"wrote {written}"])


def _only(results: Sequence[Path]) -> Path:
    from crossres.datasets import InputError

    if len(results) > 1:
        raise InputError(
            f"{', '.join(map(str, results))}: {len(results)} folders; give one, or --index for a "
            "page of all of them (--against compares two)"
        )
    return results[0]


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    report = command_parser(
        commands,
        "report",
        _report,
        "write the HTML, LaTeX, CSV and Markdown of a results folder, or compare it with another",
        "crossres report results/table2\ncrossres report results/table2 --against again\n"
        "crossres report --index results",
    )
    report.add_argument(
        "results",
        type=user_path,
        nargs="+",
        metavar="RESULTS",
        help="a results folder; with --index, where to look for them",
    )
    report.add_argument(
        "--single-file",
        action="store_true",
        help="put what the query browser shows into the page, not into report/queries beside it",
    )
    add_tables(report, "only this table, or a table file (default: those that RESULTS keeps)")
    either = report.add_mutually_exclusive_group()
    either.add_argument(
        "--against",
        type=user_path,
        metavar="OTHER",
        help="only compare: are the cells of OTHER the same, what differs, and by how much",
    )
    either.add_argument(
        "--index",
        action="store_true",
        help="only one page of all results folders at or below RESULTS, over time",
    )
    either.add_argument(
        "--published",
        action="store_true",
        help="also write TABLE.published.tex: what papers print, apart from what was measured",
    )
