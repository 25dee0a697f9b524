"""CUHK03: both boxes of `cuhk-03.mat` (MATLAB v7.3, that is HDF5), five pairs of views.

Paths are `<detected|labeled>/<pair 1..5>/<id index 1..>/<column 1..10>`; columns 1-5 are view 1,
6-10 view 2. pid = pair * 1000 + id index; camid = pair * 10 + view, because a view is a camera of
its pair only. The folders of CUHK03-NP are accepted in place of the file.
"""

import functools
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.kinds import HDF5, MATLAB_5, MATLAB_7_3, kind_of_file
from crossres.datasets.readers import RawContent, RawImage, cuhk03_np
from crossres.datasets.readers.parts import listing as common
from crossres.datasets.readers.parts.files import is_file
from crossres.datasets.readers.parts.hdf5 import (
    UNREADABLE,
    OtherContentError,
    named_values,
    open_hdf5,
    referred,
    values,
)
from crossres.datasets.readers.parts.images import MAX_PIXELS, MAX_SIDE
from crossres.datasets.readers.parts.listing import search

FOLDER = "cuhk03_release"
FILE = "cuhk-03.mat"
BOXES = ("detected", "labeled")
_REMEDY = "unpack cuhk03_release.zip again; a file re-saved by MATLAB needs save -v7.3"


def find(root: Path) -> Path | None:
    """Find the folder of cuhk-03.mat or of CUHK03-NP at, above or below `root`."""
    return search(root, FOLDER, lambda folder: _has_file(folder) or cuhk03_np.is_raw(folder))


def _has_file(folder: Path) -> bool:
    return is_file(folder / FILE)


def read(folder: Path) -> RawContent:
    """Return all images of both boxes and the shipped test lists (`test_sets`: sorted pids)."""
    if not _has_file(folder):
        return cuhk03_np.read(folder)
    file = _open(folder)
    try:
        images = [
            RawImage(
                f"{boxes}/{pair}/{index}/{column}",
                _pid(pair, index),
                _camid(pair, column),
                boxes=boxes,
            )
            for boxes in BOXES
            for pair, cells in enumerate(_columns(file, boxes), start=1)
            for index, column in _filled(file, cells)
        ]
        test_sets = {
            str(number): _test_set(values(referred(file, ref)))
            for number, ref in enumerate(_columns(file, "testsets"), start=1)
        }
    except UNREADABLE as error:
        raise _unreadable(folder, error) from error
    return RawContent(tuple(sorted(images, key=lambda image: image.path)), test_sets=test_sets)


def _columns(file: Any, name: str) -> NDArray[np.object_]:
    """Return the references of a 1 x n cell array."""
    references: NDArray[np.object_] = named_values(file, name).reshape(-1)
    if references.dtype != object:
        raise OtherContentError(f"{name} is not a cell array")
    return references


def _filled(file: Any, reference: Any) -> list[tuple[int, int]]:
    """Return (id index, column) of the cells with an image; empty ones do not have three axes."""
    cells = _pair_cells(file, reference)
    return [
        (index + 1, column + 1)
        for index in range(cells.shape[1])
        for column in range(cells.shape[0])
        if cells[column, index] and _holds_image(file, cells[column, index])
    ]


def _pair_cells(file: Any, reference: Any) -> NDArray[np.object_]:
    """Return the (10, number of identities) references of one camera pair."""
    cells: NDArray[np.object_] = values(referred(file, reference))
    if cells.ndim != 2 or cells.shape[0] != 10 or cells.dtype != object:
        raise OtherContentError(f"a camera pair has cells of shape {cells.shape}")
    return cells


def _holds_image(file: Any, reference: Any) -> bool:
    """Return whether a cell is not empty; OtherContentError when it then is no (3, W, H) uint8
    image.

    By the low-level interface: there are 29,340 cells.
    """
    cell = h5py.h5r.dereference(reference, file.id)
    if not isinstance(cell, h5py.h5d.DatasetID):
        raise OtherContentError("a cell that is no data set")
    if cell.rank != 3:
        return False
    depth, width, height = cell.shape
    usual = 0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and width * height <= MAX_PIXELS
    if depth != 3 or cell.dtype != np.uint8 or not usual:
        raise OtherContentError(f"a cell of shape {cell.shape} and type {cell.dtype}")
    return True


def _test_set(pairs_and_indices: NDArray[np.float64]) -> tuple[int, ...]:
    """Return the pids, sorted, of a (2, n) array of camera pairs and identity indices."""
    if pairs_and_indices.ndim != 2 or len(pairs_and_indices) != 2:
        raise OtherContentError(f"a test set of shape {pairs_and_indices.shape}")
    if not np.isin(pairs_and_indices, np.arange(1, 1000)).all():
        raise OtherContentError("a test set that holds other than whole numbers from 1 to 999")
    return tuple(sorted(_pid(int(pair), int(index)) for pair, index in pairs_and_indices.T))


def _pid(pair: int, index: int) -> int:
    if not (1 <= pair <= 9 and 1 <= index <= 999):
        raise OtherContentError(f"identity {index} of pair {pair} is outside 1..999 of 1..9")
    return pair * 1000 + index


def _camid(pair: int, column: int) -> int:
    return pair * 10 + (1 if column <= 5 else 2)


def open_image(folder: Path, path: str) -> NDArray[np.uint8]:
    """Return pixels (H, W, 3) uint8 RGB of an image, which the file holds as (3, W, H)."""
    if not _has_file(folder):
        return common.open_image(folder, path)
    try:
        boxes, pair, index, column = path.split("/")
        file = _open(folder)
        cells = _cells(*_identity(folder), boxes, int(pair) - 1)
        if min(int(pair), int(index), int(column)) < 1:
            raise OtherContentError("there is no such cell")
        reference = cells[int(column) - 1, int(index) - 1]
        cell = referred(file, reference)
        if not _holds_image(file, reference):
            raise OtherContentError(f"a cell of shape {cell.shape}")
        pixels = values(cell)
    except UNREADABLE as error:
        raise _unreadable(folder, error, path) from error
    return np.ascontiguousarray(pixels.transpose(2, 1, 0))


def source_file(folder: Path, path: str) -> Path:
    """Return the one file that holds every image; of CUHK03-NP the file of the image."""
    return folder / FILE if _has_file(folder) else common.source_file(folder, path)


def _open(folder: Path) -> Any:
    try:
        return _handle(*_identity(folder))
    except OSError as error:
        raise _unreadable(folder, error) from error


def _identity(folder: Path) -> tuple[str, int, int, int]:
    """Return what the cached handle belongs to: this process, and the file as it is now."""
    stat = (folder / FILE).stat()
    return str(folder / FILE), stat.st_mtime_ns, stat.st_size, os.getpid()


@functools.lru_cache(maxsize=4)
def _handle(name: str, _mtime: int, _size: int, _process: int) -> Any:
    return open_hdf5(Path(name))


@functools.lru_cache(maxsize=20)
def _cells(name: str, mtime: int, size: int, process: int, boxes: str, pair: int) -> Any:
    """Return the (10, number of identities) references of one camera pair."""
    file = _handle(name, mtime, size, process)
    return _pair_cells(file, _columns(file, boxes)[pair])


def _unreadable(folder: Path, error: BaseException, path: str = "") -> InputError:
    kind = kind_of_file(folder / FILE)
    if kind == MATLAB_5:
        return InputError(
            f"{folder / FILE}: not the HDF5 file of CUHK03 but a MATLAB file of version 7 or "
            f"before, which is not read; {_REMEDY}"
        )
    if kind.name and kind not in (HDF5, MATLAB_7_3):
        return InputError(
            f"{folder / FILE}: not the HDF5 file of CUHK03 but {kind.name}; "
            f"{kind.remedy or _REMEDY}"
        )
    damaged = "it is not there, or the file is damaged" if path else "it is damaged or cut short"
    reason = str(error) if isinstance(error, OtherContentError) else damaged
    fault = f"image {path} cannot be read" if path else "not the HDF5 file of CUHK03"
    return InputError(f"{folder / FILE}: {fault} ({reason}); {_REMEDY}")
