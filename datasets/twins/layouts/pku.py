"""PKU-Reid: PKUv1a_128x48/<pid3>_<cam2>_<orientation>.png, files that hold JPEG data."""

from dataclasses import replace
from pathlib import Path

from crossres.datasets.readers import RawImage
from crossres.datasets.twins.layouts import Pictures, Shot
from crossres.datasets.twins.layouts.common import jpeg, shot, write_files
from crossres.datasets.twins.sizes import Size

ORIENTATIONS = range(1, 9)
DUPLICATE = (2, 1, 4)
"""(pid, camera, orientation) of the image that repeats the one before it byte by byte."""


def plan(size: Size) -> list[Shot]:
    """Return `identities` people, two cameras, eight orientations in steps of 45 degrees."""
    shots = [
        shot(size, RawImage(_name(pid, camid, turn), pid, camid), 45 * (turn - 1))
        for pid in range(1, size.count("identities") + 1)
        for camid in (1, 2)
        for turn in ORIENTATIONS
    ]
    pid, camid, turn = DUPLICATE
    original = next(s for s in shots if s.image.path == _name(pid, camid, turn - 1))
    return [
        replace(original, image=s.image) if s.image.path == _name(*DUPLICATE) else s for s in shots
    ]


def _name(pid: int, camid: int, turn: int) -> str:
    return f"{pid:03d}_{camid:02d}_{turn}.png"


def write(raw: Path, size: Size, pictures: Pictures) -> None:  # noqa: ARG001
    """Write one flat folder."""
    write_files(raw, pictures, jpeg)
