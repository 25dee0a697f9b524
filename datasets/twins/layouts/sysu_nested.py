"""SYSU as folders of people: <camera>/<id>/<file>, with cameras 1 and 2."""

from dataclasses import replace
from pathlib import Path

from crossres.datasets.readers import RawImage
from crossres.datasets.twins.layouts import Pictures, Shot, sysu
from crossres.datasets.twins.layouts.common import jpeg, write_files
from crossres.datasets.twins.sizes import Size


def plan(size: Size) -> list[Shot]:
    """Return the people and poses of the SYSU twin, in other folders."""
    return [_moved(shot) for shot in sysu.plan(size)]


def _moved(shot: Shot) -> Shot:
    pid, camid = shot.image.pid, shot.image.camid + 1
    number = shot.image.key[-5:]
    image = RawImage(f"cam{camid}/{pid:04d}/{int(number):04d}.jpg", pid, camid)
    return replace(shot, image=image)


def write(raw: Path, size: Size, pictures: Pictures) -> None:  # noqa: ARG001
    """Write the two folders of folders."""
    write_files(raw, pictures, jpeg)
