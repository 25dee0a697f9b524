"""What the commands of the gate share: options, and the records of a folder."""

import argparse
import sys
from pathlib import Path
from typing import Any

from crossres.arguments import add_tables, finite, names, user_path

NAMES_ROWS = (
    "names the rows: a table, or a table file (default: those that RESULTS keeps, and the built-in)"
)


def limits_of(options: argparse.Namespace, **more: Any) -> Any:
    """Return the limits that the options state, with further ones."""
    from crossres.benchmark.gate.limits import Limits

    return Limits(metrics=tuple(options.metrics), false_alarms=options.false_alarms / 100, **more)


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add the options of all commands of the gate."""
    add_tables(parser, NAMES_ROWS)
    parser.add_argument(
        "--metrics",
        type=names,
        default=["mAP", "rank1"],
        metavar="a,b",
        help="(default: mAP,rank1)",
    )
    parser.add_argument(
        "--false-alarms",
        type=finite,
        default=1.0,
        metavar="PERCENT",
        help="of checks of results that are as good as the baseline's (default: 1)",
    )


def add_again(parser: argparse.ArgumentParser) -> None:
    """Add `--again`, which may be given several times."""
    parser.add_argument(
        "--again",
        type=user_path,
        action="append",
        default=[],
        metavar="OTHER",
        help="the same cells, run again where it should make no difference: how much results "
        "scatter is measured (may be given several times)",
    )


def latest_records(results: Path) -> list[Any]:
    """Read the records of the latest runs of a folder; say on standard error what is left out."""
    from crossres.benchmark.gate.folders import current_records
    from crossres.benchmark.runs.stale import stale_lines

    records, stale = current_records(results)
    for line in stale_lines(stale):
        print(f"crossres: left out of {results}, {line}", file=sys.stderr)
    return records
