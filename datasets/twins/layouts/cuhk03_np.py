"""CUHK03-NP: the people of the CUHK03 twin as folders of <pid4>_c<view>_<number>.png files.

Half of the identities train; of the others one image of each view is a query. Queries hold JPEG
data under their .png names.
"""

from dataclasses import replace
from pathlib import Path

from crossres.datasets.base.draws import ordered
from crossres.datasets.readers import RawImage
from crossres.datasets.readers.market_style import PARTS
from crossres.datasets.twins.layouts import Pictures, Shot, cuhk03
from crossres.datasets.twins.layouts.common import jpeg, png, write_file
from crossres.datasets.twins.sizes import Size

CONFIGS = ("cuhk03_new_protocol_config_detected.mat", "cuhk03_new_protocol_config_labeled.mat")
_EMPTY_MAT = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"


def plan(size: Size) -> list[Shot]:
    """Return the shots of the CUHK03 twin; pids are counted over all pairs, camids are 1 and 2."""
    shots = cuhk03.plan(size)
    pids = sorted({shot.image.pid for shot in shots})
    number = {pid: count for count, pid in enumerate(pids, start=1)}
    train = set(ordered(pids, "twin-cuhk03-np-split")[: len(pids) // 2])
    queried: set[tuple[int, int]] = set()
    renamed = []
    for shot in shots:
        view = shot.image.camid % 10
        folder = "bounding_box_test"
        if shot.image.pid in train:
            folder = "bounding_box_train"
        elif (shot.image.pid, view) not in queried:
            queried.add((shot.image.pid, view))
            folder = "query"
        renamed.append(_renamed(shot, folder, number[shot.image.pid], view))
    return renamed


def _renamed(shot: Shot, folder: str, pid: int, view: int) -> Shot:
    """Return the same picture in the detected boxes, and in the labeled ones where it has those."""

    def in_folder(image: RawImage) -> RawImage:
        name = f"{pid:04d}_c{view}_{image.path.rpartition('/')[2]}.png"
        path = f"{image.boxes}/{folder}/{name}"
        return RawImage(path, pid, view, PARTS[folder], image.boxes)

    return replace(shot, image=in_folder(shot.image), also=tuple(map(in_folder, shot.also)))


def write(raw: Path, size: Size, pictures: Pictures) -> None:  # noqa: ARG001
    """Write the folders of both boxes, and beside them the lists of the authors, empty here."""
    for shot, pixels in pictures:
        encode = jpeg if shot.image.part == "query" else png
        write_file(raw / shot.image.path, encode(pixels))
        for image in shot.also:
            write_file(raw / image.path, encode(cuhk03.labeled_box(pixels)))
    for name in CONFIGS:
        write_file(raw / name, _EMPTY_MAT)
