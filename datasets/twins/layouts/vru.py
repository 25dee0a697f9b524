"""VRU: Pic/<number>.jpg and four lists of <number> <vehicle>, neither padded with zeros.

Train and test vehicles are both counted from 1. One list has the line ends of Windows and a blank
last line; one picture is in no list; one test vehicle has a single image.
"""

from pathlib import Path

from crossres.datasets.base.draws import ordered, pick
from crossres.datasets.readers import RawImage
from crossres.datasets.readers.parts.lists import pid_of
from crossres.datasets.twins.layouts import Pictures, Shot
from crossres.datasets.twins.layouts.census import dealt
from crossres.datasets.twins.layouts.common import jpeg, vehicle_shot, write_file
from crossres.datasets.twins.sizes import Size

LISTS = (1200, 2400, 8000)
"""The names of the test lists, which a twin fills with fewer vehicles."""
SINGLE = 1
"""The test vehicle of one image."""


def plan(size: Size) -> list[Shot]:
    """Plan train vehicles, then test vehicles; image numbers are in hash order.

    Each has one of `images`, or the totals of the train list and of each test list are dealt out.
    """
    counts = _totals(size) if "train_total" in size.counts else _picked(size)
    names = {
        f"{part}/{vehicle}/{index}": (part, vehicle)
        for (part, vehicle), count in counts.items()
        for index in range(count)
    }
    number = {name: index for index, name in enumerate(ordered(names, "twin-vru-number"), start=1)}
    return [
        _shot(size, part, vehicle, number[name], name) for name, (part, vehicle) in names.items()
    ]


def _picked(size: Size) -> dict[tuple[str, int], int]:
    """Return (part, vehicle) -> number of images."""
    counts = {
        (part, vehicle): pick(size.counted("images"), "twin-vru-images", part, vehicle)
        for part in ("train", "test")
        for vehicle in range(1, 1 + size.count(f"{part}_identities"))
    }
    return counts | {("test", SINGLE): 1}


def _totals(size: Size) -> dict[tuple[str, int], int]:
    """Deal images out so that every list has its total; each test list holds those before it."""
    vehicles = range(1, 1 + size.count("train_identities"))
    train = dealt(size.count("train_total"), vehicles, "twin-vru-total", "train")
    test, filled = {SINGLE: 1}, 1
    for last, total in zip(size.counted("lists"), size.counted("list_totals"), strict=True):
        more = range(1 + max(test), 1 + last)
        test |= dealt(total - filled, more, "twin-vru-total", "test", last)
        filled = total
    counts = {"train": train, "test": test}
    return {
        (part, vehicle): counts[part][vehicle]
        for part in counts
        for vehicle in sorted(counts[part])
    }


def _shot(size: Size, part: str, vehicle: int, number: int, name: str) -> Shot:
    """Make a shot, landscape or portrait as the heading of the vehicle makes it."""
    image = RawImage(f"Pic/{number}.jpg", pid_of(vehicle, part), -1, part)
    return vehicle_shot(size, image, drawn_as=name)


def write(raw: Path, size: Size, pictures: Pictures) -> None:
    """Write the pictures, one that no list names, and the lists."""
    shots = []
    for shot, pixels in pictures:
        shots.append(shot)
        write_file(raw / shot.image.path, jpeg(pixels))
    write_file(raw / f"Pic/{len(shots) + 1}.jpg", jpeg(pixels[:, ::-1]))
    for name, content in _lists(size, shots).items():
        write_file(raw / "train_test_split" / name, content)


def _lists(size: Size, shots: list[Shot]) -> dict[str, bytes]:
    """Return the train list, and test lists of which each holds those before it."""
    lists = {"train_list.txt": _lines(shots, "train", size.count("train_identities"))}
    for name, vehicles in zip(LISTS, size.counted("lists"), strict=True):
        lists[f"test_list_{name}.txt"] = _lines(shots, "test", vehicles)
    crlf = f"test_list_{LISTS[1]}.txt"
    lists[crlf] = lists[crlf].replace(b"\n", b"\r\n") + b"\r\n"
    return lists


def _lines(shots: list[Shot], part: str, vehicles: int) -> bytes:
    """Return the lines of the first vehicles of a part, in the order of the image numbers."""
    numbers = {pid_of(vehicle, part): vehicle for vehicle in range(1, 1 + vehicles)}
    listed = sorted(
        (int(Path(shot.image.path).stem), numbers[shot.image.pid])
        for shot in shots
        if shot.image.pid in numbers
    )
    return "".join(f"{image} {vehicle}\n" for image, vehicle in listed).encode("ascii")
