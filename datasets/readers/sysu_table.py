"""SYSU by a table of the user's: `images.csv` with the columns path,pid,cam beside the images.

For copies in any other shape: paths are below the table's folder, with "/" between their parts.
"""

import re
from pathlib import Path

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.texts import csv_rows
from crossres.datasets.readers import RawContent, RawImage
from crossres.datasets.readers.parts.files import is_file
from crossres.datasets.readers.parts.lists import at_line, text_of

FILE = "images.csv"
COLUMNS = ["path", "pid", "cam"]
CAMERAS = 2
_IMAGE = re.compile(r"[^\\]+\.(?:jpe?g|png|bmp)", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


def is_raw(folder: Path) -> bool:
    """Return whether the table is there."""
    return is_file(folder / FILE)


def read(folder: Path) -> RawContent:
    """Return the images of the table; InputError names the line that cannot be used, and why."""
    file = folder / FILE
    images: dict[str, RawImage] = {}
    cameras: set[int] = set()
    for line, row in _rows(file):
        image = _image(file, line, row)
        if image.path in images:
            raise at_line(file, line, f"{image.path} is listed before", "remove one of the lines")
        if not is_file(folder / image.path):
            raise at_line(file, line, f"there is no file {image.path}", "correct the path")
        images[image.path] = image
        cameras.add(image.camid)
        if len(cameras) > CAMERAS:
            third = f"camera {image.camid} is a third one"
            raise at_line(file, line, third, "the set has two cameras, list those alone")
    return RawContent(tuple(images.values()))


def _rows(file: Path) -> list[tuple[int, list[str]]]:
    """Return (line number, fields) below the header; blank lines are passed over."""
    try:
        rows = csv_rows(text_of(file))
    except ValueError as error:
        raise InputError(f"{file}: {error}, so it is not CSV; correct the line") from error
    if not rows:
        raise at_line(file, 1, "no header", "begin it with path,pid,cam")
    if rows[0][1] != COLUMNS:
        there = ",".join(rows[0][1])[:80]
        raise at_line(file, rows[0][0], f"no header but {there!r}", "begin it with path,pid,cam")
    return rows[1:]


def _image(file: Path, line: int, row: list[str]) -> RawImage:
    if len(row) != len(COLUMNS):
        raise at_line(file, line, f"{len(row)} fields", "each line has three: path,pid,cam")
    path, pid, cam = row
    if not _IMAGE.fullmatch(path):
        wrong = f"{path!r} is not the path of an image"
        raise at_line(file, line, wrong, 'give a .jpg, .png or .bmp, with "/" between the parts')
    if {"", ".", ".."} & set(path.split("/")):
        wrong = f"{path!r} is not below the folder of the table"
        raise at_line(file, line, wrong, 'write it without a leading "/", "." or ".."')
    for name, value in (("pid", pid), ("cam", cam)):
        if not _NUMBER.fullmatch(value):
            raise at_line(file, line, f"{name} {value!r} is not a whole number", "correct it")
    return RawImage(path, int(pid), int(cam))
