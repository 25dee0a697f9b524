"""VRIC: train_images, probe_images and gallery_images, with lists of `<file> <vehicle> <camera>`.

The set is natively of many resolutions and says of no image that it is LR: that is measured.
"""

import re
from pathlib import Path
from statistics import median_low

from crossres.datasets.base.errors import InputError
from crossres.datasets.readers import RawContent, RawImage
from crossres.datasets.readers.parts.files import is_file, is_folder
from crossres.datasets.readers.parts.listing import image_size, listing, search
from crossres.datasets.readers.parts.listing import open_image as open_image
from crossres.datasets.readers.parts.listing import source_file as source_file
from crossres.datasets.readers.parts.lists import file_key, listed_files, pid_of

FOLDER = "VRIC"
PARTS = {"train": "train", "probe": "query", "gallery": "gallery"}
GRAMMAR = "<file>.jpg <vehicle number> <camera number>"
_LINE = re.compile(r"([!-.0-\[\]-~]+\.jpg)\s+(\d{1,6})\s+(\d{1,6})", re.ASCII | re.IGNORECASE)


def find(root: Path) -> Path | None:
    """Return the folder of lists and images: `root`, the folder above it, or one below it."""
    return search(root, FOLDER, _is_raw)


def _is_raw(folder: Path) -> bool:
    return all(is_file(_list(folder, name)) and is_folder(folder / _images(name)) for name in PARTS)


def _list(folder: Path, name: str) -> Path:
    return folder / f"vric_{name}.txt"


def _images(name: str) -> str:
    return f"{name}_images"


def read(folder: Path) -> RawContent:
    """Return the listed images; probes are queries, and test pids begin at 1,000,000.

    `native_lr` are the images of fewer pixels than the median training image. Raises InputError
    naming the line of a list that is wrong, or a file that is not an image.
    """
    images = [image for name in PARTS for image in _listed(folder, name)]
    areas = {image.path: _area(folder / image.path) for image in images}
    half = median_low(areas[image.path] for image in images if image.part == "train")
    native_lr = frozenset(path for path, area in areas.items() if area < half)
    note = (
        f"natively LR: the {len(native_lr)} of {len(images)} images whose width x height is below "
        f"{half}, the median of the training images"
    )
    return RawContent(tuple(images), native_lr=native_lr, notes=(note,))


def _listed(folder: Path, name: str) -> list[RawImage]:
    """Return the images of one list; suffixes may differ from the list in their case."""
    file, files, part = _list(folder, name), _files(folder / _images(name)), PARTS[name]
    lines = listed_files(file, _LINE, GRAMMAR, files, _images(name), group=1)
    if not lines:
        raise InputError(f"{file}: lists no image; unpack the data set again")
    return [
        RawImage(f"{_images(name)}/{files[key]}", pid_of(int(match[2]), part), int(match[3]), part)
        for key, match in lines.items()
    ]


def _files(folder: Path) -> dict[str, str]:
    return {file_key(name): name for name in listing(folder)}


def _area(file: Path) -> int:
    width, height = image_size(file)
    return width * height
