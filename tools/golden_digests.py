"""Print the table of golden digests: `python tools/golden_digests.py LISTS`.

It holds all twins, and what the public name lists of Market-1501, CUHK03 and MSMT17 decide of their
splits without a single image. docs/digests.md says which lists these are and what each part covers.
"""

import argparse
import csv
import io
import re
import sys
import warnings
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, fields
from pathlib import Path

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadWarning

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.kinds import HDF5, MATLAB_5, MATLAB_7_3, kind_of
from crossres.datasets.base.places import default_cache
from crossres.datasets.base.texts import read_text
from crossres.datasets.cards import CARDS
from crossres.datasets.golden.digests import (
    ANY,
    LR,
    MANIFEST,
    PIXELS,
    TEST,
    TRAIN,
    Golden,
    golden_part,
)
from crossres.datasets.protocols import PROTOCOLS
from crossres.datasets.protocols.applicable import applies
from crossres.datasets.raw.source import Raw, Source, open_raw
from crossres.datasets.readers import RawImage
from crossres.datasets.readers.market import _NAME as MARKET_NAME
from crossres.datasets.readers.msmt17 import VERSIONS, listed_images

SEEDS = range(10)
MARKET_TRAIN = "market1501_train_names.txt"
CUHK03_CONFIG = "cuhk03_new_protocol_config_{boxes}.mat"
CUHK03_NAME = re.compile(r"\d+_\d+_\d+_\d+\.png", re.ASCII)  # pair, index, view, column
COMPRESSED = b"\x0f\0\0\0"  # before each variable of what -v7 saves, with its checksum
MOST_BYTES = 2**26  # of a list
BOXES = ("detected", "labeled")
WHERE = {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}


# --- the lists ------------------------------------------------------------------------------------


def read_lists(file: Path) -> dict[str, np.ndarray]:
    """Return name -> values (column by column) of a compressed file of MATLAB 5 to 7.

    Raises InputError when it is missing, damaged, or another kind of file. A variable that is not
    compressed has no checksum, and where such a one is damaged loadmat can end the process.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); check the path") from error
    no_list, kind = f"{file}: not a list in a MATLAB 5 file", kind_of(content)
    if kind in (MATLAB_7_3, HDF5):
        raise InputError(f"{no_list} but {kind.name}; save it with -v7")
    if kind != MATLAB_5:
        kind_name, remedy = kind.name or "something else", kind.remedy or "copy it again"
        raise InputError(f"{no_list} but {kind_name}; {remedy}")
    try:
        _check_whole(content)
        with warnings.catch_warnings():
            warnings.simplefilter("error", MatReadWarning)
            variables = loadmat(io.BytesIO(content), squeeze_me=True)
    except Exception as error:  # of a damaged file loadmat raises whatever it stumbles over
        raise InputError(
            f"{no_list} (damaged, or not compressed); copy it again, or save it with -v7"
        ) from error
    return {
        name: np.ravel(values, order="F")
        for name, values in variables.items()
        if not name.startswith("__")
    }


def _check_whole(content: bytes) -> None:
    """Raise ValueError or zlib.error unless all variables are compressed, and as they were."""
    start = 128
    while start < len(content):
        if content[start : start + 4] != COMPRESSED:
            raise ValueError("not compressed")
        stop = start + 8 + int.from_bytes(content[start + 4 : start + 8], "little")
        unpacking = zlib.decompressobj()
        unpacking.decompress(content[start + 8 : stop], MOST_BYTES)
        if stop > len(content) or not unpacking.eof:
            raise ValueError("cut off, or larger than any list")
        start = stop


def _whole_numbers(file: Path, values: np.ndarray) -> list[int]:
    numbers = values.tolist()
    if values.dtype.kind not in "iuf" or not all(float(number).is_integer() for number in numbers):
        raise InputError(f"{file}: holds something else where whole numbers belong; copy it again")
    return [int(number) for number in numbers]


def _single_list(file: Path) -> list[int]:
    lists = read_lists(file)
    if len(lists) != 1:
        there = ", ".join(lists)
        raise InputError(f"{file}: holds {there}, not one list; get the list by this name")
    return _whole_numbers(file, *lists.values())


def _config(folder: Path, boxes: str) -> list[tuple[str, int, int, str]]:
    """Return (name, label, view, part) of each image in a configuration of CUHK03-NP."""
    file = folder / CUHK03_CONFIG.format(boxes=boxes)
    lists = read_lists(file)
    try:
        names = lists["filelist"].tolist()
        labels, views = (_whole_numbers(file, lists[name]) for name in ("labels", "camId"))
        division = sorted(
            (index, part) for part in WHERE for index in _whole_numbers(file, lists[f"{part}_idx"])
        )
    except KeyError as error:
        there = ", ".join(lists)
        raise InputError(
            f"{file}: lacks the list {error}, it holds {there}; get this file"
        ) from error
    if not all(isinstance(name, str) and CUHK03_NAME.fullmatch(name) for name in names):
        raise InputError(f"{file}: its filelist holds other than names of CUHK03; copy it again")
    if [index for index, _ in division] != list(range(1, len(names) + 1)):
        raise InputError(f"{file}: its parts do not divide the list of names; copy it again")
    if not len(names) == len(labels) == len(views):
        raise InputError(f"{file}: its lists are not of the same length; copy it again")
    return list(zip(names, labels, views, (part for _, part in division), strict=True))


# --- raw folders without images -------------------------------------------------------------------


def market_from_lists(folder: Path) -> Raw:
    """Return Market-1501: the training files by name, the others by pid and camid only.

    The lists do not name the latter, so their names here are placeholders: nothing that hashes or
    shows the name of a test image may be taken from this raw folder.
    """
    file, images = folder / MARKET_TRAIN, []
    for line in filter(str.strip, read_text(file, "list of names").split("\n")):
        name = line.split()[0]
        match = MARKET_NAME.fullmatch(name)
        if match is None:
            raise InputError(f"{file}: {name} is no name of Market-1501; copy it again")
        path = f"{WHERE['train']}/{name}"
        images.append(RawImage(path, int(match[1]), int(match[2]), "train"))
    for part, stem in (("query", "market1501_query"), ("gallery", "market1501_test")):
        pids, camids = (_single_list(folder / f"{stem}{field}.mat") for field in ("ID", "Cam"))
        if len(pids) != len(camids):
            raise InputError(f"{folder / stem}ID.mat: not as long as {stem}Cam.mat; get both again")
        for index, (pid, camid) in enumerate(zip(pids, camids, strict=True)):
            path = f"{WHERE[part]}/placeholder-{index:05d}.jpg"
            images.append(RawImage(path, pid, camid, part))
    return _raw("mlr-market", folder, images)


def cuhk03_from_lists(folder: Path) -> Raw:
    """Return CUHK03 as cuhk-03.mat holds it: a listed name says its cell."""
    images = []
    for boxes in BOXES:
        for name, *_ in _config(folder, boxes):
            pair, index, view, column = map(int, name.removesuffix(".png").split("_"))
            path = f"{boxes}/{pair}/{index}/{column}"
            images.append(RawImage(path, pair * 1000 + index, pair * 10 + view, "", boxes))
    return _raw("mlr-cuhk03", folder, images)


def cuhk03_np_from_lists(folder: Path) -> Raw:
    """Return CUHK03-NP's folders: a file is named by label, view and its place in the list."""
    images = []
    for boxes in BOXES:
        for index, (_, pid, view, part) in enumerate(_config(folder, boxes), start=1):
            path = f"{boxes}/{WHERE[part]}/{pid:04d}_c{view}_{index}.png"
            images.append(RawImage(path, pid, view, part, boxes))
    return _raw("mlr-cuhk03", folder, images)


def msmt17_from_lists(folder: Path) -> Raw:
    """Return version 1 of MSMT17: its four lists name every image."""
    return _raw("mlr-msmt17", folder, _msmt17(folder, VERSIONS[0]))


def msmt17_v2_from_lists(folder: Path) -> Raw:
    """Return version 2 of MSMT17, which has the same lists."""
    return _raw("mlr-msmt17", folder, _msmt17(folder, VERSIONS[1]))


def _msmt17(folder: Path, version: Mapping[str, str]) -> list[RawImage]:
    return listed_images(folder / "msmt17", version, lambda _parent, name: name)


def _raw(dataset: str, folder: Path, images: list[RawImage]) -> Raw:
    return Raw(dataset, folder, "real", tuple(sorted(images, key=lambda image: image.path)))


# --- the table ------------------------------------------------------------------------------------

_TWINS = (*PROTOCOLS, "mlr-sing[balanced=true]")
_CAMERAS = tuple(f"mlr-sing[lr_camera={camid}]" for camid in range(1, 7))
_MARKET = ("mlr-sing", *_CAMERAS, "mlr-perid", "market-3561", "mlr-official", "mlr-mixed")
_VIEWS = ("mlr-sing", "mlr-sing[balanced=true]", "mlr-perid")
_LABELED = ("mlr-sing[boxes=labeled]", "mlr-perid[boxes=labeled]")
_MSMT17 = ("mlr-perid", "mlr-sing", "mlr-multi", "mlr-official", "mlr-mixed", "fixed-r")
_LISTED = ("mlr-official", "mlr-official[boxes=labeled]", "mlr-mixed", "mlr-sing", "mlr-perid")
FromLists = Callable[[Path], Raw]
# raw folder, protocols, the parts of their manifests that the name lists decide
DECIDED: tuple[tuple[FromLists, tuple[str, ...], tuple[str, ...]], ...] = (
    (market_from_lists, _MARKET, (TRAIN, TEST)),
    (cuhk03_from_lists, (*_VIEWS, *_LABELED), (LR,)),
    (cuhk03_from_lists, ("mlr-sing[splits=hash]",), (TRAIN, TEST)),
    (cuhk03_np_from_lists, _LISTED, (MANIFEST,)),
    (msmt17_from_lists, _MSMT17, (MANIFEST,)),
    (msmt17_v2_from_lists, _MSMT17, (MANIFEST,)),
)


def twin_rows(dataset: str, size: str, cache: Path, seeds: Iterable[int] = SEEDS) -> list[Golden]:
    """Return the rows of one twin: its pixels, and the manifests of all protocols that apply."""
    raw = open_raw(dataset, Source(size=size), cache)
    return [
        golden_part(raw, ANY, 0, PIXELS),
        *(
            golden_part(raw, protocol, seed, MANIFEST)
            for protocol in _TWINS
            if applies(raw, protocol)
            for seed in seeds
        ),
    ]


def list_rows(lists: Path, seeds: Iterable[int] = SEEDS) -> list[Golden]:
    """Return the rows that the name lists in a folder decide."""
    return [row for decided in DECIDED for row in decided_rows(*decided, lists, seeds)]


def decided_rows(
    from_lists: FromLists,
    protocols: Iterable[str],
    parts: Iterable[str],
    lists: Path,
    seeds: Iterable[int],
) -> list[Golden]:
    """Return the rows of one raw folder without images, for each protocol, seed and part."""
    raw = from_lists(lists)
    return [
        golden_part(raw, protocol, seed, part)
        for protocol in protocols
        for seed in seeds
        for part in parts
    ]


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Print the table of golden digests, as CSV.")
    parser.add_argument("lists", metavar="LISTS", type=Path, help="folder of the name lists")
    folder = parser.parse_args(arguments).lists
    try:
        decided = list_rows(folder)  # first: it fails soon where a list is missing
        cache = default_cache()
        twins = [
            row
            for size in ("tiny", "quick")
            for dataset in CARDS
            for row in twin_rows(dataset, size, cache)
        ]
    except InputError as error:
        print(f"golden_digests: {error}", file=sys.stderr)
        return 2
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([column.name for column in fields(Golden)])
    writer.writerows(astuple(row) for row in [*twins, *decided])
    return 0


if __name__ == "__main__":
    sys.exit(main())
