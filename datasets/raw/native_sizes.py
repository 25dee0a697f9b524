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
_VERSION = 1


def other_sizes(
    about: Card, folder: Path, images: Sequence[RawImage], cache: Path
) -> dict[str, Size]:
    """Return path -> (width, height) of the images that are not of the card's size.

    {} where the card says none. A file that is no image is left to those who decode it.
    """
    if about.size is None:
        return {}
    source_file = reader(about.reader).source_file
    files = {image.path: source_file(folder, image.path) for image in images}
    stamps = sorted(stamp(folder, file) for file in files.values())
    named = f"{_VERSION} {about.size}\n" + "\n".join(stamps)
    noted = cache / "sizes" / f"{digest_of(named.encode())[:32]}.json"
    found = _noted(noted, files)
    if found is None:
        sizes = {path: _size(file) for path, file in files.items()}
        found = {path: size for path, size in sizes.items() if size not in (None, about.size)}
        _note(noted, found)
    return found


def size_words(about: Card, others: Mapping[str, Size], images: int) -> tuple[str, ...]:
    """Return "632 of 1,264 images are not 48 × 128 pixels", or nothing where all are."""
    if not others or about.size is None:
        return ()
    width, height = about.size
    return (f"{len(others):,} of {images:,} images are not {width} × {height} pixels",)


def _size(file: Path) -> Size | None:
    try:
        return image_size(file)
    except InputError:
        return None


def _noted(file: Path, known: Mapping[str, Path]) -> dict[str, Size] | None:
    """Return what was found before; None when that is not known, or damaged."""
    try:
        content: Any = json.loads(file.read_text(encoding="utf-8"))
        found = {str(path): (int(width), int(height)) for path, (width, height) in content.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    return found if found.keys() <= known.keys() else None


def _note(file: Path, found: Mapping[str, Size]) -> None:
    """Keep what was found, where the cache can be written."""
    try:
        write_atomically(file, json.dumps(found) + "\n")
    except InputError:
        return
