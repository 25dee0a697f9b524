"""Data sets of an HDF5 file, and the variables of a MATLAB file of version 7.3, which is one.

The format lets a file name other files (links, virtual data sets, external storage); none of these
is followed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.feature_files.stored import (
    NotPlainError,
    Stored,
    StoredArray,
    is_mapped,
    require_memory,
)
from crossres.datasets.readers.parts.hdf5 import bytes_to_read, open_hdf5


@contextmanager
def open_hdf5_arrays(path: Path, turned: bool) -> Iterator[Stored]:
    """List the data sets of a file, those in groups as "group/name"; links are listed as such.

    A data set that is stored in one piece is mapped, one in chunks read whole. turned: whether
    MATLAB wrote the file, which turns every array over; it is turned back.
    """
    with open_hdf5(path) as file:
        yield dict(_entries(path, file, "", turned, set()))


def _entries(
    path: Path, group: Any, prefix: str, turned: bool, entered: set[int]
) -> Iterator[tuple[str, StoredArray]]:
    """Yield what lies in a group and in those below it; entered: where they lie, each once."""
    entered.add(h5py.h5o.get_info(group.id).addr)
    for name in sorted(group):
        if name == "#refs#":  # where MATLAB keeps the content of cells
            continue
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            yield prefix + name, StoredArray(path, lambda: "link", _refuse_link)
            continue
        item = group[name]
        if isinstance(item, h5py.Dataset):
            words, read = partial(_words, item, turned), partial(_read, path, item, turned)
            yield prefix + name, StoredArray(path, words, read)
        elif isinstance(item, h5py.Group) and h5py.h5o.get_info(item.id).addr not in entered:
            yield from _entries(path, item, f"{prefix}{name}/", turned, entered)


def _words(dataset: Any, turned: bool) -> str:
    return f"{dataset.shape[:: -1 if turned else 1]} {dataset.dtype}"


def _refuse_link(_: bool) -> NDArray[Any]:
    raise NotPlainError("is a link to somewhere else, which is not followed; copy the data here")


def _read(path: Path, dataset: Any, turned: bool, may_map: bool) -> NDArray[Any]:
    if dataset.is_virtual or dataset.external:
        raise NotPlainError("is kept in another file, which is not opened; copy the data here")
    is_text = h5py.check_string_dtype(dataset.dtype) is not None
    if dataset.dtype.kind not in "fiubS" and not is_text:
        what = "a MATLAB cell or struct" if turned else f"{dataset.dtype}"
        raise NotPlainError(
            f"holds {what}, and not plain numbers or texts; save an array of one of these"
        )
    size = dataset.size * dataset.dtype.itemsize
    offset = dataset.id.get_offset()
    if offset is not None and not is_text and is_mapped(size, may_map):
        mapped = np.memmap(path, dataset.dtype, "r", offset, dataset.shape)
        return mapped.T if turned else mapped
    require_memory(bytes_to_read(dataset))
    if is_text:
        return np.array(dataset.asstr("utf-8")[()].tolist(), dtype=np.str_)
    array = np.asarray(dataset[()])
    if turned and dataset.attrs.get("MATLAB_class") == b"char":
        return _matlab_texts(array)
    return array.T if turned else array


def _matlab_texts(codes: NDArray[Any]) -> NDArray[np.str_]:
    """Return (N,) texts from the character codes (length, N) of a MATLAB matrix of characters."""
    rows = ["".join(map(chr, row)).rstrip() for row in codes.T.tolist()]
    return np.array(rows, dtype=np.str_)
