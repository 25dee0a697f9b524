"""Checks of the arrays that are evaluated: whole, finite, of one width, an id for each row."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.comparisons import blocks
from crossres.benchmark.metrics.feature_files import FEATURES, IDS
from crossres.benchmark.metrics.features import Metric
from crossres.benchmark.metrics.own_images import Ids, ImageIds
from crossres.datasets.base.arguments import as_array, as_ids
from crossres.datasets.base.errors import InputError

SIZES = (1e-150, 1e150)  # what can be squared in float64
PIECE_BYTES = 2**20


def checked_arrays(
    arrays: Mapping[str, Any], metric: Metric, cameras: bool
) -> tuple[NDArray[Any], NDArray[Any], ImageIds]:
    """Return query features (Q, D), gallery features (G, D) and ids, checked against each other.

    `arrays`: of any library, under the names of FEATURES and IDS. Without `cameras` camera ids are
    not looked at, and all 0. Features are read piece by piece, never copied. Raises InputError.
    """
    query, gallery = (_features(name, _present(name, arrays), metric) for name in FEATURES)
    if query.shape[1] != gallery.shape[1]:
        raise InputError(
            f"query_features are {query.shape[1]} wide and gallery_features {gallery.shape[1]}; "
            "both must come from the same model"
        )
    columns = []
    for name in IDS:
        rows = len(query if name.startswith("query") else gallery)
        if name.endswith("camids") and not cameras:
            columns.append(np.zeros(rows, dtype=np.int64))
        else:
            columns.append(_ids(name, _present(name, arrays), rows))
    return query, gallery, ImageIds(*columns)


def _present(name: str, arrays: Mapping[str, Any]) -> Any:
    if name in arrays:
        return arrays[name]
    hint = "without cameras use --same-camera keep" if name.endswith("camids") else "give it, too"
    raise InputError(f"{name} is missing; {hint}")


def _features(name: str, value: Any, metric: Metric) -> NDArray[Any]:
    array = as_array(value, name)
    if array.dtype.kind not in "fiu":
        raise InputError(
            f"{name} must be floating point, not {array.dtype}; convert with .astype(float)"
        )
    if array.ndim != 2:
        raise InputError(
            f"{name} must be (images, width), not of shape {array.shape}; "
            "give one row of features for each image"
        )
    if array.size == 0:
        raise InputError(f"{name} is empty, of shape {array.shape}; give at least one image")
    _check_sizes(name, array, metric)
    return array


def _check_sizes(name: str, array: NDArray[Any], metric: Metric) -> None:
    largest = _largest(array)
    if not math.isfinite(largest):
        bad = _not_finite(array)
        if len(bad):  # or else a number beyond float64
            raise InputError(
                f"{name} holds NaN or infinity in {len(bad)} of {len(array)} rows, "
                f"first in row {bad[0]}; compute these features again"
            )
    if metric == "euclidean" and largest and not SIZES[0] < largest < SIZES[1]:
        raise InputError(
            f"{name} are of size {largest:.0e}, whose squares float64 cannot hold; "
            "multiply all features by one number that brings them near 1"
        )


def _largest(array: NDArray[Any]) -> float:
    """Return the largest |x| of an array (N, D); NaN or infinity if it holds any."""
    return float(np.max([_size(array[some]) for some in _pieces(array)]))


def _size(piece: NDArray[Any]) -> float:
    if piece.dtype.kind != "f" or piece.itemsize > 8:
        return max(float(piece.max()), -float(piece.min()))
    # But for their signs, the bits of floats are whole numbers in the same order, NaN being last.
    kind = piece.dtype.newbyteorder("=")
    bits = np.ascontiguousarray(piece, kind).view(f"u{kind.itemsize}")
    return float((bits & (np.iinfo(bits.dtype).max >> 1)).max().view(kind))


def _not_finite(array: NDArray[Any]) -> Ids:
    """Return the rows that hold NaN or infinity."""
    finite = [np.isfinite(array[some]).all(axis=1) for some in _pieces(array)]
    return np.flatnonzero(~np.concatenate(finite))


def _pieces(array: NDArray[Any]) -> Iterator[slice]:
    return blocks(len(array), PIECE_BYTES // (array.itemsize * array.shape[1]))


def _ids(name: str, value: Any, rows: int) -> NDArray[np.int64]:
    ids = as_ids(value, name)
    if len(ids) != rows:
        raise InputError(
            f"{name} must have one entry for each of the {rows} feature rows, not {len(ids)}; "
            "save both from the same list of images"
        )
    return ids
