"""`crossres status`."""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crossres.answer import ANSWER_IS_NO, DONE, Answer
from crossres.arguments import command_parser, user_path

EVERY_SECONDS = 5.0


def _status(options: argparse.Namespace) -> Answer:
    from crossres.benchmark.records.finding import check_begun
    from crossres.benchmark.runs.status import status_json, status_lines, status_of
    from crossres.datasets import InputError

    check_begun(options.results)
    if options.watch and options.json:
        raise InputError("--watch shows lines for people; leave it or --json out")
    status = status_of(options.results)
    code = DONE if status.is_complete else ANSWER_IS_NO
    lines = _watched(options.results, status) if options.watch else status_lines(status)
    return Answer(status_json(status), lines, code)


def _watched(results: Path, status: Any) -> Iterator[str]:
    """Show how far the folder is again and again, until no run is at work there any more."""
    from crossres.benchmark.runs.status import status_lines, status_of

    yield from status_lines(status)
    while status.running:
        sys.stdout.flush()
        time.sleep(EVERY_SECONDS)
        status = status_of(results)
        yield ""
        yield from status_lines(status)


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    status = command_parser(
        commands,
        "status",
        _status,
        "how far a results folder is, also during a run: what is done, running, failed, stale and "
        "to do, and the time left",
        "crossres status results/table2\ncrossres status results/table2 --watch",
    )
    status.add_argument("results", type=user_path, metavar="RESULTS", help="a results folder")
    status.add_argument(
        "--watch", action="store_true", help="again every five seconds, while a run is at work"
    )
