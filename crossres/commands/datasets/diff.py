"""`crossres datasets diff`."""

import argparse
from dataclasses import asdict
from typing import Any

from crossres.arguments import ANSWER_IS_NO, DONE, command, place, print_json

EXAMPLES = 5


def _diff(options: argparse.Namespace) -> int:
    from crossres.datasets import Manifest
    from crossres.datasets.splits.diff import compare

    a, b = Manifest.read(options.a), Manifest.read(options.b)
    found = compare(a, b)
    if options.json:
        answer = {"equal": found.equal, "digest_a": a.digest, "digest_b": b.digest}
        print_json({**answer, **asdict(found)})
    elif found.equal:
        print(f"equal: {len(a.table):,} images, digest {a.digest}")
    else:
        _print_difference(found)
    return DONE if found.equal else ANSWER_IS_NO


def _print_difference(found: Any) -> None:
    for name, (before, after) in found.heads.items():
        print(f"{name}: {before} in A, {after} in B")
    for title, paths in (("only in A", found.only_a), ("only in B", found.only_b)):
        _print_some(title, list(paths))
    for column, changes in found.changes.items():
        _print_some(f"other {column}", [f"{c.path}: {c.before} -> {c.after}" for c in changes])


def _print_some(title: str, lines: list[str]) -> None:
    if not lines:
        return
    print(f"{title}: {len(lines):,} images")
    for line in lines[:EXAMPLES]:
        print(f"  {line}")
    if len(lines) > EXAMPLES:
        print(f"  ... and {len(lines) - EXAMPLES:,} more (all of them: --json)")


def add_command(within: Any) -> None:
    """Add the command to its group."""
    diff = command(
        within,
        "diff",
        _diff,
        "compare two manifests; exit code 0 when they are equal, 1 when not",
        "crossres datasets diff ours.csv theirs.csv",
    )
    diff.add_argument("a", type=place, metavar="A.csv")
    diff.add_argument("b", type=place, metavar="B.csv")
