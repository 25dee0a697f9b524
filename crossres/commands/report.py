"""`crossres report`."""

import argparse
from typing import Any

from crossres.arguments import DONE, add_tables, command, named_tables, place, print_json


def _report(options: argparse.Namespace) -> int:
    from crossres.reports.write import print_table, write_report

    tables = named_tables(options)
    if options.against:
        return _against(options, tables)
    written = write_report(options.results, tables)
    if options.json:
        print_json({"written": [str(path) for path in written]})
        return DONE
    print_table(options.results, tables)
    for path in written:
        print(f"wrote {path}")
    return DONE


def _against(options: argparse.Namespace, tables: Any) -> int:
    from rich.console import Console

    from crossres.benchmark.compare.folders import compare_folders
    from crossres.reports.comparison.json import against_json
    from crossres.reports.comparison.page import write_against
    from crossres.reports.comparison.terminal import print_against

    held = compare_folders(options.results, options.against, tables)
    written = write_against(options.results, held)
    if options.json:
        print_json(against_json(held) | {"written": [str(written)]})
    else:
        print_against(held, Console())
        print(f"wrote {written}")
    return DONE


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    report = command(
        commands,
        "report",
        _report,
        "write the HTML, LaTeX, CSV and Markdown of a results folder, or compare it with another",
        "crossres report results/table2\ncrossres report results/table2 --against again",
    )
    report.add_argument("results", type=place, metavar="RESULTS")
    add_tables(report, "only this table, or a table file (default: those that RESULTS keeps)")
    report.add_argument(
        "--against",
        type=place,
        metavar="OTHER",
        help="only compare: are the cells of OTHER the same, what differs, and by how much",
    )
