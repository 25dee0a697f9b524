"""Folders of drawn crops, named in ways that no known set uses, and definitions of them."""

import json
import zlib
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

PEOPLE = ("alice", "bob", "carol", "dave", "eve", "frank", "grace", "heidi")
CAMERAS = ("hall", "north-gate")
PATTERN = r"[^/]+/(?P<pid>[a-z]+)@(?P<camid>[a-z-]+)@\d+\.png"
USUAL = {"id": "station", "root": "crops", "pattern": PATTERN, "protocol": "mlr-sing"}


def crop(path: Path, size: tuple[int, int] = (12, 24)) -> None:
    """Draw a crop, another one for each name and folder; the same ones wherever these lie."""
    seed = zlib.crc32("/".join(path.parts[-2:]).encode())
    image = Image.new("RGB", size, (seed & 255, seed >> 8 & 255, seed >> 16 & 255))
    image.putpixel((0, 0), (seed >> 24 & 255, 0, 0))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def station(
    folder: Path, people: Iterable[str] = PEOPLE, cameras: Iterable[str] = CAMERAS, shots: int = 2
) -> Path:
    """Draw `folder`/day<shot>/<person>@<camera>@<shot>.png, and return the folder."""
    cameras = tuple(cameras)
    for person in people:
        for camera in cameras:
            for shot in range(shots):
                crop(folder / f"day{shot}" / f"{person}@{camera}@{shot}.png")
    return folder


def definition(path: Path, **changes: object) -> Path:
    """Write a definition: that of the station, with other entries, and without those of None."""
    entries = {name: value for name, value in {**USUAL, **changes}.items() if value is not None}
    lines = (f"{name} = {_toml(value)}" for name, value in entries.items())
    path.write_text("\n".join(lines) + "\n")
    return path


def _toml(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value) if isinstance(value, str) else str(value)
