"""VeRi-776: image_train, image_test and image_query of `<pid4>_c<camera3>_<frame8>_<n>.jpg`.

Names tell everything, and the label files (XML) beside them are never opened. Where a list of names
lies beside a folder it decides what is part of the set. The query images are in image_test, too.
"""

import re
from pathlib import Path

from crossres.datasets.base.errors import InputError
from crossres.datasets.readers import RawContent, RawImage
from crossres.datasets.readers.parts.files import exists
from crossres.datasets.readers.parts.listing import any_match, matches, search
from crossres.datasets.readers.parts.listing import open_image as open_image
from crossres.datasets.readers.parts.listing import source_file as source_file
from crossres.datasets.readers.parts.lists import file_key, listed_files

FOLDER = "VeRi"
GRAMMAR = "<pid, 4 digits>_c<camera 001..020>_<frame, 8 digits>_<number>.jpg"
PARTS = {"train": "train", "query": "query", "test": "gallery"}
_NAME = re.compile(r"(\d{4})_c(0(?:0[1-9]|1\d|20))_\d{8}_\d{1,2}(?i:\.jpg)", re.ASCII)


def find(root: Path) -> Path | None:
    """Find the folder that holds the three parts: `root`, the one above it, or one below it."""
    return search(root, FOLDER, _is_raw)


def _is_raw(folder: Path) -> bool:
    # CityFlow has folders of these names, too, with images of others.
    return all(any_match(folder / _images(name), _NAME) for name in PARTS)


def _images(name: str) -> str:
    return f"image_{name}"


def read(folder: Path) -> RawContent:
    """Return all images of the three parts, or those that their lists name.

    Raises InputError naming a file outside the grammar, or the line of a list that is, or that
    names an image that is missing or listed before.
    """
    return RawContent(tuple(image for name in PARTS for image in _part(folder, name)))


def _part(folder: Path, name: str) -> list[RawImage]:
    images = matches(folder / _images(name), _NAME, GRAMMAR)
    files = {file_key(match[0]): match for match in images}
    file = folder / f"name_{name}.txt"
    if exists(file):
        chosen = [files[key] for key in listed_files(file, _NAME, GRAMMAR, files, _images(name))]
        if not chosen:
            raise InputError(f"{file}: lists no image; remove it, or unpack the data set again")
    else:
        chosen = list(files.values())
    return [
        RawImage(f"{_images(name)}/{match[0]}", int(match[1]), int(match[2]), PARTS[name])
        for match in chosen
    ]
