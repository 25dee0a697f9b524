"""VIPeR: cam_a and cam_b of <id3>_<angle>.bmp, one image per person and camera, ids with gaps."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crossres.datasets.base.draws import draw, ordered
from crossres.datasets.readers import RawImage
from crossres.datasets.twins.layouts import Pictures, Shot
from crossres.datasets.twins.layouts.common import bmp, shot, write_file, write_files
from crossres.datasets.twins.sizes import Size

CAMERAS = ("cam_a", "cam_b")
ANGLES = (0, 45, 90, 135, 180)
README = b"Drawn in the layout of VIPeR: one image per person in cam_a and in cam_b.\r\n"


def plan(size: Size) -> list[Shot]:
    """Return `identities` of the `numbers` ids, each at two neighbouring angles."""
    pids = ordered(range(size.count("numbers")), "twin-viper-ids")[: size.count("identities")]
    return [
        shot(size, RawImage(f"{name}/{pid:03d}_{angle}.bmp", pid, camid), angle)
        for pid in sorted(pids)
        for camid, (name, angle) in enumerate(zip(CAMERAS, _angles(pid), strict=True))
    ]


def _angles(pid: int) -> tuple[int, int]:
    """Draw two neighbouring angles, in either order."""
    index = draw("twin-viper-angles", pid) % (len(ANGLES) - 1)
    near, far = ANGLES[index], ANGLES[index + 1]
    return (near, far) if draw("twin-viper-order", pid) % 2 else (far, near)


def write(raw: Path, size: Size, pictures: Pictures) -> None:  # noqa: ARG001
    """Write the two folders and the README beside them."""
    write_files(raw, pictures, _bmp)
    write_file(raw / "README.txt", README)


def _bmp(pixels: NDArray[np.uint8]) -> bytes:
    """Encode as BMP with two bytes more than header and pixels ask for, as the genuine files."""
    return bmp(pixels) + b"\0\0"
