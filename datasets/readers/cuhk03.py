"""CUHK03: the detected boxes of `cuhk-03.mat` (MATLAB v7.3, that is HDF5), five pairs of views.

Paths are `detected/<pair 1..5>/<id index 1..>/<column 1..10>`; columns 1-5 are view 1, 6-10 view 2.
pid = pair * 1000 + id index; camid = pair * 10 + view, because a view is a camera of its pair only.
"""

import functools
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.readers import RawContent, RawImage
from datasets.readers.common import search

FOLDER = "cuhk03_release"
FILE = "cuhk-03.mat"
BOXES = "detected"
_REMEDY = "unpack cuhk03_release.zip again; a file re-saved by MATLAB needs save -v7.3"


def find(root: Path) -> Path | None:
    """The folder that holds cuhk-03.mat: `root`, the folder above it, or one below it."""
    return search(root, FOLDER, lambda folder: (folder / FILE).is_file())


def read(folder: Path) -> RawContent:
    """All detected images and the shipped test identity lists (`test_sets`, as pids, sorted)."""
    file = _open(folder)
    try:
        images = [
            RawImage(f"{BOXES}/{pair}/{index}/{column}", _pid(pair, index), _camid(pair, column))
            for pair in range(1, _columns(file, BOXES).size + 1)
            for index, column in _filled(file, pair)
        ]
        test_sets = {
            str(number): tuple(
                sorted(_pid(int(pair), int(index)) for pair, index in file[ref][()].T)
            )
            for number, ref in enumerate(_columns(file, "testsets"), start=1)
        }
    except (KeyError, ValueError, TypeError, IndexError, OSError, RuntimeError) as error:
        raise _unreadable(folder, error) from error
    return RawContent(tuple(sorted(images, key=lambda image: image.path)), test_sets=test_sets)


def _columns(file: Any, name: str) -> NDArray[np.object_]:
    """The references of a 1 x n cell array."""
    references: NDArray[np.object_] = file[name][()].reshape(-1)
    return references


def _filled(file: Any, pair: int) -> list[tuple[int, int]]:
    """(id index, column) of the cells that hold an image; MATLAB's empty cells have no 3 axes."""
    cells = file[_columns(file, BOXES)[pair - 1]][()]
    return [
        (index + 1, column + 1)
        for index in range(cells.shape[1])
        for column in range(cells.shape[0])
        if cells[column, index] and file[cells[column, index]].ndim == 3
    ]


def _pid(pair: int, index: int) -> int:
    if not 1 <= index <= 999:
        raise ValueError(f"identity index {index} in pair {pair} is outside 1..999")
    return pair * 1000 + index


def _camid(pair: int, column: int) -> int:
    return pair * 10 + (1 if column <= 5 else 2)


def open_image(folder: Path, path: str) -> NDArray[np.uint8]:
    """Pixels (H, W, 3) uint8 RGB, from MATLAB's (3, W, H)."""
    try:
        boxes, pair, index, column = path.split("/")
        file = _open(folder)
        cells = _cells(*_identity(folder), boxes, int(pair) - 1)
        if min(int(pair), int(index), int(column)) < 1:
            raise IndexError(path)
        pixels = file[cells[int(column) - 1, int(index) - 1]][()]
        if pixels.ndim != 3 or pixels.shape[0] != 3 or pixels.dtype != np.uint8:
            raise ValueError(f"a cell of shape {pixels.shape} and type {pixels.dtype}")
    except (KeyError, ValueError, TypeError, IndexError, OSError, RuntimeError) as error:
        raise _unreadable(folder, error, path) from error
    return np.ascontiguousarray(pixels.transpose(2, 1, 0))


def source_file(folder: Path, path: str) -> Path:  # noqa: ARG001
    """The one file that holds every image."""
    return folder / FILE


def _open(folder: Path) -> Any:
    try:
        return _handle(*_identity(folder))
    except OSError as error:
        raise _unreadable(folder, error) from error


def _identity(folder: Path) -> tuple[str, int, int, int]:
    """What the cached handle belongs to: this process, and the file as it is now."""
    stat = (folder / FILE).stat()
    return str(folder / FILE), stat.st_mtime_ns, stat.st_size, os.getpid()


@functools.lru_cache(maxsize=4)
def _handle(name: str, _mtime: int, _size: int, _process: int) -> Any:
    return h5py.File(name, "r")


@functools.lru_cache(maxsize=20)
def _cells(name: str, mtime: int, size: int, process: int, boxes: str, pair: int) -> Any:
    """The (10, number of identities) references of one camera pair."""
    file = _handle(name, mtime, size, process)
    return file[_columns(file, boxes)[pair]][()]


def _unreadable(folder: Path, error: BaseException, path: str = "") -> InputError:
    reason = " ".join(str(error).split())
    what = f"image {path} cannot be read" if path else "not the HDF5 file of CUHK03"
    return InputError(f"{folder / FILE}: {what} ({reason}); {_REMEDY}")
