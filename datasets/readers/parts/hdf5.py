"""HDF5 files of a user's: only what lies in the file itself, and has a plausible size, is read.

The format lets a file name other files (external links, virtual data sets, external storage) and
claim any size; nothing of the kind belongs to a data set, so nothing of the kind is followed.
"""

import errno
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from crossres.datasets.base.errors import InputError
from crossres.datasets.readers.parts.files import require_regular

MAX_BYTES = 1 << 26  # of one array
_NAMES = 8  # of variables that a message lists

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


_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)  # what file systems without locks answer


class OtherContentError(ValueError):
    """Another content than that of the data set, told in our own words."""


def open_hdf5(file: Path) -> Any:
    """Open an h5py.File; InputError when it is locked or no regular file, OSError when no HDF5."""
    require_regular(file)
    try:
        return h5py.File(file, "r", locking="best-effort")
    except BlockingIOError as error:
        raise InputError(
            f"{file}: is open for writing in another program, which locks it; close it there"
        ) from error
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return h5py.File(file, "r", locking=False)


def named_values(file: Any, name: str) -> NDArray[Any]:
    """Return the whole array of a name; OtherContentError when it is a link, or as in `values`."""
    link = file.get(name, getlink=True)
    if link is None:
        there = ", ".join(sorted(file)[:_NAMES]) or "nothing"
        raise OtherContentError(f"{name} is missing; it holds {there}")
    if not isinstance(link, h5py.HardLink):
        raise OtherContentError(f"{name} is a link to somewhere else")
    return values(file[name])


def referred(file: Any, reference: Any) -> Any:
    """Return the data set a reference points to; OtherContentError when it is anything else."""
    dataset = file[reference]
    if not isinstance(dataset, h5py.Dataset):
        raise OtherContentError(f"{dataset.name or 'an object'} is not a data set")
    return dataset


def values(dataset: Any) -> NDArray[Any]:
    """Return the whole array of a data set of numbers or references.

    OtherContentError when it is of another type, larger than MAX_BYTES, or kept in another file.
    """
    if not isinstance(dataset, h5py.Dataset):
        raise OtherContentError("not a data set")
    reference = h5py.check_ref_dtype(dataset.dtype) is h5py.Reference
    if dataset.dtype.kind not in "uif" and not reference:
        raise OtherContentError(f"{dataset.name} holds {dataset.dtype}")
    if bytes_to_read(dataset) > MAX_BYTES:
        raise OtherContentError(f"{dataset.name} claims the shape {dataset.shape}")
    if dataset.is_virtual or dataset.external:
        raise OtherContentError(f"the data of {dataset.name} is kept in another file")
    return np.asarray(dataset[()])


def bytes_to_read(dataset: Any) -> int:
    """Return the bytes of a data set, or of one of its chunks if that is more: it is read whole."""
    chunk = int(np.prod(dataset.chunks or (1,), dtype=object))
    return max(int(dataset.size or 0), chunk) * int(dataset.dtype.itemsize)
