"""`crossres datasets list`."""

import argparse
from typing import Any

from crossres.arguments import DONE, command, print_json


def _list(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from crossres.datasets import CARDS

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


def add_command(within: Any) -> None:
    """Add the command to its group."""
    command(within, "list", _list, "list the data sets", "crossres datasets list")
