"""SYSU as any folders with a table beside them: images.csv with the columns path,pid,cam."""

from dataclasses import replace
from pathlib import Path

from crossres.datasets.readers import RawImage
from crossres.datasets.readers.sysu_table import COLUMNS, FILE
from crossres.datasets.twins.layouts import Pictures, Shot, sysu
from crossres.datasets.twins.layouts.common import jpeg, write_file
from crossres.datasets.twins.sizes import Size


def plan(size: Size) -> list[Shot]:
    """Return the people and poses of the SYSU twin, in one folder whose names say nothing."""
    return [
        replace(shot, image=_renamed(shot.image, number))
        for number, shot in enumerate(sysu.plan(size), start=1)
    ]


def _renamed(image: RawImage, number: int) -> RawImage:
    return replace(image, path=f"pictures/{number:05d}.jpg")


def write(raw: Path, size: Size, pictures: Pictures) -> None:  # noqa: ARG001
    """Write the folder, and the table with the line ends of a spreadsheet."""
    lines = [",".join(COLUMNS)]
    for shot, pixels in pictures:
        write_file(raw / shot.image.path, jpeg(pixels))
        lines.append(f"{shot.image.path},{shot.image.pid},{shot.image.camid}")
    write_file(raw / FILE, "".join(f"{line}\r\n" for line in lines).encode("ascii"))
