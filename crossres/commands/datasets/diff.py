"""`crossres datasets diff`."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from crossres.answer import ANSWER_IS_NO, Answer
from crossres.arguments import command_parser, user_path

EXAMPLES = 5


def _diff(options: argparse.Namespace) -> Answer:
    from crossres.datasets import Manifest
    from crossres.datasets.splits.diff import compare

    a, b = Manifest.read(options.a), Manifest.read(options.b)
    difference = compare(a, b)
    content = {"equal": difference.equal, "digest_a": a.digest, "digest_b": b.digest}
    content |= asdict(difference)
    if difference.equal:
        return Answer(content, [f"equal: {len(a.table):,} images, digest {a.digest}"])
    return Answer(content, _lines(difference), ANSWER_IS_NO)


def _lines(difference: Any) -> Iterator[str]:
    for name, (before, after) in difference.heads.items():
        yield f"{name}: {before} in A, {after} in B"
    for title, paths in (("only in A", difference.only_a), ("only in B", difference.only_b)):
        yield from _examples(title, list(paths))
    for column, changes in difference.changes.items():
        texts = [f"{change.path}: {change.before} -> {change.after}" for change in changes]
        yield from _examples(f"other {column}", texts)


def _examples(title: str, texts: list[str]) -> Iterator[str]:
    if not texts:
        return
    yield f"{title}: {len(texts):,} images"
    for text in texts[:EXAMPLES]:
        yield f"  {text}"
    if len(texts) > EXAMPLES:
        yield f"  ... and {len(texts) - EXAMPLES:,} more (all of them: --json)"


def add_command(within: Any) -> None:
    """Add the command to its group."""
    diff = command_parser(
        within,
        "diff",
        _diff,
        "compare two manifests; exit code 0 when they are equal, 1 when not",
        "crossres datasets diff ours.csv theirs.csv",
    )
    diff.add_argument("a", type=user_path, metavar="A.csv", help="a manifest")
    diff.add_argument("b", type=user_path, metavar="B.csv", help="another one")
