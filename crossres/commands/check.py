"""`crossres check`."""

import argparse
from functools import partial
from itertools import chain
from typing import Any

from crossres.answer import ANSWER_IS_NO, DONE, UNUSABLE_INPUT, Answer, drawn
from crossres.arguments import command_parser, finite, named_tables, user_path
from crossres.commands.gate_options import add_common, limits_of


def _check(options: argparse.Namespace) -> Answer:
    from crossres.benchmark.gate.folders import check_folder
    from crossres.datasets.base.files import write_atomically
    from crossres.reports.gate.ci import to_annotations, to_junit
    from crossres.reports.gate.json import gate_json
    from crossres.reports.gate.markdown import to_summary
    from crossres.reports.gate.terminal import print_gate

    limits = limits_of(
        options,
        tolerance=None if options.tolerance is None else options.tolerance / 100,
        gains=not options.allow_gains,
        training=not options.allow_training,
        exact=options.exact,
        time=options.time,
        memory=options.memory,
        other_seeds=options.other_seeds,
        must_find=options.must_find / 100,
    )
    gate = check_folder(options.results, options.baseline, named_tables(options), limits)
    for path, content in ((options.junit, to_junit), (options.summary, to_summary)):
        if path is not None:
            write_atomically(path, content(gate))
    annotations = to_annotations(gate) if options.annotations else []
    codes = {"passed": DONE, "failed": ANSWER_IS_NO, "unusable": UNUSABLE_INPUT}
    lines = chain(drawn(partial(print_gate, gate)), annotations)
    return Answer(gate_json(gate), lines, codes[gate.check.answer])


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    check = command_parser(
        commands,
        "check",
        _check,
        "the gate for CI: are these results what the baseline says, up to chance?",
        "crossres check results/gate --baseline baselines/gate.json\n"
        "crossres check results/gate --baseline baselines/gate.json --junit gate.xml "
        "--summary gate.md",
    )
    check.add_argument("results", type=user_path, metavar="RESULTS", help="a results folder")
    check.add_argument(
        "--baseline",
        type=user_path,
        required=True,
        metavar="FILE",
        help="what `crossres baseline` wrote",
    )
    add_common(check)
    check.add_argument(
        "--must-find",
        type=float,
        default=3.0,
        metavar="POINTS",
        help="pass only where a true drop of this size, in the first of the metrics, would be "
        "found in four cases of five, of all rows and of each; else the check is unusable and "
        "exits with 2 (default: 3)",
    )
    check.add_argument(
        "--tolerance",
        type=finite,
        metavar="POINTS",
        help="a row whose mean drops by more fails, whatever chance could explain",
    )
    check.add_argument(
        "--allow-gains", action="store_true", help="results may be better beyond chance"
    )
    check.add_argument(
        "--allow-training",
        action="store_true",
        help="training may begin with other losses",
    )
    check.add_argument(
        "--exact", action="store_true", help="all must be equal to the bit (on the same platform)"
    )
    check.add_argument(
        "--other-seeds",
        action="store_true",
        help="the results have other seeds than the baseline: compare them unpaired",
    )
    for name in ("time", "memory"):
        check.add_argument(
            f"--{name}", type=finite, metavar="RATIO", help=f"the most {name}, times the baseline's"
        )
    check.add_argument("--junit", type=user_path, metavar="FILE", help="write JUnit XML, too")
    check.add_argument("--summary", type=user_path, metavar="FILE", help="write Markdown, too")
    check.add_argument(
        "--annotations", action="store_true", help="print findings as GitHub Actions shows them"
    )
