"""HDF5 files of a user's: only what lies in the file itself, and has a plausible size, is read.

The format lets a file name other files (external links, virtual data sets, external storage) and
claim any size; nothing of the kind belongs to a data set, so nothing of the kind is followed.
"""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.readers.files import require_regular

MAX_BYTES = 1 << 26  # of one array

UNREADABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What h5py raises on damaged files."""


def open_hdf5(file: Path) -> Any:
    """The open h5py.File; InputError when it is no regular file, OSError when it is no HDF5."""
    require_regular(file)
    return h5py.File(file, "r")


def named_values(file: Any, name: str) -> NDArray[Any]:
    """The whole array of a name; ValueError when it is a link, or as in `values`."""
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"{name} is missing, or a link to somewhere else")
    return values(file[name])


def referred(file: Any, reference: Any) -> Any:
    """The data set a reference points to; ValueError when it is anything else."""
    found = file[reference]
    if not isinstance(found, h5py.Dataset):
        raise ValueError(f"{found.name or 'an object'} is not a data set")
    return found


def values(dataset: Any) -> NDArray[Any]:
    """The whole array of a data set of numbers or references.

    ValueError when it is of another type, larger than MAX_BYTES, or kept in another file.
    """
    if not isinstance(dataset, h5py.Dataset):
        raise ValueError("not a data set")
    reference = h5py.check_ref_dtype(dataset.dtype) is h5py.Reference
    if dataset.dtype.kind not in "uif" and not reference:
        raise ValueError(f"{dataset.name} holds {dataset.dtype}")
    chunk = int(np.prod(dataset.chunks or (1,), dtype=object))
    if max(dataset.size or 0, chunk) * dataset.dtype.itemsize > MAX_BYTES:
        raise ValueError(f"{dataset.name} claims the shape {dataset.shape}")
    if dataset.is_virtual or dataset.external:
        raise ValueError(f"the data of {dataset.name} is kept in another file")
    return np.asarray(dataset[()])
