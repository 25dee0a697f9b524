"""Read what `evaluate` needs of a file of features of any code base, as plain data.

Large features are mapped, not read, where the format allows it: they may be larger than the memory.
Nothing is unpickled.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.feature_files.kinds import Kind, kind_of
from crossres.benchmark.feature_files.names import (
    ARRAYS,
    FEATURES,
    NUMBER,
    missing_in,
    recognised,
)
from crossres.benchmark.feature_files.refusals import foreign, lacking
from crossres.benchmark.feature_files.stored import (
    DAMAGE,
    NotPlainError,
    Stored,
    StoredArray,
)
from crossres.datasets.base.arguments import as_ids
from crossres.datasets.base.errors import InputError

Arrays = dict[str, NDArray[Any]]


def read_features(path: Path, wanted: Sequence[str] = ARRAYS) -> Arrays:
    """Read those of the wanted arrays that are there, under the names that they have here.

    `path`: an .npz, a folder of .npy files, a MATLAB, HDF5 or safetensors file, whose arrays have
    these names or others that are known (names.toml). Of an array of queries and gallery
    together the first num_query rows are the queries.

    Features of 64 MiB or more are read-only maps of the file (np.memmap), unless they are
    compressed, in chunks or bfloat16; they are not compared with a checksum, which would be to read
    them all. What is read is first compared with the free memory.
    Raises InputError for any other file, saying what it is, which arrays it holds as far as that
    can be seen without running anything in it, and how to convert it.
    """
    kind = kind_of(path)
    if kind.open is None:
        raise foreign(path, kind)
    with ExitStack() as stack:
        try:
            stored = stack.enter_context(kind.open(path))
        except DAMAGE as error:
            raise InputError(
                f"{path}: not readable as {kind.name}: damaged or cut off; write it again"
            ) from error
        return _wanted(path, kind, stored, wanted)


def _wanted(path: Path, kind: Kind, stored: Stored, wanted: Sequence[str]) -> Arrays:
    try:
        ours = recognised(stored)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    if missing := missing_in(ours):
        raise lacking(path, kind, stored, missing)
    arrays = {name: _array(stored, ours, name) for name in wanted if name in ours}
    together = {name.partition("_")[2] for name in wanted if name not in ours} & ours.keys()
    if together:
        queries = _number_of_queries(path, stored, ours, arrays.get(FEATURES[0]))
        for content in sorted(together):
            for name, part in _parts(_array(stored, ours, content), content, queries).items():
                arrays.setdefault(name, part)
    return {name: array for name in wanted if (array := arrays.get(name)) is not None}


def _array(stored: Stored, ours: Mapping[str, str], own: str) -> NDArray[Any] | None:
    """Return an array by what it is called here; None for paths that are no texts."""
    name = ours[own]
    if not own.endswith("paths"):
        return _read(stored[name], name, own.endswith("features"))
    try:
        paths = stored[name].read(False)
    except NotPlainError:
        return None  # nobody needs them
    except (MemoryError, *DAMAGE):
        return _read(stored[name], name, False)  # says so
    return paths if paths.dtype.kind in "US" else None


def _parts(array: NDArray[Any] | None, content: str, queries: int) -> Arrays:
    """Part an array of queries and gallery together."""
    if array is None:
        return {}
    rows = array if content == "features" else array.reshape(-1)
    return {f"query_{content}": rows[:queries], f"gallery_{content}": rows[queries:]}


def _number_of_queries(
    path: Path, stored: Stored, ours: Mapping[str, str], features: NDArray[Any] | None
) -> int:
    """Return num_query, or else how many features of queries there are apart."""
    if NUMBER not in ours and features is not None:
        return len(features)
    array = np.ravel(_read(stored[ours[NUMBER]], ours[NUMBER], False))
    number = as_ids(array, f"{path}: {NUMBER}")
    if len(number) != 1 or number[0] < 1:
        raise InputError(f"{path}: {NUMBER} must be one number from 1, not {array.tolist()[:3]}")
    return int(number[0])


def _read(stored: StoredArray, name: str, may_map: bool) -> NDArray[Any]:
    try:
        return stored.read(may_map)
    except NotPlainError as error:
        raise InputError(f"{stored.file}: array {name} {error}") from error
    except MemoryError as error:
        size = f" ({error})" if str(error) else ""
        raise InputError(
            f"{stored.file}: array {name} is larger than the memory{size}, or the file is damaged; "
            f"{stored.unread}"
        ) from error
    except DAMAGE as error:
        raise InputError(
            f"{stored.file}: array {name} cannot be read; the file is damaged, write it again"
        ) from error
