"""`crossres datasets twin`."""

import argparse
from typing import Any

from crossres.answer import Answer
from crossres.arguments import command_parser, seed, user_path

LAYOUTS = (
    "cuhk03-np of mlr-cuhk03; msmt17-v2 of mlr-msmt17; "
    "sysu-nested, sysu-table and sysu-mm01 (a decoy) of mlr-sysu"
)


def _twin(options: argparse.Namespace) -> Answer:
    from crossres.datasets import draw_twin
    from crossres.datasets.base.progress import progress

    with progress(f"drawing {options.dataset}", name="images") as report:
        draw_twin(options.dataset, options.out, options.size, report, options.layout, options.seed)
    content = {
        "dataset": options.dataset,
        "size": options.size,
        "layout": options.layout,
        "seed": options.seed,
    }
    layout = f" as {options.layout}" if options.layout else ""
    line = f"wrote the {options.size} twin of {options.dataset}{layout} to {options.out}"
    return Answer({**content, "folder": str(options.out)}, [line])


def add_command(within: Any) -> None:
    """Add the command to its group."""
    twin = command_parser(
        within,
        "twin",
        _twin,
        "draw the twin of a data set in its raw layout",
        "crossres datasets twin mlr-viper --size tiny --out raw\n"
        "crossres datasets twin mlr-cuhk03 --layout cuhk03-np --out raw",
    )
    twin.add_argument("dataset", metavar="NAME", help="a data set")
    twin.add_argument("--size", default="quick", help="quick (default), tiny or full")
    twin.add_argument("--layout", metavar="LAYOUT", help=f"another than the usual one: {LAYOUTS}")
    twin.add_argument(
        "--seed",
        type=seed,
        default=0,
        metavar="N",
        help="of the people or vehicles, and the cameras (default: 0)",
    )
    twin.add_argument(
        "--out", type=user_path, required=True, metavar="DIR", help="where the raw folder goes"
    )
