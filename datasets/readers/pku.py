"""PKU-Reid: the flat folder PKUv1a_128x48 of `<pid3>_<cam2>_<orientation1>.png`, cameras 1 and 2.

The files hold JPEG data under a .png name, so they are decoded by content.
"""

import re
from pathlib import Path

from crossres.datasets.readers import RawContent, RawImage
from crossres.datasets.readers.parts.listing import any_match, matches, search
from crossres.datasets.readers.parts.listing import open_image as open_image
from crossres.datasets.readers.parts.listing import source_file as source_file

FOLDER = "PKUv1a_128x48"
GRAMMAR = "<person, 3 digits>_<camera, 2 digits>_<orientation 1..8>.png"
_NAME = re.compile(r"(\d{3})_(\d{2})_([1-8])\.png", re.ASCII | re.IGNORECASE)


def find(root: Path) -> Path | None:
    """Return the flat folder of images: `root`, the folder above it, or one below it."""
    return search(root, FOLDER, _is_raw)


def _is_raw(folder: Path) -> bool:
    return any_match(folder, _NAME)


def read(folder: Path) -> RawContent:
    """Return all images; camids are the numbers in the names."""
    images = [
        RawImage(match[0], int(match[1]), int(match[2]))
        for match in matches(folder, _NAME, GRAMMAR)
    ]
    return RawContent(tuple(images))
