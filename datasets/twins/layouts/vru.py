"""VRU: Pic/<number>.jpg and four lists of <number> <vehicle>, neither padded with zeros.

Train and test vehicles are both counted from 1. One list has the line ends of Windows and a blank
last line; one picture is in no list; one test vehicle has a single image.
"""

from dataclasses import replace
from pathlib import Path

from datasets.draws import ordered, pick
from datasets.readers import RawImage
from datasets.readers.lists import pid_of
from datasets.twins.layouts import Pictures, Shot
from datasets.twins.layouts.common import jpeg, vehicle_shot, write_file
from datasets.twins.sizes import Size

LISTS = (1200, 2400, 8000)
"""The names of the test lists, which a twin fills with fewer vehicles."""
SINGLE = 1
"""The test vehicle of one image."""


def plan(size: Size) -> list[Shot]:
    """Train vehicles, then test vehicles, each of one of `images`; numbered in hash order."""
    shots = [
        _shot(size, part, vehicle, index)
        for part, count in (("train", "train_identities"), ("test", "test_identities"))
        for vehicle in range(1, 1 + size.count(count))
        for index in range(_images(size, part, vehicle))
    ]
    order = ordered(shots, "twin-vru-number", key=lambda shot: shot.drawn_as)
    number = {shot.drawn_as: place for place, shot in enumerate(order, start=1)}
    return [_numbered(shot, number[shot.drawn_as]) for shot in shots]


def _images(size: Size, part: str, vehicle: int) -> int:
    if (part, vehicle) == ("test", SINGLE):
        return 1
    return pick(size.counted("images"), "twin-vru-images", part, vehicle)


def _shot(size: Size, part: str, vehicle: int, index: int) -> Shot:
    """Landscape or portrait, as the heading of a vehicle seen from above makes it."""
    name = f"{part}/{vehicle}/{index}"
    return vehicle_shot(size, RawImage(name, pid_of(vehicle, part), -1, part))


def _numbered(shot: Shot, number: int) -> Shot:
    return replace(shot, image=replace(shot.image, path=f"Pic/{number}.jpg"))


def write(raw: Path, size: Size, pictures: Pictures) -> None:
    """The pictures, one that no list names, and the lists."""
    shots = []
    for shot, pixels in pictures:
        shots.append(shot)
        write_file(raw / shot.image.path, jpeg(pixels))
    write_file(raw / f"Pic/{len(shots) + 1}.jpg", jpeg(pixels[:, ::-1]))
    for name, content in _lists(size, shots).items():
        write_file(raw / "train_test_split" / name, content)


def _lists(size: Size, shots: list[Shot]) -> dict[str, bytes]:
    """The train list, and test lists of which each holds those before it."""
    found = {"train_list.txt": _lines(shots, "train", size.count("train_identities"))}
    for name, vehicles in zip(LISTS, size.counted("lists"), strict=True):
        found[f"test_list_{name}.txt"] = _lines(shots, "test", vehicles)
    crlf = f"test_list_{LISTS[1]}.txt"
    found[crlf] = found[crlf].replace(b"\n", b"\r\n") + b"\r\n"
    return found


def _lines(shots: list[Shot], part: str, vehicles: int) -> bytes:
    """The lines of the first vehicles of a part, in the order of the image numbers."""
    numbers = {pid_of(vehicle, part): vehicle for vehicle in range(1, 1 + vehicles)}
    listed = sorted(
        (int(Path(shot.image.path).stem), numbers[shot.image.pid])
        for shot in shots
        if shot.image.pid in numbers
    )
    return "".join(f"{image} {vehicle}\n" for image, vehicle in listed).encode("ascii")
