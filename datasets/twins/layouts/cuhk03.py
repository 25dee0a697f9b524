"""CUHK03: cuhk-03.mat, a MATLAB v7.3 file (HDF5 behind a user block of 512 bytes).

`detected` and `labeled` are cells of references to five N x 10 cells of images, `testsets` a cell
of 20 lists of (pair, index); h5py sees all of them transposed.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import count, cycle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from crossres.datasets.base.draws import draw, ordered, pick
from crossres.datasets.readers import RawImage
from crossres.datasets.twins.drawing.optics import View
from crossres.datasets.twins.layouts import Pictures, Shot
from crossres.datasets.twins.sizes import Size

FILE = "cuhk-03.mat"
COLUMNS, PER_VIEW, TEST_SETS = 10, 5, 20
ONE_VIEW = (3, 1)
"""(pair, index) of the identity whose labeled boxes come from one view only."""
_HEADER = (
    "MATLAB 7.3 MAT-file, Platform: GLNXA64, "
    "Created on: Mon Jan  1 00:00:00 2024 HDF5 schema 1.00 ."
)

Cells = dict[tuple[int, int], NDArray[np.uint8]]


def plan(size: Size) -> list[Shot]:
    """Return `pairs` identities per camera pair; each view holds one of `images` (1 to 5) images,
    or as many as `missing` leaves.
    """
    return [
        _shot(size, pair, index, PER_VIEW * (view - 1) + number)
        for pair, identities in enumerate(size.counted("pairs"), start=1)
        for index in range(1, identities + 1)
        for view in (1, 2)
        for number in range(1, 1 + _images(size, pair, index, view))
    ]


def _images(size: Size, pair: int, index: int, view: int) -> int:
    if "missing" in size.counts:
        identities, missing = size.counted("pairs")[pair - 1], size.counts["missing"][pair - 1]
        return PER_VIEW - _short(pair, view, identities, missing[view - 1]).get(index, 0)
    return pick(size.counted("images"), "twin-cuhk03", pair, index, view)


@lru_cache(maxsize=32)
def _short(pair: int, view: int, identities: int, missing: int) -> dict[int, int]:
    """Draw identity -> how many images short of five its view is; nearly nine in ten lack none.

    The identity of one labeled view is first: a single image of its second view was detected.
    """
    order = ordered(range(1, identities + 1), "twin-cuhk03-short", pair, view)
    lacks = {}
    if (pair, view) == (ONE_VIEW[0], 2):
        order = [ONE_VIEW[1], *(index for index in order if index != ONE_VIEW[1])]
        lacks[order[0]] = PER_VIEW - 1
    for index, usual in zip((i for i in order if i not in lacks), cycle((1, 2, 2, 1, 2))):
        left = missing - sum(lacks.values())
        if left == 0:
            break
        lacks[index] = min(left, usual)
    return lacks


def _shot(size: Size, pair: int, index: int, column: int) -> Shot:
    camid = 10 * pair + (1 if column <= PER_VIEW else 2)
    where = f"{pair}/{index}/{column}"
    image = RawImage(f"detected/{where}", 1000 * pair + index, camid, boxes="detected")
    labeled = replace(image, path=f"labeled/{where}", boxes="labeled")
    wider, taller = (draw("twin-cuhk03-box", side, image.path) % 17 - 8 for side in "wh")
    view = View(
        width=size.width + size.width * wider // 100,
        height=size.height + size.height * taller // 100,
        nuisance=size.nuisance,
    )
    also = (labeled,) if _is_labeled(pair, index, column) else ()
    return Shot(image, (image.pid,), view, image.path, also)


def _is_labeled(pair: int, index: int, column: int) -> bool:
    return (pair, index) != ONE_VIEW or column <= PER_VIEW


def test_sets(size: Size) -> list[list[tuple[int, int]]]:
    """Return the shipped lists of test identities as (pair, index), each sorted."""
    everyone = [
        (pair, index)
        for pair, identities in enumerate(size.counted("pairs"), start=1)
        for index in range(1, identities + 1)
    ]
    chosen = size.count("test_identities")
    return [
        sorted(ordered(everyone, "twin-cuhk03-test", number)[:chosen])
        for number in range(TEST_SETS)
    ]


def write(raw: Path, size: Size, pictures: Pictures) -> None:
    """Write the one file. Pictures of a pair are written as they come, so memory stays small."""
    raw.mkdir(parents=True, exist_ok=True)
    with h5py.File(raw / FILE, "w", userblock_size=512, libver="earliest") as file:
        matrix = _Matrix(file)
        boxes: dict[str, list[Any]] = {"detected": [], "labeled": []}
        for pair, cells in _by_pair(pictures):
            shape = (size.counted("pairs")[pair - 1], COLUMNS)
            boxes["detected"].append(matrix.cell(shape, cells))
            boxes["labeled"].append(matrix.cell(shape, _labeled(pair, cells)))
        for name, references in boxes.items():
            matrix.named(name, references)
        matrix.named(
            "testsets",
            [matrix.array(np.array(pids, dtype=np.float64).T) for pids in test_sets(size)],
        )
    with (raw / FILE).open("r+b") as stream:
        stream.write(_HEADER.encode("ascii").ljust(124) + bytes([0, 2]) + b"IM")


def _by_pair(pictures: Pictures) -> Iterator[tuple[int, Cells]]:
    """Yield the pictures of each pair as (index, column) -> pixels."""
    cells: Cells = {}
    now = 1
    for shot, pixels in pictures:
        pair, index, column = (int(part) for part in shot.image.path.split("/")[1:])
        if pair != now:
            yield now, cells
            now, cells = pair, {}
        cells[index, column] = pixels
    yield now, cells


def _labeled(pair: int, cells: Cells) -> Cells:
    return {
        (index, column): labeled_box(pixels)
        for (index, column), pixels in cells.items()
        if _is_labeled(pair, index, column)
    }


def labeled_box(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the box drawn by hand: the same image with other borders."""
    return pixels[2:-1, 1:-1]


class _Matrix:
    """Writes MATLAB's arrays; anonymous ones go to #refs# under short names in order."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.references = file.create_group("#refs#")
        self.names = count()

    def array(self, values: NDArray[Any]) -> Any:
        """Store values (already transposed) and return the reference to them."""
        return self._store(values, "uint8" if values.dtype == np.uint8 else "double")

    def cell(self, shape: tuple[int, int], filled: Cells) -> Any:
        """Store a rows x columns cell array of images, (H, W, 3) each, and return its reference."""
        rows, columns = shape
        references = np.empty((columns, rows), dtype=h5py.ref_dtype)
        for row in range(rows):
            for column in range(columns):
                pixels = filled.get((row + 1, column + 1))
                references[column, row] = (
                    self._empty() if pixels is None else self.array(pixels.transpose(2, 1, 0))
                )
        return self._store(references, "cell")

    def named(self, name: str, references: list[Any]) -> None:
        """Store an n x 1 cell array under a name of the file."""
        row = np.empty((1, len(references)), dtype=h5py.ref_dtype)
        row[0] = references
        dataset = self.file.create_dataset(name, data=row)
        dataset.attrs["MATLAB_class"] = np.bytes_("cell")

    def _empty(self) -> Any:
        """Store an empty array as MATLAB does: its dimensions in place of its content."""
        reference = self._store(np.zeros(2, dtype=np.uint64), "double")
        self.file[reference].attrs["MATLAB_empty"] = np.uint8(1)
        return reference

    def _store(self, values: NDArray[Any], kind: str) -> Any:
        dataset = self.references.create_dataset(f"r{next(self.names):06d}", data=values)
        dataset.attrs["MATLAB_class"] = np.bytes_(kind)
        return dataset.ref
