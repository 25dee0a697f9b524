"""`crossres datasets list | show`: what the data sets are."""

import argparse
from typing import Any

from crossres.grammar import DONE, command, print_json


def _datasets_list(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from datasets import CARDS

    if options.json:
        print_json({"datasets": [asdict(card) for card in CARDS.values()]})
        return DONE
    rows = [("NAME", "TITLE", "IMAGES", "IDS", "CAMERAS", "PROTOCOL", "RAW FOLDER")]
    rows += [
        (
            c.id,
            c.title,
            f"{c.images:,}",
            f"{c.identities:,}",
            str(c.cameras or "-"),
            c.protocol,
            c.folder,
        )
        for c in CARDS.values()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            text.rjust(width) if 2 <= column <= 4 else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
    return DONE


def _datasets_show(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from datasets.applicable import protocols_of
    from datasets.cards import card
    from datasets.twins import SIZES

    about = card(options.dataset)
    protocols = protocols_of(about.id)
    twins = [size for size, entries in SIZES.items() if about.id in entries]
    if options.json:
        print_json({**asdict(about), "protocols": protocols, "twin_sizes": twins})
        return DONE
    facts = {
        "obtain it from": about.obtain,
        "licence": about.licence,
        "raw folder": about.folder,
        "layout": about.layout,
        "published": f"{about.images:,} images of {about.identities:,} identities, "
        f"{about.cameras or 'unknown'} cameras",
        "default protocol": about.protocol,
        "protocols": ", ".join(protocols),
        "twins": ", ".join(twins),
        "caveat": about.caveat,
    }
    print(f"{about.id}: {about.title}")
    for name, text in facts.items():
        if text:
            print(f"  {name:16}  {text}")
    return DONE


def add_cards(within: Any) -> None:
    """Add the commands to the group `datasets`."""
    command(within, "list", _datasets_list, "list the data sets", "crossres datasets list")
    show = command(
        within,
        "show",
        _datasets_show,
        "show a data set: where to ask for it, its licence, layout, counts and protocols",
        "crossres datasets show mlr-market",
    )
    show.add_argument("dataset", metavar="NAME")
