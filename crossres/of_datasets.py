"""`crossres datasets twin`, and the group it is in."""

import argparse
from pathlib import Path
from typing import Any

from crossres.grammar import DONE, command, group, print_json
from crossres.of_cards import add_cards
from crossres.of_exports import add_exports
from crossres.of_raw import add_raw
from crossres.of_splits import add_splits


def _datasets_twin(options: argparse.Namespace) -> int:
    from datasets import draw_twin
    from datasets.progress import progress

    with progress(f"drawing {options.dataset}", name="images") as report:
        draw_twin(options.dataset, options.out, options.size, report)
    if options.json:
        print_json({"dataset": options.dataset, "size": options.size, "folder": str(options.out)})
    else:
        print(f"wrote the {options.size} twin of {options.dataset} to {options.out}")
    return DONE


def add_datasets(commands: Any) -> None:
    within = group(commands, "datasets", "list data sets, build manifests and pixels, draw twins")
    add_cards(within)
    add_splits(within)
    add_exports(within)
    add_raw(within)
    twin = command(
        within,
        "twin",
        _datasets_twin,
        "draw the twin of a data set in its raw layout",
        "crossres datasets twin mlr-viper --size tiny --out raw",
    )
    twin.add_argument("dataset", metavar="NAME")
    twin.add_argument("--size", default="quick", help="quick (default), tiny or full")
    twin.add_argument("--out", type=Path, required=True, metavar="DIR")
