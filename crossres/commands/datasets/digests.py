"""`crossres datasets digests`."""

import argparse
from collections.abc import Iterator, Sequence
from typing import Any

from crossres.answer import ANSWER_IS_NO, DONE, Answer
from crossres.arguments import NAME_OR_FILE, cache, command_parser, dataset, source, user_path


def _digests(options: argparse.Namespace) -> Answer:
    from dataclasses import asdict

    from crossres.datasets import open_raw
    from crossres.datasets.base.progress import progress
    from crossres.datasets.golden.digests import compared

    raw = open_raw(dataset(options), source(options, options.size), cache(options))
    with progress(f"splits of {raw.dataset}") as report:
        pairs = compared(raw, report)
    content = [{"published": asdict(row), "found": asdict(computed)} for row, computed in pairs]
    differing = [(row, computed) for row, computed in pairs if row != computed]
    return Answer(
        {"dataset": raw.dataset, "source": raw.source, "digests": content},
        _lines(raw, pairs, differing),
        ANSWER_IS_NO if differing else DONE,
    )


def _lines(raw: Any, pairs: Sequence[Any], differing: Sequence[Any]) -> Iterator[str]:
    from crossres.datasets.golden.digests import ANY

    def content(row: Any) -> str:
        return f"{row.digest[:16]} of {row.images} images, {row.lr} of them LR"

    for published, computed in differing:
        has_split = published.protocol != ANY
        split = f" of {published.protocol}, seed {published.seed}" if has_split else ""
        yield f"{published.part}{split}: published {content(published)}"
        yield f"  found {content(computed)}"
    equal = len(pairs) - len(differing)
    yield f"{equal} of {len(pairs)} digests of {raw.dataset} ({raw.source}) are the published ones"


def add_command(within: Any) -> None:
    """Add the command to its group."""
    digests = command_parser(
        within,
        "digests",
        _digests,
        "compare the splits of a raw folder with the published digests (docs/digests.md)",
        "crossres datasets digests mlr-market --data ~/reid",
    )
    digests.add_argument("dataset", metavar="NAME|FILE.toml", help=NAME_OR_FILE)
    digests.add_argument("--data", type=user_path, metavar="ROOT", help="(default: the twin)")
    digests.add_argument("--size", default="quick", help="of the twin: quick (default) or tiny")
    digests.add_argument("--cache", type=user_path, metavar="DIR", help="where twins lie")
