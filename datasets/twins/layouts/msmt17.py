"""MSMT17, version 1: train and test of a folder for each identity, and four lists of them.

Train and test identities are both counted from 0. Images come in pairs, of which the second name
ends in _ex; not every sighting of a test identity has queries (of the real ones two in five); some
training images are listed for validation.
"""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from crossres.datasets.base.draws import draw, ordered, pick
from crossres.datasets.readers import RawImage
from crossres.datasets.readers.parts.lists import pid_of
from crossres.datasets.twins.layouts import Pictures, Shot
from crossres.datasets.twins.layouts.census import dealt, sightings
from crossres.datasets.twins.layouts.common import jpeg, varied, write_file
from crossres.datasets.twins.sizes import Size

CAMERAS = range(1, 16)
TIMES = tuple(
    f"{day}{time}"
    for day in ("0113", "0114", "0302", "0303")
    for time in ("morning", "noon", "afternoon")
)
FOLDERS = {"train": "train", "query": "test", "gallery": "test"}
_Counts = dict[tuple[int, int], int]
"""(identity, camera) -> number of images"""


def plan(size: Size) -> list[Shot]:
    """Draw train and test identities, each seen by as many of `taken_by` as one of `cameras`.

    A size with lists of counts per camera has exactly those.
    """
    train, query, gallery = _counted(size) if "queries" in size.counts else _drawn(size)
    shots = _shots(size, "train", train)
    # Queries and gallery share the folder of an identity, and so the numbers of its images.
    return shots + _shots(size, "test", gallery, query)


def _drawn(size: Size) -> tuple[_Counts, _Counts, _Counts]:
    train = {
        (pid, camid): size.count("train_images")
        for pid in range(size.count("train_identities"))
        for camid in _cameras(size, "train", pid)
    }
    seen = [
        (pid, camid)
        for pid in range(size.count("test_identities"))
        for camid in _cameras(size, "test", pid)
    ]
    share = size.count("queried_percent")
    queried = [pair for pair in seen if draw("twin-msmt17-queried", *pair) % 100 < share]
    left_out = {pid for pid, _ in seen} - {pid for pid, _ in queried}
    queried += [(pid, _cameras(size, "test", pid)[0]) for pid in sorted(left_out)]
    query = dict.fromkeys(sorted(queried), size.count("query_images"))
    return train, query, dict.fromkeys(seen, size.count("gallery_images"))


def _cameras(size: Size, part: str, pid: int) -> list[int]:
    seen_by = pick(size.counted("cameras"), "twin-msmt17-cameras", part, pid)
    return sorted(ordered(size.counted("taken_by"), "twin-msmt17-which", part, pid)[:seen_by])


def _counted(size: Size) -> tuple[_Counts, _Counts, _Counts]:
    """Deal out the images of every camera of the real set to those whom it has seen."""
    seen = {
        part: sightings(
            range(sum(size.counted(f"{part}_seen_by"))),
            size.counted(f"{part}_seen_by"),
            size.counted(f"{part}_identities"),
            f"twin-msmt17-{part}",
        )
        for part in ("train", "gallery")
    }
    cameras = _by_identity(seen["gallery"])
    chosen = [(pid, pick(camids, "twin-msmt17-query", pid)) for pid, camids in cameras.items()]
    return (
        _dealt(size, seen["train"], "train_images"),
        _dealt(size, chosen, "queries"),
        _dealt(size, seen["gallery"], "gallery_images"),
    )


def _by_identity(pairs: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    cameras: dict[int, list[int]] = {}
    for pid, camid in pairs:
        cameras.setdefault(pid, []).append(camid)
    return cameras


def _dealt(size: Size, pairs: list[tuple[int, int]], name: str) -> _Counts:
    counts: _Counts = {}
    for camid, total in zip(CAMERAS, size.counted(name), strict=True):
        counts |= dealt(total, [pair for pair in pairs if pair[1] == camid], f"twin-msmt17-{name}")
    return counts


def _shots(size: Size, folder: str, boxes: _Counts, queries: _Counts | None = None) -> list[Shot]:
    """Return the images of a folder, numbered within each identity, queries first."""
    part = "gallery" if queries is not None else "train"
    pairs = [("query", queries or {}), (part, boxes)]
    taken: dict[int, list[tuple[str, int, int]]] = {}
    for name, counts in pairs:
        for (pid, camid), count in counts.items():
            taken.setdefault(pid, []).extend((name, camid, index) for index in range(count))
    return [
        _shot(size, folder, pid, number, *image)
        for pid in sorted(taken)
        for number, image in enumerate(taken[pid])
    ]


def _shot(
    size: Size, folder: str, pid: int, number: int, part: str, camid: int, index: int
) -> Shot:
    """Make a shot; two images of one frame are a pair, of which the second is called _ex."""
    time, frame, box = _sighting(folder, part, pid, camid)
    extended = "_ex" if index % 2 else ""
    stem = f"{pid:04d}_{number:03d}_{camid:02d}_{time}_{frame + index // 2:04d}_{box}{extended}"
    path = f"{folder}/{pid:04d}/{stem}.jpg"
    return varied(size, RawImage(path, pid_of(pid, part), camid, part), 30)


@lru_cache(maxsize=256)
def _sighting(folder: str, part: str, pid: int, camid: int) -> tuple[str, int, int]:
    """Draw when a camera saw somebody: time, first frame, place among the people of a frame."""
    names = "twin-msmt17-sighting", folder, part, pid, camid
    return pick(TIMES, *names), draw(*names, "frame") % 9000, draw(*names, "box") % 4


def write(raw: Path, size: Size, pictures: Pictures) -> None:
    """Write the images and the four lists."""
    images = []
    for shot, pixels in pictures:
        images.append(shot.image)
        write_file(raw / shot.image.path, jpeg(pixels))
    for name, content in _lists(size, images).items():
        write_file(raw / f"list_{name}.txt", content)


def _lists(size: Size, images: Iterable[RawImage]) -> dict[str, bytes]:
    """Return the lists of `<pid>/<file> <pid>`; `val_images` of train are in that of validation."""
    by_list: dict[str, list[str]] = {"train": [], "val": [], "query": [], "gallery": []}
    for image in images:
        by_list[image.part].append(image.path.partition("/")[2])
    by_list["val"] = _validation(by_list["train"], size.count("val_images"))
    validation = set(by_list["val"])
    by_list["train"] = [path for path in by_list["train"] if path not in validation]
    return {
        name: "".join(f"{path} {int(path[:4])}\n" for path in paths).encode("ascii")
        for name, paths in by_list.items()
    }


def _validation(paths: list[str], total: int) -> list[str]:
    """Choose images by hash, about as many of each identity."""
    of: dict[int, list[str]] = {}
    for path in paths:
        of.setdefault(int(path[:4]), []).append(path)
    counts = dealt(total, sorted(of), "twin-msmt17-validation")
    return [
        path
        for pid, listed in of.items()
        for path in sorted(ordered(listed, "twin-msmt17-val")[: counts[pid]])
    ]
