"""`crossres baseline`."""

import argparse
import sys
from typing import Any

from crossres.answer import Answer
from crossres.arguments import add_tables, command_parser, named_tables, user_path
from crossres.commands.gate_options import NAMES_ROWS, add_again, latest_records


def _baseline(options: argparse.Namespace) -> Answer | str:
    from crossres.benchmark.gate.baseline import Baseline, to_baseline, with_runs
    from crossres.datasets.base.files import write_atomically
    from crossres.datasets.base.words import counted

    records = tuple(_of_tables(latest_records(options.results), options))
    baseline = with_runs(Baseline(records), map(latest_records, options.again))
    content = to_baseline(baseline)
    if options.out is None:
        return content
    write_atomically(options.out, content)
    cells, runs = len(baseline.records), 1 + len(baseline.more_runs)
    return Answer(
        {"written": str(options.out), "cells": cells, "runs": runs},
        [f"wrote {options.out}: {cells} cells, {counted(runs, 'run')} of each"],
    )


def _of_tables(records: Any, options: argparse.Namespace) -> Any:
    """Select the records of the tables that are named, else that the folder keeps, else all."""
    from crossres.benchmark.compare.rows import belonging
    from crossres.benchmark.records.kept import kept_tables

    tables = named_tables(options) or kept_tables(options.results)
    chosen = belonging(records, tables) if tables else records
    if len(chosen) < len(records):
        left = f"{len(records) - len(chosen)} of {len(records)} records"
        print(f"crossres: left out {left}, which belong to none of its tables", file=sys.stderr)
    return chosen


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    baseline = command_parser(
        commands,
        "baseline",
        _baseline,
        "make of a results folder the file that `crossres check` holds later results against",
        "crossres baseline results/gate > baselines/gate.json\n"
        "crossres baseline results/gate --again results/other-machine --out baselines/gate.json",
    )
    baseline.add_argument("results", type=user_path, metavar="RESULTS", help="a results folder")
    add_tables(baseline, NAMES_ROWS)
    add_again(baseline)
    baseline.add_argument(
        "--out", type=user_path, metavar="FILE", help="(default: print it, for `> FILE`)"
    )
