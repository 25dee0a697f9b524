"""`crossres datasets show`."""

import argparse
from typing import Any

from crossres.answer import Answer
from crossres.arguments import command_parser


def _show(options: argparse.Namespace) -> Answer:
    from dataclasses import asdict

    from crossres.datasets.cards import card
    from crossres.datasets.protocols.applicable import protocols_of
    from crossres.datasets.twins import SIZES

    shown = card(options.dataset)
    protocols = protocols_of(shown.id)
    twins = [size for size, entries in SIZES.items() if shown.id in entries]
    facts = {
        "obtain it from": shown.obtain,
        "licence": shown.licence,
        "raw folder": shown.folder,
        "layout": shown.layout,
        "published": f"{shown.images:,} images of {shown.identities:,} identities, "
        f"{shown.cameras or 'unknown'} cameras",
        "default protocol": shown.protocol,
        "protocols": ", ".join(protocols),
        "twins": ", ".join(twins),
        "caveat": shown.caveat,
    }
    lines = [f"  {name:16}  {text}" for name, text in facts.items() if text]
    return Answer(
        {**asdict(shown), "protocols": protocols, "twin_sizes": twins},
        [f"{shown.id}: {shown.title}", *lines],
    )


def add_command(within: Any) -> None:
    """Add the command to its group."""
    show = command_parser(
        within,
        "show",
        _show,
        "show a data set: where to ask for it, its licence, layout, counts and protocols",
        "crossres datasets show mlr-market",
    )
    show.add_argument("dataset", metavar="NAME")
