"""VeRi-776: image_train, image_query and image_test, and the lists and label files beside them.

One query for each test vehicle and camera, whose file is in image_test under the same name; one
list has the line ends of Windows. The label files tell no colour and no type: 0.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from crossres.datasets.base.draws import draw, ordered, pick
from crossres.datasets.readers import RawImage
from crossres.datasets.readers.veri import PARTS
from crossres.datasets.twins.layouts import Pictures, Shot
from crossres.datasets.twins.layouts.census import dealt
from crossres.datasets.twins.layouts.common import jpeg, vehicle_shot, write_file
from crossres.datasets.twins.sizes import Size

CAMERAS = range(1, 21)
COLOURS = ["yellow", "orange", "green", "gray", "red", "blue", "white", "golden", "brown", "black"]
TYPES = ["sedan", "suv", "van", "hatchback", "mpv", "pickup", "bus", "truck", "estate"]
_Counts = dict[tuple[int, int], int]
"""(vehicle, camera) -> number of images"""


def plan(size: Size) -> list[Shot]:
    """Draw train and test vehicles of one numbering, each seen by as many of `taken_by` as one of
    `cameras`.

    A size with totals has these; its queries are dealt out to the test vehicles, one a camera.
    """
    count = size.count("train_identities") + size.count("test_identities")
    order = ordered(range(1, count + 1), "twin-veri-split")
    train = sorted(order[: size.count("train_identities")])
    test = sorted(order[size.count("train_identities") :])
    counted = "queries" in size.counts
    boxes = _totals(size, train, test) if counted else _drawn(size, train, test)
    shots = [
        _shot(size, part, vehicle, camid, index)
        for part, counts in zip(("train", "test"), boxes, strict=True)
        for (vehicle, camid), images in counts.items()
        for index in range(images)
    ]
    # The middle image of what a camera saw of a test vehicle is the query.
    return shots + [_shot(size, "query", *pair, images // 2) for pair, images in boxes[1].items()]


def _drawn(size: Size, train: list[int], test: list[int]) -> tuple[_Counts, _Counts]:
    seen = ([(v, camid) for v in part for camid in _cameras(size, v)] for part in (train, test))
    trained, tested = seen
    return (
        dict.fromkeys(trained, size.count("train_images")),
        dict.fromkeys(tested, size.count("gallery_images")),
    )


def _totals(size: Size, train: list[int], test: list[int]) -> tuple[_Counts, _Counts]:
    trained = [(vehicle, camid) for vehicle in train for camid in _cameras(size, vehicle)]
    seen_by = dealt(size.count("queries"), test, "twin-veri-queries")
    tested = [
        (vehicle, camid) for vehicle in test for camid in _which(CAMERAS, vehicle, seen_by[vehicle])
    ]
    return (
        dealt(size.count("train_total"), trained, "twin-veri-train"),
        dealt(size.count("gallery_total"), tested, "twin-veri-gallery"),
    )


def _cameras(size: Size, vehicle: int) -> list[int]:
    return _which(
        size.counted("taken_by"),
        vehicle,
        pick(size.counted("cameras"), "twin-veri-cameras", vehicle),
    )


def _which(taken_by: Iterable[int], vehicle: int, seen_by: int) -> list[int]:
    return sorted(ordered(taken_by, "twin-veri-which", vehicle)[:seen_by])


def _shot(size: Size, name: str, vehicle: int, camid: int, index: int) -> Shot:
    """Make a shot; a query is drawn as the image of its name in image_test: an exact duplicate."""
    frame = draw("twin-veri-frame", vehicle, camid) % 90_000 + 5 * index
    number = draw("twin-veri-number", vehicle, camid) % 3
    file = f"{vehicle:04d}_c{camid:03d}_{frame:08d}_{number}.jpg"
    image = RawImage(f"image_{name}/{file}", vehicle, camid, PARTS[name])
    return vehicle_shot(size, image, drawn_as=file)


def write(raw: Path, size: Size, pictures: Pictures) -> None:  # noqa: ARG001
    """Write the three folders, and what lies beside them."""
    images: list[RawImage] = []
    for shot, pixels in pictures:
        images.append(shot.image)
        write_file(raw / shot.image.path, jpeg(pixels))
    names = {
        name: sorted(image.path.partition("/")[2] for image in images if image.part == part)
        for name, part in PARTS.items()
    }
    for name, listed in names.items():
        end = "\r\n" if name == "query" else "\n"
        _write(raw / f"name_{name}.txt", (f"{file}{end}" for file in listed))
    for name in ("train", "test"):
        _write(raw / f"{name}_label.xml", _label(name, names[name]))
    for name, lines in _beside(names).items():
        _write(raw / name, (f"{line}\n" for line in lines))


def _write(file: Path, lines: Iterable[str]) -> None:
    write_file(file, "".join(lines).encode("ascii"))


def _label(name: str, files: list[str]) -> list[str]:
    """Return a label file: declared to be Chinese text, as the genuine ones."""
    root = {"train": "TrainingImages", "test": "TestImages"}[name]
    items = (
        f'        <Item imageName="{file}" vehicleID="{file[:4]}" cameraID="{file[5:9]}" '
        'colorID="0" typeID="0" />\n'
        for file in files
    )
    head = f'<?xml version="1.0" encoding="gb2312" ?>\n<{root} Version="1.0">\n'
    return [head, f'    <Items number="{len(files)}">\n', *items, "    </Items>\n", f"</{root}>\n"]


def _beside(names: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the other text files: which images each query finds, tracks, names of the numbers."""
    tracks: dict[str, list[str]] = {}
    for file in names["test"]:
        tracks.setdefault(file[:9], []).append(file)
    return {
        "ReadMe.txt": ["Drawn in the layout of VeRi-776."],
        "gt_index.txt": _indices(
            names, lambda query, file: query[:4] == file[:4] and query[:9] != file[:9]
        ),
        "jk_index.txt": _indices(names, lambda query, file: query[:9] == file[:9]),
        "test_track.txt": [" ".join(track) for track in tracks.values()],
        "camera_ID.txt": [f"c{camid:03d}" for camid in CAMERAS],
        "list_color.txt": [f"{number} {name}" for number, name in enumerate(COLOURS, start=1)],
        "list_type.txt": [f"{number} {name}" for number, name in enumerate(TYPES, start=1)],
    }


def _indices(names: dict[str, list[str]], finds: Callable[[str, str], bool]) -> list[str]:
    """Return a line of places in name_test.txt, from 1, for each query."""
    by_vehicle: dict[str, list[tuple[int, str]]] = {}
    for place, file in enumerate(names["test"], start=1):
        by_vehicle.setdefault(file[:4], []).append((place, file))
    return [
        " ".join(str(place) for place, file in by_vehicle[query[:4]] if finds(query, file))
        for query in names["query"]
    ]
