"""`crossres datasets show`."""

import argparse
from typing import Any

from crossres.arguments import DONE, command, print_json


def _show(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from crossres.datasets.cards import card
    from crossres.datasets.protocols.applicable import protocols_of
    from crossres.datasets.twins import SIZES

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


def add_command(within: Any) -> None:
    """Add the command to its group."""
    show = command(
        within,
        "show",
        _show,
        "show a data set: where to ask for it, its licence, layout, counts and protocols",
        "crossres datasets show mlr-market",
    )
    show.add_argument("dataset", metavar="NAME")
