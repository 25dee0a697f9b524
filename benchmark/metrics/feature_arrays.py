"""Checks of the arrays that are evaluated: whole, finite, of one width, an id for each row."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.feature_files.names import FEATURES
from crossres.benchmark.metrics.comparisons import blocks
from crossres.benchmark.metrics.features import Metric
from crossres.benchmark.metrics.own_images import Ids, ImageIds
from crossres.benchmark.metrics.text_ids import Texts, as_texts, numbered
from crossres.datasets.base.arguments import as_array, as_ids
from crossres.datasets.base.errors import InputError

RATES, PATHS = "query_rates", "query_paths"
SIZES = (1e-150, 1e150)  # what can be squared in float64
PIECE_BYTES = 2**20


@dataclass(frozen=True, eq=False)
class CheckedFeatures:
    """Features that can be ranked, of Q queries and G gallery images, and what is known of these.

    query (Q, D), gallery (G, D): of any number type. pid_texts, camid_texts: what the numbers in
    `ids` stand for where ids are texts. rates (Q,): of the queries, 0 for one that is not known.
    query_paths (Q,): the names of their images. None where nothing is known.
    """

    query: NDArray[Any]
    gallery: NDArray[Any]
    ids: ImageIds
    pid_texts: Texts | None
    camid_texts: Texts | None
    rates: Ids | None
    query_paths: Texts | None


def checked_arrays(arrays: Mapping[str, Any], metric: Metric, cameras: bool) -> CheckedFeatures:
    """Return features and ids, checked against each other, and rates and paths if there are any.

    `arrays`: of any library, under the names of ARRAYS. Without `cameras` camera ids are not looked
    at, and all 0. Features are read piece by piece, never copied. Raises InputError.
    """
    query, gallery = (_features(name, present(name, arrays), metric) for name in FEATURES)
    if query.shape[1] != gallery.shape[1]:
        raise InputError(
            f"query_features are {query.shape[1]} wide and gallery_features {gallery.shape[1]}; "
            "both must come from the same model"
        )
    shapes = {"query": query.shape, "gallery": gallery.shape}
    pids, pid_texts = _ids("pids", arrays, shapes)
    if cameras:
        camids, camid_texts = _ids("camids", arrays, shapes)
    else:
        camids, camid_texts = [np.zeros(rows, np.int64) for rows, _ in shapes.values()], None
    return CheckedFeatures(
        query,
        gallery,
        ImageIds(*pids, *camids),
        pid_texts,
        camid_texts,
        _rates(arrays, query.shape),
        _paths(arrays, query.shape),
    )


def present(name: str, arrays: Mapping[str, Any]) -> Any:
    """Return an array; InputError with the remedy where it is missing."""
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


def _ids(
    kind: str, arrays: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]
) -> tuple[list[Ids], Texts | None]:
    """Return the ids of both sides, and what they stand for; shapes: of the features of a side."""
    names = [f"{side}_{kind}" for side in shapes]
    numbers, texts = numbered({name: present(name, arrays) for name in names})
    for name, ids, shape in zip(names, numbers, shapes.values(), strict=True):
        _check_length(name, ids, shape)
    return numbers, texts


def _check_length(name: str, column: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Raise InputError where a column is not as long as the features of this shape."""
    rows, width = shape
    if len(column) == rows:
        return
    remedy = "save both from the same list of images"
    if len(column) == width:
        remedy = "the features are turned over: save their transpose (.T)"
    raise InputError(
        f"{name} must have one entry for each of the {rows} feature rows, not {len(column)}; "
        f"{remedy}"
    )


def _rates(arrays: Mapping[str, Any], shape: tuple[int, ...]) -> Ids | None:
    if arrays.get(RATES) is None:
        return None
    rates = as_ids(arrays[RATES], RATES)
    _check_length(RATES, rates, shape)
    if rates.min() < 0:
        raise InputError(
            f"{RATES}: {rates.min()} is no down-sampling rate; give 1 for HR, 2, 3, ..., and 0 for "
            "one that is not known"
        )
    return rates


def _paths(arrays: Mapping[str, Any], shape: tuple[int, ...]) -> Texts | None:
    if arrays.get(PATHS) is None:
        return None
    paths = as_texts(arrays[PATHS], PATHS)
    if paths is None:
        raise InputError(f"{PATHS} must be texts, the names of the images; else leave it out")
    _check_length(PATHS, paths, shape)
    return paths
