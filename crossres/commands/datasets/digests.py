"""`crossres datasets digests`."""

import argparse
from typing import Any

from crossres.arguments import ANSWER_IS_NO, DONE, cache, command, place, print_json, source


def _digests(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from crossres.datasets import open_raw
    from crossres.datasets.base.progress import progress
    from crossres.datasets.golden.digests import ANY, compared

    raw = open_raw(options.dataset, source(options, options.size), cache(options))
    with progress(f"splits of {raw.dataset}") as report:
        pairs = compared(raw, report)
    other = [(row, found) for row, found in pairs if row != found]
    if options.json:
        content = [{"published": asdict(row), "found": asdict(found)} for row, found in pairs]
        print_json({"dataset": raw.dataset, "source": raw.source, "digests": content})
        return ANSWER_IS_NO if other else DONE
    for row, found in other:
        whole = row.protocol == ANY
        what = row.part if whole else f"{row.part} of {row.protocol}, seed {row.seed}"
        print(f"{what}: published {row.digest[:16]} of {row.images} images, {row.lr} of them LR")
        print(f"  found {found.digest[:16]} of {found.images} images, {found.lr} of them LR")
    same = len(pairs) - len(other)
    print(f"{same} of {len(pairs)} digests of {raw.dataset} ({raw.source}) are the published ones")
    return ANSWER_IS_NO if other else DONE


def add_command(within: Any) -> None:
    """Add the command to its group."""
    digests = command(
        within,
        "digests",
        _digests,
        "compare the splits of a raw folder with the published digests (docs/digests.md)",
        "crossres datasets digests mlr-market --data ~/reid",
    )
    digests.add_argument("dataset", metavar="NAME")
    digests.add_argument("--data", type=place, metavar="ROOT", help="(default: the twin)")
    digests.add_argument("--size", default="quick", help="of the twin: quick (default) or tiny")
    digests.add_argument("--cache", type=place, metavar="DIR", help="where twins lie")
