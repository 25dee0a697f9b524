"""Which protocols a data set can be split by: found by splitting its smallest twin by each."""

import tempfile
from pathlib import Path

from crossres.datasets.base.errors import InputError
from crossres.datasets.cards import card
from crossres.datasets.protocols import PROTOCOLS, build_manifest
from crossres.datasets.raw.source import Raw, Source, open_raw


def protocols_of(dataset: str) -> list[str]:
    """Return the names of the protocols that apply without options, the default one first.

    Draws the tiny twin into a folder that is gone afterwards. InputError on an unknown data set.
    """
    default = card(dataset).protocol
    with tempfile.TemporaryDirectory(prefix="crossres-") as folder:
        raw = open_raw(dataset, Source(size="tiny"), Path(folder))
    return [default, *(name for name in applying(raw) if name != default)]


def applying(raw: Raw) -> list[str]:
    """Return the names of the protocols that a raw folder can be split by without options."""
    return [name for name in PROTOCOLS if applies(raw, name)]


def applies(raw: Raw, protocol: str) -> bool:
    """Return whether a raw folder can be split by a protocol."""
    try:
        build_manifest(raw, protocol)
    except InputError:
        return False
    return True
