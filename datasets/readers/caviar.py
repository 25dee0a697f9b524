"""CAVIAR4REID, the flat folder CAVIARa: `<pid4><index3>.jpg`, index 1-10 camera 1, 11-20 camera 2.

One camera is natively LR. Which one is measured, because no name or list says it.
"""

import re
from pathlib import Path

from crossres.datasets.base.errors import InputError
from crossres.datasets.readers import RawContent, RawImage
from crossres.datasets.readers.parts.listing import any_match, image_size, matches, search
from crossres.datasets.readers.parts.listing import open_image as open_image
from crossres.datasets.readers.parts.listing import source_file as source_file

FOLDER = "CAVIARa"
GRAMMAR = "<person, 4 digits><image 001..020>.jpg"
MIN_AGREEMENT = 0.8
_NAME = re.compile(r"(\d{4})(0(?:0[1-9]|1\d|20))\.jpg", re.ASCII | re.IGNORECASE)


def find(root: Path) -> Path | None:
    """Return the flat folder of images: `root`, the folder above it, or one below it."""
    return search(root, FOLDER, _is_raw)


def _is_raw(folder: Path) -> bool:
    return folder.name.casefold() != "caviarb" and any_match(folder, _NAME)


def read(folder: Path) -> RawContent:
    """Return all images; `lr_camera` is the camera whose images are smaller for most of the
    persons.

    Raises InputError when fewer than 80 % of the two-camera persons agree on that camera.
    """
    images, areas = [], []
    for match in matches(folder, _NAME, GRAMMAR):
        images.append(RawImage(match[0], int(match[1]), 1 if int(match[2]) <= 10 else 2))
        width, height = image_size(folder / match[0])
        areas.append(width * height)
    lr_camera, agreement, count = _lr_camera(folder, images, areas)
    note = (
        f"LR camera {lr_camera} measured from image sizes: "
        f"{agreement:.0%} of {count} two-camera identities agree"
    )
    return RawContent(tuple(images), lr_camera=lr_camera, notes=(note,))


def _lr_camera(folder: Path, images: list[RawImage], areas: list[int]) -> tuple[int, float, int]:
    """Return the majority over persons of "which camera has the smaller mean pixel area"."""
    of: dict[tuple[int, int], list[int]] = {}
    for image, area in zip(images, areas, strict=True):
        of.setdefault((image.pid, image.camid), []).append(area)
    mean = {pair: sum(values) / len(values) for pair, values in of.items()}
    both = sorted(pid for pid, camid in mean if camid == 1 and (pid, 2) in mean)
    if not both:
        raise InputError(f"{folder}: no person was seen by both cameras; is the folder complete?")
    first = sum(mean[pid, 1] < mean[pid, 2] for pid in both) / len(both)
    second = sum(mean[pid, 2] < mean[pid, 1] for pid in both) / len(both)
    lr_camera, agreement = (1, first) if first > second else (2, second)
    if agreement < MIN_AGREEMENT:
        raise InputError(
            f"{folder}: only {agreement:.0%} of the identities agree on the LR camera (80 % "
            "needed); these are not the original CAVIARa crops, unpack the archive again"
        )
    return lr_camera, agreement, len(both)
