"""DukeMTMC-reID: three folders of <pid4>_c<camera 1..8>_f<frame7>.jpg, images of varied sizes.

The distractors have pids of their own and stand in the gallery alone.
"""

from pathlib import Path

from crossres.datasets.base.draws import draw, ordered, pick
from crossres.datasets.readers import RawImage
from crossres.datasets.twins.layouts import Pictures, Shot
from crossres.datasets.twins.layouts.census import dealt
from crossres.datasets.twins.layouts.common import jpeg, varied, write_file, write_files
from crossres.datasets.twins.layouts.market import GALLERY, PARTS, QUERY, TRAIN
from crossres.datasets.twins.sizes import Size

CAMERAS = range(1, 9)
BOXES = 2
"""Images of a distractor, all of one camera."""


def plan(size: Size) -> list[Shot]:
    """Draw train and test identities, one query per test (identity, camera), and distractors.

    A size with `queries` has exactly so many, and as many images of each part as it says.
    """
    train_count, test_count = size.count("train_identities"), size.count("test_identities")
    order = ordered(range(1, 1 + train_count + test_count), "twin-duke-split")
    if "queries" in size.counts:
        return _counted(size, sorted(order[:train_count]), sorted(order[train_count:]))
    shots = [
        _shot(size, TRAIN, pid, camid, index)
        for pid in sorted(order[:train_count])
        for camid in _cameras(size, pid)
        for index in range(size.count("train_images"))
    ]
    for pid in sorted(order[train_count:]):
        for camid in _cameras(size, pid):
            shots.append(_shot(size, QUERY, pid, camid, 0))
            boxes = range(1, 1 + size.count("gallery_images"))
            shots += [_shot(size, GALLERY, pid, camid, index) for index in boxes]
    return shots + _distractors(size, len(order))


def _counted(size: Size, train: list[int], test: list[int]) -> list[Shot]:
    """Deal out the totals of the real set: queries to test people, images to sightings."""
    trained = [(pid, camid) for pid in train for camid in _cameras(size, pid)]
    seen_by = dealt(size.count("queries"), test, "twin-duke-queries")
    tested = [(pid, camid) for pid in test for camid in _which(pid, seen_by[pid])]
    test_total = size.count("gallery_total") - BOXES * size.count("distractors")
    shots = _boxes(size, TRAIN, trained, size.count("train_total"))
    shots += [_shot(size, QUERY, pid, camid, 0) for pid, camid in tested]
    shots += _boxes(size, GALLERY, tested, test_total)
    return shots + _distractors(size, len(train) + len(test))


def _boxes(size: Size, folder: str, pairs: list[tuple[int, int]], total: int) -> list[Shot]:
    counts = dealt(total, pairs, "twin-duke-boxes", folder)
    return [
        _shot(size, folder, pid, camid, index)
        for (pid, camid), count in counts.items()
        for index in range(1, 1 + count)
    ]


def _cameras(size: Size, pid: int) -> list[int]:
    return _which(pid, pick(size.counted("cameras"), "twin-duke-cameras", pid))


def _which(pid: int, seen_by: int) -> list[int]:
    return sorted(ordered(CAMERAS, "twin-duke-which", pid)[:seen_by])


def _distractors(size: Size, before: int) -> list[Shot]:
    """Draw identities of the gallery alone, each in one camera."""
    return [
        _shot(size, GALLERY, pid, pick(CAMERAS, "twin-duke-which", pid), index)
        for pid in range(before + 1, before + 1 + size.count("distractors"))
        for index in range(BOXES)
    ]


def _shot(size: Size, folder: str, pid: int, camid: int, index: int) -> Shot:
    """Return the frame number grows with the index, so that names are unique."""
    frame = draw("twin-duke-frame", pid, camid) % 300_000 + 120 * index
    image = RawImage(f"{folder}/{pid:04d}_c{camid}_f{frame:07d}.jpg", pid, camid, PARTS[folder])
    return varied(size, image, 30)


def write(raw: Path, size: Size, pictures: Pictures) -> None:  # noqa: ARG001
    """Write the three folders, and the licence files that lie beside them."""
    write_files(raw, pictures, jpeg)
    for name in ("CITATION.txt", "LICENSE_DukeMTMC.txt"):
        write_file(raw / name, b"Drawn in the layout of DukeMTMC-reID.\n")
