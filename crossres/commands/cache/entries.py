"""How the commands of the cache show what lies there."""

import argparse
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from crossres.arguments import user_path

SHOWN_DIGITS = 12  # of the name of a store or an archive


def add_cache(parser: argparse.ArgumentParser) -> None:
    """Add `--cache`."""
    parser.add_argument(
        "--cache",
        type=user_path,
        metavar="DIR",
        help="(default: $CROSSRES_CACHE, else ~/.cache/crossres)",
    )


def entry_json(entry: Any) -> dict[str, Any]:
    """Return an entry as JSON values."""
    return {
        "kind": entry.kind,
        "name": entry.name,
        "title": entry.title,
        "path": str(entry.path),
        "bytes": entry.size,
        "last_used": round(entry.last_used, 3),
        "in_use": entry.in_use,
        "obsolete": entry.obsolete,
    }


def entry_lines(entries: Iterable[Any]) -> Iterator[str]:
    """Show a line for each entry: kind, size, when it was last used (UTC), name, title."""
    from crossres.datasets.base.words import byte_words

    for entry in entries:
        day = datetime.fromtimestamp(entry.last_used, UTC).strftime("%Y-%m-%d %H:%M")
        state = "in use" if entry.in_use else "obsolete" if entry.obsolete else ""
        name = entry.name if entry.kind == "twin" else entry.name[:SHOWN_DIGITS]
        size = byte_words(entry.size)
        yield f"{entry.kind:8}  {size:>8}  {day}  {state:8}  {name}  {entry.title}"
