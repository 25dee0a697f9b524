"""Evaluating features from any code base: arrays or a FEATURES.npz file -> metrics.

The file is read as data only; every unusable file gets one line that says what is wrong with it.
"""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmark.metrics import Distances, ImageIds, SameCamera, first_equal_rows
from benchmark.rules import EvaluationRule, Rules
from benchmark.scores import AveragePrecision, Ties
from datasets.errors import InputError

Metric = Literal["euclidean", "cosine"]
FEATURES = ("query_features", "gallery_features")
IDS = ("query_pids", "gallery_pids", "query_camids", "gallery_camids")
CHUNK_BYTES = 32 * 2**20


def evaluate(
    query_features: ArrayLike,
    gallery_features: ArrayLike,
    query_pids: ArrayLike,
    gallery_pids: ArrayLike,
    query_camids: ArrayLike | None = None,
    gallery_camids: ArrayLike | None = None,
    *,
    metric: Metric = "euclidean",
    same_camera: SameCamera = "drop",
    gallery: EvaluationRule = "multi-shot",
    separate_cameras: bool = False,
    ap: AveragePrecision = "standard",
    ties: Ties = "order",
    repetitions: int = 100,
    seed: int = 0,
) -> dict[str, float]:
    """Rank (G, D) gallery features for each of (Q, D) query features, and measure the ranking.

    Returns rank1, rank5, rank10, rank20, mAP, mINP (fractions in [0, 1]) and valid_queries, as
    `measure` defines them; gallery="shared" adds repetitions and the deviations between them, as
    `measure_shared` does (`repetitions` and `seed` are for it alone). Distances are float64;
    features may be of any float type. Gallery pid -1 is junk, camid -1 an unknown camera. Camera
    ids may be left out with same_camera="keep". Raises InputError for NaN, infinity, unequal widths
    or lengths, rules that exclude one another, and when no query has a true match.
    """
    arrays = {
        "query_features": query_features,
        "gallery_features": gallery_features,
        "query_pids": query_pids,
        "gallery_pids": gallery_pids,
        "query_camids": query_camids,
        "gallery_camids": gallery_camids,
    }
    given = {name: np.asarray(array) for name, array in arrays.items() if array is not None}
    rules = Rules(gallery, same_camera, separate_cameras, ap, ties, repetitions, seed)
    return _evaluate("evaluate", given, metric, rules)


def evaluate_features(
    path: Path,
    metric: Metric = "euclidean",
    same_camera: SameCamera = "drop",
    gallery: EvaluationRule = "multi-shot",
    *,
    separate_cameras: bool = False,
    ap: AveragePrecision = "standard",
    ties: Ties = "order",
    repetitions: int = 100,
    seed: int = 0,
) -> dict[str, float]:
    """`evaluate` for the arrays of an .npz file; an InputError then names the file."""
    rules = Rules(gallery, same_camera, separate_cameras, ap, ties, repetitions, seed)
    return _evaluate(str(path), _read(path), metric, rules)


def feature_distances(
    query: NDArray[Any], gallery: NDArray[Any], metric: Metric = "euclidean"
) -> Distances:
    """The distances of query rows to all gallery rows, by block, in float64.

    Equal gallery rows get equal distances to the last bit, whatever order the matrix product sums
    in: ties are then ties. "cosine" is 1 - cosine similarity; a zero vector has similarity 0.
    """
    first_of = first_equal_rows(gallery)
    chunk = max(1, CHUNK_BYTES // (8 * max(1, gallery.shape[1])))

    def block(start: int, stop: int) -> NDArray[np.float64]:
        left = _prepared(query[start:stop], metric)
        found = np.empty((stop - start, len(gallery)))
        for begin in range(0, len(gallery), chunk):
            right = _prepared(gallery[begin : begin + chunk], metric)
            found[:, begin : begin + chunk] = _distances(left, right, metric)
        return found[:, first_of]

    return block


def _prepared(rows: NDArray[Any], metric: Metric) -> NDArray[np.float64]:
    vectors = rows.astype(np.float64)
    if metric == "euclidean":
        return vectors
    # Scaled by the largest entry first, so that squaring can neither overflow nor vanish.
    scale = np.abs(vectors).max(axis=1, keepdims=True, initial=0.0)
    vectors /= np.where(scale > 0, scale, 1.0)
    norms = np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    return np.asarray(vectors / np.where(norms > 0, norms, 1.0), dtype=np.float64)


def _distances(
    left: NDArray[np.float64], right: NDArray[np.float64], metric: Metric
) -> NDArray[np.float64]:
    product = left @ right.T
    if metric == "cosine":
        return np.asarray(1.0 - product, dtype=np.float64)
    squared = (left**2).sum(1)[:, None] + (right**2).sum(1)[None, :] - 2.0 * product
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)), dtype=np.float64)


# What zipfile, zlib and numpy raise for files that are damaged in one place or another.
_DAMAGE = (
    OSError,
    ValueError,
    EOFError,
    RuntimeError,
    MemoryError,
    OverflowError,
    zipfile.BadZipFile,
    zlib.error,
)


def _read(path: Path) -> dict[str, NDArray[Any]]:
    try:
        archive = np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; give the .npz with the features") from error
    except _DAMAGE as error:
        raise InputError(
            f"{path}: not a readable .npz archive ({error}); write it with numpy.savez"
        ) from error
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise InputError(f"{path}: a single array, not an .npz; save all six with numpy.savez")
    with archive:
        wanted = [name for name in archive.files if name in (*FEATURES, *IDS)]
        return {name: _read_array(path, archive, name) for name in wanted}


def _read_array(path: Path, archive: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any]:
    try:
        array = archive[name]
    except _DAMAGE as error:
        advice = "save numbers (array.astype(float) or .astype(int)), not objects"
        if "allow_pickle" not in str(error):
            advice = "the file is damaged, write it again"
        raise InputError(f"{path}: array {name} cannot be read ({error}); {advice}") from error
    if not isinstance(array, np.ndarray):
        raise InputError(f"{path}: {name} is not an array; write the file with numpy.savez")
    return array


def _evaluate(
    where: str, arrays: Mapping[str, NDArray[Any]], metric: Metric, rules: Rules
) -> dict[str, float]:
    _choice(where, "metric", metric, get_args(Metric))
    try:
        rules.check()
        checked = _check(where, arrays, cameras=rules.same_camera == "drop")
        left, right = checked["query_features"], checked["gallery_features"]
        ids = ImageIds(**{name: checked[name] for name in IDS})
        return rules.apply(feature_distances(left, right, metric), ids)
    except InputError as error:
        if str(error).startswith(f"{where}: "):
            raise
        raise InputError(f"{where}: {error}") from error


def _choice(where: str, what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"{where}: unknown {what} {value!r}; choose {' or '.join(known)}")


def _check(
    where: str, arrays: Mapping[str, NDArray[Any]], cameras: bool
) -> dict[str, NDArray[Any]]:
    """All six arrays, checked against each other; without `cameras` camera ids are not needed."""
    found: dict[str, NDArray[Any]] = {}
    for name in FEATURES:
        found[name] = _features(where, name, _present(where, name, arrays))
    widths = [found[name].shape[1] for name in FEATURES]
    if widths[0] != widths[1]:
        raise InputError(
            f"{where}: query_features are {widths[0]} wide and gallery_features {widths[1]}; "
            "both must come from the same model"
        )
    for name in IDS:
        rows = len(found[name.split("_")[0] + "_features"])
        if name.endswith("camids") and not cameras:
            found[name] = np.zeros(rows, dtype=np.int64)
            continue
        found[name] = _ids(where, name, _present(where, name, arrays), rows)
    return found


def _present(where: str, name: str, arrays: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    if name in arrays:
        return arrays[name]
    hint = "; without cameras use --same-camera keep" if name.endswith("camids") else ""
    raise InputError(f"{where}: array {name} is missing{hint or '; add it'}")


def _features(where: str, name: str, array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind not in "fiu":
        raise InputError(f"{where}: {name} must be floating point, not {array.dtype}")
    if array.ndim != 2:
        raise InputError(f"{where}: {name} must be (images, width), not of shape {array.shape}")
    if array.size == 0:
        raise InputError(f"{where}: {name} is empty, of shape {array.shape}")
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if len(bad):
        raise InputError(
            f"{where}: {name} holds NaN or infinity in {len(bad)} of {len(array)} rows, "
            f"first in row {bad[0]}; compute these features again"
        )
    return array


def _ids(where: str, name: str, array: NDArray[Any], rows: int) -> NDArray[np.int64]:
    if array.ndim != 1 or len(array) != rows:
        raise InputError(
            f"{where}: {name} must have one entry for each of the {rows} feature rows, "
            f"not the shape {array.shape}"
        )
    if array.dtype.kind not in "iu":
        raise InputError(f"{where}: {name} must be integers, not {array.dtype}")
    return array.astype(np.int64)
