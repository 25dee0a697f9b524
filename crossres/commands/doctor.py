"""`crossres doctor`."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from crossres.answer import ANSWER_IS_NO, DONE, Answer
from crossres.arguments import cache, command_parser, user_path
from crossres.signs import signs_of
from crossres.wrapping import wrapped


def _doctor(options: argparse.Namespace) -> Answer:
    from crossres.doctor import findings, findings_json, is_ready

    all_findings = findings(cache(options))
    code = DONE if is_ready(all_findings) else ANSWER_IS_NO
    return Answer(findings_json(all_findings), _lines(all_findings), code)


def _lines(all_findings: Sequence[Any]) -> Iterator[str]:
    signs = signs_of(sys.stdout.encoding)
    marks = {"ok": signs[True], "note": signs[None], "broken": signs[False]}
    for part, of_part in groupby(all_findings, key=lambda finding: finding.part):
        yield part
        listed = list(of_part)
        width = max(len(finding.name) for finding in listed)
        for finding in listed:
            first = f"{marks[finding.state]} {finding.name:{width}}  "
            yield from wrapped(finding.text, first, " " * len(first))
            if finding.remedy:
                mend = f"{' ' * (len(first) - 2)}{signs['mend']} "
                yield from wrapped(finding.remedy, mend, " " * len(mend))
        yield ""
    broken = [finding.name for finding in all_findings if finding.state == "broken"]
    if broken:
        yield from wrapped(f"not ready: {', '.join(broken)}; see above what to do")
    else:
        yield "ready"


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    doctor = command_parser(
        commands,
        "doctor",
        _doctor,
        "whether this machine is ready: versions, devices, kernels, cache, extras and LaTeX, and "
        "what to do about what is not; exit code 1 where something needed is broken",
        "crossres doctor\ncrossres doctor --json",
    )
    doctor.add_argument(
        "--cache",
        type=user_path,
        metavar="DIR",
        help="(default: $CROSSRES_CACHE, else ~/.cache/crossres)",
    )
