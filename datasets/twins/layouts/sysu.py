"""SYSU as two flat folders: cam_<0|1>/<id5>_<image5>.jpg, three or more images per camera."""

from pathlib import Path

from crossres.datasets.base.draws import pick
from crossres.datasets.readers import RawImage
from crossres.datasets.twins.layouts import Pictures, Shot
from crossres.datasets.twins.layouts.census import dealt
from crossres.datasets.twins.layouts.common import jpeg, shot, write_files
from crossres.datasets.twins.sizes import Size

FEW = 1
"""The person with only two images in camera 0."""


def plan(size: Size) -> list[Shot]:
    """Return `identities` people from 0; the number of images per camera is one of `images`, or
    such that all make `total`.
    """
    counts = _counts(size)
    return [
        shot(size, RawImage(f"cam_{camid}/{pid:05d}_{index:05d}.jpg", pid, camid))
        for (pid, camid), count in counts.items()
        for index in range(count)
    ]


def _counts(size: Size) -> dict[tuple[int, int], int]:
    """Return (person, camera) -> number of images."""
    pairs = [(pid, camid) for pid in range(size.count("identities")) for camid in (0, 1)]
    if "total" in size.counts:
        most = [pair for pair in pairs if pair != (FEW, 0)]
        counts = dealt(size.count("total") - 2, most, "twin-sysu-total")
    else:
        counts = {pair: pick(size.counted("images"), "twin-sysu-images", *pair) for pair in pairs}
    return {pair: 2 if pair == (FEW, 0) else counts[pair] for pair in pairs}


def write(raw: Path, size: Size, pictures: Pictures) -> None:  # noqa: ARG001
    """Write the two folders of JPEG files."""
    write_files(raw, pictures, jpeg)
