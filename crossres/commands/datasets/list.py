"""`crossres datasets list`."""

import argparse
from collections.abc import Iterable
from typing import Any

from crossres.answer import Answer
from crossres.arguments import command_parser


def _list(_: argparse.Namespace) -> Answer:
    from crossres.datasets import CARDS

    rows = [("NAME", "TITLE", "IMAGES", "IDS", "CAMERAS", "PROTOCOL", "RAW FOLDER")]
    rows += [
        (
            card.id,
            card.title,
            f"{card.images:,}",
            f"{card.identities:,}",
            str(card.cameras or "-"),
            card.protocol,
            card.folder,
        )
        for card in CARDS.values()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = (_line(row, widths) for row in rows)
    return Answer({"datasets": [card.as_json() for card in CARDS.values()]}, lines)


def _line(row: Iterable[str], widths: Iterable[int]) -> str:
    cells = [
        text.rjust(width) if 2 <= column <= 4 else text.ljust(width)
        for column, (text, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def add_command(within: Any) -> None:
    """Add the command to its group."""
    command_parser(within, "list", _list, "list the data sets", "crossres datasets list")
