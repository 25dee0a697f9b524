"""Native sizes: whether images are as large as those of their data set, from their headers alone.

Folders of these names go from hand to hand whose images are down-sampled already: read as raw,
they would be so once more. Headers are read once; what they say is kept until a file changes.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import digest_of, stamp, write_atomically
from crossres.datasets.cards import Card
from crossres.datasets.readers import RawImage, reader
from crossres.datasets.readers.parts.listing import image_size

Size = tuple[int, int]
SIZES = "sizes"  # the folder of a cache
_VERSION = 1


def other_sizes(
    card: Card, folder: Path, images: Sequence[RawImage], cache: Path
) -> dict[str, Size]:
    """Return path -> (width, height) of the images that are not of the card's size.

    {} where the card says none. A file that is no image is left to those who decode it.
    """
    if card.size is None:
        return {}
    source_file = reader(card.reader).source_file
    files = {image.path: source_file(folder, image.path) for image in images}
    stamps = sorted(stamp(folder, file) for file in files.values())
    identity = f"{_VERSION} {card.size}\n" + "\n".join(stamps)
    cache_file = cache / SIZES / f"{digest_of(identity.encode())[:32]}.json"
    sizes = _noted(cache_file, files)
    if sizes is None:
        all_sizes = {path: _size(file) for path, file in files.items()}
        sizes = {path: size for path, size in all_sizes.items() if size not in (None, card.size)}
        _note(cache_file, sizes)
    return sizes


def size_words(card: Card, odd_sizes: Mapping[str, Size], images: int) -> tuple[str, ...]:
    """Return "632 of 1,264 images are not 48 × 128 pixels", or nothing where all are."""
    if not odd_sizes or card.size is None:
        return ()
    width, height = card.size
    return (f"{len(odd_sizes):,} of {images:,} images are not {width} × {height} pixels",)


def _size(file: Path) -> Size | None:
    try:
        return image_size(file)
    except InputError:
        return None


def _noted(file: Path, paths: Mapping[str, Path]) -> dict[str, Size] | None:
    """Return what was found before; None when that is not known, or damaged."""
    try:
        content: Any = json.loads(file.read_text(encoding="utf-8"))
        sizes = {str(path): (int(width), int(height)) for path, (width, height) in content.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    return sizes if sizes.keys() <= paths.keys() else None


def _note(file: Path, sizes: Mapping[str, Size]) -> None:
    """Keep what was found, where the cache can be written."""
    try:
        write_atomically(file, json.dumps(sizes) + "\n")
    except InputError:
        return
