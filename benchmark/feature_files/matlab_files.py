"""Variables of a MATLAB file before 7.3, such as `scipy.io.savemat` writes: pytorch_result.mat."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.feature_files.stored import (
    NotPlainError,
    Stored,
    StoredArray,
    require_memory,
)

# Bytes of one entry of each class of MATLAB that is read. Texts take four in NumPy.
ENTRY_BYTES = {
    "double": 8, "single": 4, "int8": 1, "int16": 2, "int32": 4, "int64": 8,
    "uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8, "logical": 1, "char": 4,
}  # fmt: skip


@contextmanager
def open_matlab(path: Path) -> Iterator[Stored]:
    """List the variables of a file; each is read whole, as the format has no other way."""
    from scipy.io import whosmat

    with path.open("rb") as file:
        variables = whosmat(file)
    yield {
        name: StoredArray(
            path,
            partial("{} {}".format, shape, kind),
            partial(_read, path, name, shape, kind),
        )
        for name, shape, kind in variables
    }


def _read(path: Path, name: str, shape: tuple[int, ...], kind: str, _: bool) -> NDArray[Any]:
    if kind not in ENTRY_BYTES:
        raise NotPlainError(
            f"is a MATLAB {kind}, and not numbers or texts of one length; in MATLAB save "
            "cell2mat(...), double(...) or char(...) of it, in Python numpy.array(..., dtype=str)"
        )
    from scipy.io import loadmat

    require_memory(math.prod(shape) * ENTRY_BYTES[kind])
    with path.open("rb") as file:
        array = np.asarray(loadmat(file, variable_names=[name])[name])
    return np.strings.rstrip(array) if kind == "char" else array  # padded to one length
