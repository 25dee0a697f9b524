"""Raw folders from name lists alone: what Market-1501 and CUHK03 hold, without a single image.

So the part of every split that names decide is known to all, owners of the images or not.
"""

from pathlib import Path

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.texts import read_text
from crossres.datasets.cards import card
from crossres.datasets.golden.mat5 import Values, read_mat5
from crossres.datasets.raw.source import Raw
from crossres.datasets.readers import RawImage
from crossres.datasets.readers.market import _NAME as MARKET_NAME

MARKET_TRAIN = "market1501_train_names.txt"
CUHK03_CONFIG = "cuhk03_new_protocol_config_{boxes}.mat"
BOXES = ("detected", "labeled")


def market_from_lists(folder: Path) -> Raw:
    """Market-1501: the training files by name, test files and queries by pid and camid only.

    The lists do not name the latter, so their names here are placeholders: nothing that hashes or
    shows the name of a test image may be taken from this raw folder.
    """
    images = [
        RawImage(f"bounding_box_train/{name}", *_pid_and_camid(folder, name), "train")
        for name in _lines(folder / MARKET_TRAIN)
    ]
    for part, where, name in (
        ("query", "query", "query"),
        ("gallery", "bounding_box_test", "test"),
    ):
        pids, camids = (_numbers(folder, f"market1501_{name}{what}.mat") for what in ("ID", "Cam"))
        for place, (pid, camid) in enumerate(zip(pids, camids, strict=True)):
            path = f"{where}/placeholder-{place:05d}.jpg"
            images.append(RawImage(path, pid, camid, part))
    return _raw("mlr-market", folder, images)


def cuhk03_from_lists(folder: Path) -> Raw:
    """CUHK03 as cuhk-03.mat holds it: a listed `<pair>_<index>_<view>_<column>.png` is a cell."""
    images = []
    for boxes in BOXES:
        for name in _config(folder, boxes)[0]:
            pair, index, view, column = (int(part) for part in name.removesuffix(".png").split("_"))
            path = f"{boxes}/{pair}/{index}/{column}"
            images.append(RawImage(path, pair * 1000 + index, pair * 10 + view, "", boxes))
    return _raw("mlr-cuhk03", folder, images)


def cuhk03_np_from_lists(folder: Path) -> Raw:
    """CUHK03-NP's folders: a file is named by label, view and its place (from 1) in the list."""
    images = []
    for boxes in BOXES:
        names, labels, views, parts = _config(folder, boxes)
        where = {"train": "bounding_box_train", "gallery": "bounding_box_test", "query": "query"}
        for place in range(1, len(names) + 1):
            pid, view, part = labels[place - 1], views[place - 1], parts[place]
            path = f"{boxes}/{where[part]}/{pid:04d}_c{view}_{place}.png"
            images.append(RawImage(path, pid, view, part, boxes))
    return _raw("mlr-cuhk03", folder, images)


def _raw(dataset: str, folder: Path, images: list[RawImage]) -> Raw:
    ordered = tuple(sorted(images, key=lambda image: image.path))
    return Raw(card(dataset).id, folder, "real", ordered)


def _lines(file: Path) -> list[str]:
    """The first word of every line."""
    text = read_text(file, "list of names")
    return [line.split()[0] for line in text.split("\n") if line.strip()]


def _pid_and_camid(folder: Path, name: str) -> tuple[int, int]:
    match = MARKET_NAME.fullmatch(name)
    if match is None:
        raise InputError(f"{folder / MARKET_TRAIN}: {name} is no name of Market-1501")
    return int(match[1]), int(match[2])


def _numbers(folder: Path, name: str) -> list[int]:
    """The one numeric list of a file."""
    lists = read_mat5(folder / name)
    if len(lists) != 1:
        there = ", ".join(lists) or "nothing"
        raise InputError(f"{folder / name}: holds {there}, not one list; get the list by this name")
    return _whole(folder / name, *lists.values())


def _whole(file: Path, values: Values) -> list[int]:
    numbers = [value for value in values if isinstance(value, int)]
    if len(numbers) != len(values):
        raise InputError(f"{file}: holds text where numbers belong; copy it again")
    return numbers


def _config(folder: Path, boxes: str) -> tuple[list[str], list[int], list[int], dict[int, str]]:
    """(names, labels, views, place from 1 -> part) of a configuration of CUHK03-NP."""
    file = folder / CUHK03_CONFIG.format(boxes=boxes)
    lists = read_mat5(file)
    try:
        names = [str(name) for name in lists["filelist"]]
        labels, views = _whole(file, lists["labels"]), _whole(file, lists["camId"])
        parts = {
            place: part
            for part in ("train", "query", "gallery")
            for place in _whole(file, lists[f"{part}_idx"])
        }
    except KeyError as error:
        there = ", ".join(lists) or "nothing"
        raise InputError(
            f"{file}: lacks the list {error}, it holds {there}; get this file"
        ) from error
    if sorted(parts) != list(range(1, len(names) + 1)):
        raise InputError(f"{file}: its parts do not divide the list of names; copy it again")
    return names, labels, views, parts
