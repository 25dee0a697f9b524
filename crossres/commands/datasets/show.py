"""`crossres datasets show`."""

import argparse
from pathlib import Path
from typing import Any

from crossres.answer import Answer
from crossres.arguments import NAME_OR_FILE, command_parser, dataset


def _show(options: argparse.Namespace) -> Answer:
    from crossres.datasets import cards
    from crossres.datasets.protocols.applicable import protocols_of
    from crossres.datasets.protocols.validation import on_validation
    from crossres.datasets.twins import SIZES

    named = dataset(options)
    if isinstance(named, cards.Card):
        return _show_own(named)
    card = cards.card(named)
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
        {**card.as_json(), "protocols": protocols, "twin_sizes": twins},
        [f"{card.id}: {card.title}", *lines],
    )


def _show_own(card: Any) -> Answer:
    """Show what the definition of a user's own set finds in its folder."""
    from crossres.datasets import Source, open_raw
    from crossres.datasets.own.summary import summarised, title_of
    from crossres.datasets.protocols.applicable import applying

    raw = open_raw(card, Source(), Path())
    summary = summarised(raw)
    protocols = applying(raw)
    facts = {**summary.facts(), "protocol": card.protocol, "seed 0": _split(raw)}
    facts["others"] = ", ".join(name for name in protocols if name != card.protocol)
    lines = [f"  {name:13}  {text}" for name, text in facts.items() if text]
    content = {**raw.card.as_json(), "protocols": protocols, "holds": summary.as_json()}
    return Answer(content, [title_of(card), *lines])


def _split(raw: Any) -> str:
    """Say what the protocol makes of a user's own set, or why it makes nothing."""
    from crossres.datasets import InputError, build_manifest

    try:
        table = build_manifest(raw).table
    except InputError as error:
        return f"NO SPLIT: {error}"
    parts = ((split, table[table["split"] == split]) for split in ("train", "query", "gallery"))
    return ", ".join(
        f"{split} {len(rows):,} images of {rows['pid'].nunique():,} identities"
        for split, rows in parts
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
    show.add_argument("dataset", metavar="NAME|FILE.toml", help=NAME_OR_FILE)
