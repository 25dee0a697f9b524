"""Random choices without a generator: every choice is a hash of the names of what is chosen.

So no choice depends on file order, on what else exists, or on how many choices were made before.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

SUITE = "crossres-1"


def draw(*names: str | int) -> int:
    """Return the 64-bit draw of these names (docs/protocols.md, "Draws").

    The first eight bytes, big-endian, of the SHA-256 of `crossres-1|name|name|...` in UTF-8;
    0 <= draw < 2**64.
    """
    text = "|".join([SUITE, *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:8], "big")


def ordered(items: Iterable[T], *names: str | int, key: Callable[[T], str | int] = str) -> list[T]:
    """Return the items sorted by (draw(*names, key(item)), key(item)); keys should be unique."""
    keyed = [(draw(*names, key(item)), str(key(item)), item) for item in items]
    return [item for _, _, item in sorted(keyed, key=lambda entry: entry[:2])]


def pick(items: Iterable[T], *names: str | int, key: Callable[[T], str | int] = str) -> T:
    """Return the item with the smallest draw; ValueError when there is none."""
    sorted_items = ordered(items, *names, key=key)
    if not sorted_items:
        raise ValueError("nothing to pick from")
    return sorted_items[0]
