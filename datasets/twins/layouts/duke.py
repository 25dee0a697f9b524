"""DukeMTMC-reID: three folders of <pid4>_c<camera 1..8>_f<frame7>.jpg, images of varied sizes.

The distractors have pids of their own and stand in the gallery alone.
"""

from pathlib import Path

from datasets.draws import draw, ordered, pick
from datasets.readers import RawImage
from datasets.twins.layouts import Pictures, Shot
from datasets.twins.layouts.common import jpeg, varied, write_file, write_files
from datasets.twins.layouts.market import GALLERY, PARTS, QUERY, TRAIN
from datasets.twins.sizes import Size

CAMERAS = range(1, 9)


def plan(size: Size) -> list[Shot]:
    """Train and test identities by hash, one query per test (identity, camera); distractors."""
    train_count, test_count = size.count("train_identities"), size.count("test_identities")
    order = ordered(range(1, 1 + train_count + test_count), "twin-duke-split")
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


def _cameras(size: Size, pid: int) -> list[int]:
    seen_by = pick(size.counted("cameras"), "twin-duke-cameras", pid)
    return sorted(ordered(CAMERAS, "twin-duke-which", pid)[:seen_by])


def _distractors(size: Size, before: int) -> list[Shot]:
    """Identities of two images in one camera."""
    return [
        _shot(size, GALLERY, pid, pick(CAMERAS, "twin-duke-which", pid), index)
        for pid in range(before + 1, before + 1 + size.count("distractors"))
        for index in (0, 1)
    ]


def _shot(size: Size, folder: str, pid: int, camid: int, index: int) -> Shot:
    """The frame number grows with the index, so that names are unique."""
    frame = draw("twin-duke-frame", pid, camid) % 300_000 + 120 * index
    image = RawImage(f"{folder}/{pid:04d}_c{camid}_f{frame:07d}.jpg", pid, camid, PARTS[folder])
    return varied(size, image, 30)


def write(raw: Path, size: Size, pictures: Pictures) -> None:  # noqa: ARG001
    """The three folders, and the licence files that lie beside them."""
    write_files(raw, pictures, jpeg)
    for name in ("CITATION.txt", "LICENSE_DukeMTMC.txt"):
        write_file(raw / name, b"Drawn in the layout of DukeMTMC-reID.\n")
