"""Market-1501: three folders of <pid>_c<cam>s<seq>_<frame6>_<box2>.jpg, with junk and distractors.

One official query per test (id, camera), one of them without a box image of its own camera.
"""

from dataclasses import replace
from pathlib import Path

from crossres.datasets.base.draws import draw, ordered, pick
from crossres.datasets.readers import RawImage
from crossres.datasets.twins.layouts import Pictures, Shot
from crossres.datasets.twins.layouts.census import dealt, sightings
from crossres.datasets.twins.layouts.common import THUMBS_DB, jpeg, shot, write_file, write_files
from crossres.datasets.twins.sizes import Size

CAMERAS = range(1, 7)
TRAIN, GALLERY, QUERY = "bounding_box_train", "bounding_box_test", "query"
PARTS = {TRAIN: "train", GALLERY: "gallery", QUERY: "query"}


def plan(size: Size) -> list[Shot]:
    """Draw train and test identities, each seen by as many cameras as one of `cameras`.

    A size with lists of counts per camera has exactly those.
    """
    if "queries" in size.counts:
        return _counted(size)
    count = size.count("train_identities") + size.count("test_identities")
    order = ordered(range(1, count + 1), "twin-market-split")
    train = sorted(order[: size.count("train_identities")])
    test = sorted(order[size.count("train_identities") :])
    shots = [
        _shot(size, TRAIN, pid, camid, index)
        for pid in train
        for camid in _cameras(size, pid)
        for index in range(size.count("train_images"))
    ]
    for index, pid in enumerate(test):
        shots += _test_shots(size, pid, _test_cameras(size, index, pid), without_box=index == 2)
    return shots + _extras(size)


def _cameras(size: Size, pid: int) -> list[int]:
    seen_by = pick(size.counted("cameras"), "twin-market-cameras", pid)
    return sorted(ordered(CAMERAS, "twin-market-which", pid)[:seen_by])


def _test_cameras(size: Size, index: int, pid: int) -> list[int]:
    """Give the first test identity two cameras, the second all six, the third at least three."""
    forced = {0: 2, 1: 6, 2: 3}.get(index)
    return (
        sorted(ordered(CAMERAS, "twin-market-which", pid)[:forced])
        if forced
        else _cameras(size, pid)
    )


def _test_shots(size: Size, pid: int, cameras: list[int], without_box: bool) -> list[Shot]:
    shots = []
    for camid in cameras:
        shots.append(_shot(size, QUERY, pid, camid, 0))
        if not (without_box and camid == cameras[0]):
            boxes = range(1, 1 + size.count("gallery_images"))
            shots += [_shot(size, GALLERY, pid, camid, index) for index in boxes]
    return shots


def _extras(size: Size) -> list[Shot]:
    """Draw distractors (id 0, strangers) and junk (id -1, badly placed boxes of strangers)."""
    return [
        _extra(size, name, 1 + index % len(CAMERAS), index)
        for name in ("distractors", "junk")
        for index in range(size.count(name))
    ]


def _extra(size: Size, name: str, camid: int, index: int) -> Shot:
    pid, harder = {"distractors": (0, 1.0), "junk": (-1, 3.0)}[name]
    usual = _shot(size, GALLERY, pid, camid, index)
    view = replace(usual.view, nuisance=size.nuisance * harder)
    return replace(usual, subject=(name, index), view=view)


def _counted(size: Size) -> list[Shot]:
    """Return the parts with the counts of the real set, by camera."""
    train_seen, test_seen = size.counted("train_seen_by"), size.counted("test_seen_by")
    order = ordered(range(1, 1 + sum(train_seen) + sum(test_seen)), "twin-market-split")
    train, test = order[: sum(train_seen)], order[sum(train_seen) :]
    trained = sightings(train, train_seen, size.counted("train_identities"), "twin-market-train")
    tested = sightings(test, test_seen, size.counted("test_identities"), "twin-market-test")
    shots = _boxes(size, TRAIN, trained, size.counted("train_images"))
    shots += _boxes(size, GALLERY, tested, size.counted("gallery_images"))
    shots += [_shot(size, QUERY, pid, camid, 0) for pid, camid in _queried(size, test, tested)]
    return shots + _counted_others(size)


def _boxes(
    size: Size, folder: str, pairs: list[tuple[int, int]], per_camera: tuple[int, ...]
) -> list[Shot]:
    """Return the images of each camera, dealt out to those whom it has seen."""
    counts: dict[tuple[int, int], int] = {}
    for camid, total in zip(CAMERAS, per_camera, strict=True):
        counts |= dealt(total, [pair for pair in pairs if pair[1] == camid], "twin-market-boxes")
    return [
        _shot(size, folder, pid, camid, index)
        for pid, camid in pairs
        for index in range(1, 1 + counts[pid, camid])
    ]


def _queried(
    size: Size, test: list[int], sightings: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Add one query of each test sighting, and queries without a box up to the camera's count."""
    queries = list(sightings)
    for camid, count in zip(CAMERAS, size.counted("queries"), strict=True):
        sighted = {pid for pid, camera in sightings if camera == camid}
        unsighted = ordered(
            (pid for pid in test if pid not in sighted), "twin-market-without", camid
        )
        queries += [(pid, camid) for pid in unsighted[: count - len(sighted)]]
    return sorted(queries)


def _counted_others(size: Size) -> list[Shot]:
    """Number distractors and junk through, by camera."""
    cameras = {
        name: [camid for camid in CAMERAS for _ in range(size.counted(name)[camid - 1])]
        for name in ("distractors", "junk")
    }
    return [
        _extra(size, name, camid, index)
        for name, camids in cameras.items()
        for index, camid in enumerate(camids)
    ]


def _shot(size: Size, folder: str, pid: int, camid: int, index: int) -> Shot:
    """Return the frame number grows with the index, so that names are unique."""
    sequence = 1 + draw("twin-market-sequence", pid, camid) % 6
    frame = draw("twin-market-frame", pid, camid) % 90000 + 25 * index
    number = "-1" if pid == -1 else f"{pid:04d}"
    name = f"{number}_c{camid}s{sequence}_{frame:06d}_{1 + index % 4:02d}.jpg"
    return shot(size, RawImage(f"{folder}/{name}", pid, camid, PARTS[folder]))


def write(raw: Path, size: Size, pictures: Pictures) -> None:  # noqa: ARG001
    """Write the three folders, and what else lies in real copies: gt_bbox, a readme, thumbnails."""
    write_files(raw, pictures, jpeg)
    first = min((raw / QUERY).iterdir())
    write_file(raw / "gt_bbox" / first.name, first.read_bytes())
    write_file(raw / "readme.txt", b"Drawn in the layout of Market-1501.\n")
    for folder in PARTS:
        write_file(raw / folder / "Thumbs.db", THUMBS_DB)
