"""`crossres datasets show`."""

import argparse
from typing import Any

from crossres.answer import Answer
from crossres.arguments import command_parser


def _show(options: argparse.Namespace) -> Answer:
    from dataclasses import asdict

    from crossres.datasets import cards
    from crossres.datasets.protocols.applicable import protocols_of
    from crossres.datasets.protocols.validation import on_validation
    from crossres.datasets.twins import SIZES

    card = cards.card(options.dataset)
    protocols = protocols_of(card.id)
    twins = [size for size, entries in SIZES.items() if card.id in entries]
    facts = {
        "obtain it from": card.obtain,
        "licence": card.licence,
        "raw folder": card.folder,
        "layout": card.layout,
        "published": f"{card.images:,} images of {card.identities:,} identities, "
        f"{card.cameras or 'unknown'} cameras",
        "default protocol": card.protocol,
        "protocols": ", ".join(protocols),
        "validation": f"{on_validation(card.protocol)}; any other protocol likewise",
        "twins": ", ".join(twins),
        "caveat": card.caveat,
    }
    lines = [f"  {name:16}  {text}" for name, text in facts.items() if text]
    return Answer(
        {**asdict(card), "protocols": protocols, "twin_sizes": twins},
        [f"{card.id}: {card.title}", *lines],
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
