"""SYSU (502 identities, two cameras) in one of three layouts, found by looking.

(a) `cam_0/<id5>_<k5>.jpg`, `cam_1/...`; (b) `<camera>/<id>/<file>`, camera folders such as `cam1`;
(c) a table of the user's, `images.csv`, which is believed before the folders beside it.
SYSU-MM01 and CUHK-SYSU, which share the name but not the task, are refused by name.
"""

import re
from pathlib import Path

from crossres.datasets.base.errors import InputError
from crossres.datasets.readers import RawContent, RawImage, sysu_table
from crossres.datasets.readers.parts.files import is_file, is_folder
from crossres.datasets.readers.parts.listing import (
    above,
    any_match,
    listing,
    matches,
    search,
    stray,
    subfolders,
)
from crossres.datasets.readers.parts.listing import open_image as open_image
from crossres.datasets.readers.parts.listing import source_file as source_file

FOLDER = "SYSU_3"
FLAT_GRAMMAR = "cam_<0|1>/<id, 5 digits>_<image, 5 digits>.jpg"
NESTED_GRAMMAR = "<camera>/<id>/<file>.jpg, .png or .bmp"
_FLAT_NAME = re.compile(r"(\d{5})_(\d{5})\.jpg", re.ASCII | re.IGNORECASE)
_FLAT_CAMERA = re.compile(r"cam_([01])")
_CAMERA = re.compile(r"(?:camera|cam|c)?[_-]?(\d)", re.ASCII | re.IGNORECASE)
_IDENTITY = re.compile(r"[0-9]{1,9}")
# Printable ASCII without a backslash: such a name is the same name on every system.
_IMAGE = re.compile(r"[ -\[\]-~]+\.(?:jpe?g|png|bmp)", re.ASCII | re.IGNORECASE)
_LISTS = {"train.txt", "val.txt", "test_probe.txt", "test_gallery.txt"}
_OTHERS = {
    "SYSU-MM01 (RGB-infrared)": re.compile(r"sysu[-_ ]?mm[-_ ]?01", re.ASCII | re.IGNORECASE),
    "CUHK-SYSU (person search)": re.compile(r"cuhk[-_ ]?sysu", re.ASCII | re.IGNORECASE),
}


def find(root: Path) -> Path | None:
    """Return the folder of the two cameras or of the table: `root`, the folder above it, or one
    below it.

    Raises InputError naming SYSU-MM01 or CUHK-SYSU when only such a folder is there.
    """
    folder = search(root, FOLDER, _is_raw)
    if folder is None:
        _refuse_others(root)
    return folder


def _is_raw(folder: Path) -> bool:
    if _foreign_title(folder) is not None:
        return False
    if sysu_table.is_raw(folder):
        return True
    if all(any_match(folder / camera, _FLAT_NAME) for camera in ("cam_0", "cam_1")):
        return True
    cameras = _cameras(folder)
    return len(set(map(_number, cameras))) == len(cameras) == 2 and all(
        map(_holds_identities, cameras)
    )


def _number(camera: Path) -> str:
    match = _CAMERA.fullmatch(camera.name)
    return match[1] if match else ""


def _cameras(folder: Path) -> list[Path]:
    return [child for child in subfolders(folder) if _CAMERA.fullmatch(child.name)]


def _holds_identities(camera: Path) -> bool:
    identities = (child for child in subfolders(camera) if _IDENTITY.fullmatch(child.name))
    first = next(identities, None)
    return first is not None and any_match(first, _IMAGE)


def _foreign_title(folder: Path) -> str | None:
    """Return the name of the other SYSU data set that this folder looks like."""
    for title, pattern in _OTHERS.items():
        if pattern.search(folder.name):
            return title
    if is_folder(folder / "exp") and len(_cameras(folder)) > 2:
        return "SYSU-MM01 (RGB-infrared)"
    if len(_cameras(folder)) > 2 and all(map(_holds_identities, _cameras(folder))):
        return "SYSU-MM01 (RGB-infrared)"
    if is_folder(folder / "Image" / "SSM") or is_file(folder / "annotation" / "Person.mat"):
        return "CUHK-SYSU (person search)"
    return None


def _refuse_others(root: Path) -> None:
    for folder in [root, *subfolders(root), *above(root)]:
        title = _foreign_title(folder)
        if title is not None:
            raise InputError(
                f"{folder}: this is {title}, not the two-camera SYSU set of 502 identities; "
                "give that one's folder"
            )


def read(folder: Path) -> RawContent:
    """Return all images; camids are those of the table, or the numbers of the camera folders."""
    if sysu_table.is_raw(folder):
        return sysu_table.read(folder)
    flat = any_match(folder / "cam_0", _FLAT_NAME)
    images = _read_flat(folder) if flat else _read_nested(folder)
    return RawContent(tuple(sorted(images, key=lambda image: image.path)))


def _read_flat(folder: Path) -> list[RawImage]:
    return [
        RawImage(f"{name}/{match[0]}", int(match[1]), camid)
        for name, camid in _camera_folders(folder, _FLAT_CAMERA, FLAT_GRAMMAR)
        for match in matches(folder / name, _FLAT_NAME, FLAT_GRAMMAR)
    ]


def _read_nested(folder: Path) -> list[RawImage]:
    return [
        RawImage(f"{name}/{identity[0]}/{match[0]}", int(identity[0]), camid)
        for name, camid in _camera_folders(folder, _CAMERA, NESTED_GRAMMAR)
        for identity in matches(folder / name, _IDENTITY, NESTED_GRAMMAR, folders=True)
        for match in matches(folder / name / identity[0], _IMAGE, NESTED_GRAMMAR)
    ]


def _camera_folders(folder: Path, pattern: re.Pattern[str], grammar: str) -> list[tuple[str, int]]:
    folders = []
    for name in listing(folder):
        camera = pattern.fullmatch(name)
        if camera is not None:
            folders.append((name, int(camera[1])))
        elif name not in _LISTS:
            stray(folder / name, grammar)
    return folders
