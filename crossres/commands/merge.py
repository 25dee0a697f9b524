"""`crossres merge`."""

import argparse
from collections.abc import Iterator
from typing import Any

from crossres.answer import ANSWER_IS_NO, DONE, Answer
from crossres.arguments import command_parser, user_path

NOUNS = {
    "records": ("record",),
    "artifacts": ("artifact",),
    "weights": ("folder of weights", "folders of weights"),
    "images": ("file of thumbnails", "files of thumbnails"),
    "failures": ("log of a failed cell", "logs of failed cells"),
    "tables": ("table",),
    "claims": ("file of claims", "files of claims"),
    "runs": ("kept run",),
    "datasets": ("file of an own data set", "files of own data sets"),
}


def _merge(options: argparse.Namespace) -> Answer:
    from crossres.benchmark.records.merging import merge_folders

    merged = merge_folders(options.folders, options.out)
    whole = not merged.disputes and not merged.damaged
    return Answer(_json(merged), _lines(merged), DONE if whole else ANSWER_IS_NO)


def _lines(merged: Any) -> Iterator[str]:
    from crossres.datasets.base.words import counted, listed

    for dispute in merged.disputes:
        title = f" ({dispute.title})" if dispute.title else ""
        differ = f", which differ in {listed(dispute.differ)}" if dispute.differ else ""
        yield (
            f"not merged: {dispute.name}{title}: {listed(dispute.paths)}{differ}; "
            "remove those that you do not want, then merge again"
        )
    yield from (f"damaged: {line}" for line in merged.damaged)
    written = listed(
        counted(merged.written[kind], *nouns)
        for kind, nouns in NOUNS.items()
        if kind in merged.written
    )
    there = f"; {counted(merged.there, 'record')} stood there already" if merged.there else ""
    yield f"wrote {written or 'nothing'} into {merged.out}{there}"


def _json(merged: Any) -> dict[str, Any]:
    disputes = [
        {
            "name": dispute.name,
            "title": dispute.title,
            "paths": [str(path) for path in dispute.paths],
            "differ": list(dispute.differ),
        }
        for dispute in merged.disputes
    ]
    return {
        "out": str(merged.out),
        "written": dict(merged.written),
        "there": merged.there,
        "disputes": disputes,
        "damaged": list(merged.damaged),
    }


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    merge = command_parser(
        commands,
        "merge",
        _merge,
        "put the records of several results folders into one, with all that belongs to them; two "
        "results of one cell are named, and neither is written",
        "crossres merge results/monday results/tuesday --out results/both\n"
        "crossres merge results/table2 from_the_cluster --out results/table2",
    )
    merge.add_argument(
        "folders", type=user_path, nargs="+", metavar="RESULTS", help="results folders"
    )
    merge.add_argument(
        "--out",
        type=user_path,
        required=True,
        metavar="DIR",
        help="may be one of those merged; what it holds stays as it is",
    )
