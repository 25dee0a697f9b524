"""`crossres datasets twin`, and the group it is in."""

import argparse
from typing import Any

from crossres.grammar import DONE, command, group, place, print_json
from crossres.of_cards import add_cards
from crossres.of_exports import add_exports
from crossres.of_raw import add_raw
from crossres.of_splits import add_splits

LAYOUTS = "cuhk03-np of mlr-cuhk03; sysu-nested, sysu-table and sysu-mm01 (a decoy) of mlr-sysu"


def _datasets_twin(options: argparse.Namespace) -> int:
    from datasets import draw_twin
    from datasets.progress import progress

    with progress(f"drawing {options.dataset}", name="images") as report:
        draw_twin(options.dataset, options.out, options.size, report, options.layout)
    if options.json:
        about = {"dataset": options.dataset, "size": options.size, "layout": options.layout}
        print_json({**about, "folder": str(options.out)})
    else:
        written_as = f" as {options.layout}" if options.layout else ""
        print(f"wrote the {options.size} twin of {options.dataset}{written_as} to {options.out}")
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
        "crossres datasets twin mlr-viper --size tiny --out raw\n"
        "crossres datasets twin mlr-cuhk03 --layout cuhk03-np --out raw",
    )
    twin.add_argument("dataset", metavar="NAME")
    twin.add_argument("--size", default="quick", help="quick (default), tiny or full")
    twin.add_argument("--layout", metavar="LAYOUT", help=f"another than the usual one: {LAYOUTS}")
    twin.add_argument("--out", type=place, required=True, metavar="DIR")
