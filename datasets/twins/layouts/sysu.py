"""SYSU as two flat folders: cam_<0|1>/<id5>_<image5>.jpg, three or more images per camera."""

from pathlib import Path

from datasets.draws import pick
from datasets.readers import RawImage
from datasets.twins.layouts import Pictures, Shot
from datasets.twins.layouts.common import jpeg, shot, write_files
from datasets.twins.sizes import Size

FEW = 1
"""The person with only two images in camera 0."""


def plan(size: Size) -> list[Shot]:
    """`identities` people from 0; the number of images per camera is one of `images`."""
    return [
        shot(size, RawImage(f"cam_{camid}/{pid:05d}_{index:05d}.jpg", pid, camid))
        for pid in range(size.count("identities"))
        for camid in (0, 1)
        for index in range(_images(size, pid, camid))
    ]


def _images(size: Size, pid: int, camid: int) -> int:
    if (pid, camid) == (FEW, 0):
        return 2
    return pick(size.counted("images"), "twin-sysu-images", pid, camid)


def write(raw: Path, size: Size, pictures: Pictures) -> None:  # noqa: ARG001
    """The two folders of JPEG files."""
    write_files(raw, pictures, jpeg)
