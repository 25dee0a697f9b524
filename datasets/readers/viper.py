"""VIPeR: `cam_a/<id3>_<angle>.bmp` (camera 0) and `cam_b/<id3>_<angle>.bmp` (camera 1).

The angle differs between the cameras, so images are paired by the id alone.
"""

import re
from pathlib import Path

from crossres.datasets.readers import RawContent, RawImage
from crossres.datasets.readers.parts.listing import any_match, matches, search
from crossres.datasets.readers.parts.listing import open_image as open_image
from crossres.datasets.readers.parts.listing import source_file as source_file

FOLDER = "VIPeR"
GRAMMAR = "<id, 3 digits>_<angle>.bmp"
CAMERAS = {"cam_a": 0, "cam_b": 1}
_NAME = re.compile(r"(\d{3})_(\d{1,3})\.bmp", re.ASCII | re.IGNORECASE)


def find(root: Path) -> Path | None:
    """Find the folder that holds cam_a and cam_b: `root`, the one above it, or one below it."""
    return search(root, FOLDER, _is_raw)


def _is_raw(folder: Path) -> bool:
    return all(any_match(folder / camera, _NAME) for camera in CAMERAS)


def read(folder: Path) -> RawContent:
    """Return all images of both cameras."""
    images = [
        RawImage(f"{name}/{match[0]}", int(match[1]), camid)
        for name, camid in CAMERAS.items()
        for match in matches(folder / name, _NAME, GRAMMAR)
    ]
    return RawContent(tuple(images))
