"""`crossres retry`."""

import argparse
from collections.abc import Iterable
from typing import Any

from crossres.answer import ANSWER_IS_NO, DONE, Answer
from crossres.arguments import command_parser, positive, user_path
from crossres.engines import add_engine, engine


def _retry(options: argparse.Namespace) -> Answer:
    from crossres.benchmark.records.finding import check_begun
    from crossres.benchmark.runs.retry import failed_keys, retry

    check_begun(options.results)
    keys = failed_keys(options.results, options.keys)
    with engine(options) as (chosen_engine, nodes):
        retried = retry(options.results, keys, jobs=options.jobs, engine=chosen_engine, nodes=nodes)
    content = {
        "results": str(options.results),
        "keys": keys,
        "finished": retried.finished,
        "failures": [f.as_json() for summary in retried.summaries for f in summary.failures],
        "gone": list(retried.gone),
        "interrupted": any(summary.interrupted for summary in retried.summaries),
    }
    code = DONE if set(keys) <= set(retried.finished) else ANSWER_IS_NO
    return Answer(content, _lines(options, keys, retried), code)


def _lines(options: argparse.Namespace, keys: list[str], retried: Any) -> Iterable[str]:
    from crossres.datasets.base.words import counted, few

    if not keys:
        return [f"no failed cell in {options.results}"]
    finished = len(retried.finished)
    lines = [f"{finished} of {counted(len(keys), 'failed cell')} with a record now"]
    if retried.gone:
        lines.append(
            f"not run: {few(retried.gone, 'cell')}, as the data is another one now; run the "
            "command that they are of again"
        )
    if finished:
        lines.append(f"`crossres report {options.results}` writes the report anew")
    return lines


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    retry = command_parser(
        commands,
        "retry",
        _retry,
        "run the failed cells of a results folder again, all or some, as they were asked for",
        "crossres retry results/table2\ncrossres retry results/table2 1f0c3a --jobs 1",
    )
    retry.add_argument("results", type=user_path, metavar="RESULTS", help="a results folder")
    retry.add_argument(
        "keys", nargs="*", default=[], metavar="KEY", help="only these: keys, or their first digits"
    )
    retry.add_argument(
        "--jobs", type=positive, metavar="N", help="cells at once (default: as in the run)"
    )
    add_engine(retry)
