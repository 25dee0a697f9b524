"""Evaluate features of any code base: arrays, or a file or folder of them."""

import warnings
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_info

from crossres.benchmark.feature_files.names import ARRAYS
from crossres.benchmark.feature_files.read import read_features
from crossres.benchmark.metrics.comparisons import Distances, blocks
from crossres.benchmark.metrics.equal_rows import EqualRows, settle, with_images
from crossres.benchmark.metrics.evaluation import (
    Evaluation,
    by_group,
    intervals_of,
    queries_of,
    rules_in_words,
)
from crossres.benchmark.metrics.feature_arrays import CheckedFeatures, checked_arrays
from crossres.benchmark.metrics.features import FeatureComparison, Metric, unit
from crossres.benchmark.metrics.measure import as_dict, measure
from crossres.benchmark.metrics.own_images import UNKNOWN_CAMERA
from crossres.benchmark.metrics.products import checked_device
from crossres.benchmark.metrics.rules import Rules
from crossres.benchmark.metrics.shared_galleries import measure_shared
from crossres.benchmark.metrics.text_ids import id_of
from crossres.datasets.base.arguments import as_choice, as_function, as_path
from crossres.datasets.base.cores import usable_cores
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.progress import Report, silent
from crossres.datasets.base.words import listed
from crossres.methods.interface.distances import (
    centre,
    sample,
    shifted,
    squared_distances,
)

CHUNK_BYTES = 32 * 2**20

FeatureSource = str | PathLike[str] | Mapping[str, ArrayLike]
"""The path of a file or folder of features, or its arrays by name."""


def evaluate(
    query_features: ArrayLike,
    gallery_features: ArrayLike,
    query_pids: ArrayLike,
    gallery_pids: ArrayLike,
    query_camids: ArrayLike | None = None,
    gallery_camids: ArrayLike | None = None,
    *,
    metric: Metric = "euclidean",
    rules: Rules | None = None,
    device: str = "cpu",
) -> dict[str, float]:
    """Rank (G, D) gallery features for each of (Q, D) query features, and measure the ranking.

    Returns rank1, rank5, rank10, rank20, mAP, mINP (fractions in [0, 1]) and valid_queries, as
    `measure` defines them; the gallery rule "shared" adds repetitions and the deviations between
    them, as `measure_shared` does. self_matches_dropped and self_matches_kept count the queries
    that stand in the gallery themselves (the same feature row to the bit, and the same pid) where
    no rule about cameras leaves them out; the rule `self_matches` says what becomes of them: "auto"
    drops them from the ranking where no camera is known, or all are kept. What else is odd is said
    as a warning (UserWarning).

    Features and ids may be arrays, lists, DataFrames or tensors of any number type and device, ids
    texts, too; distances are float64. device: where products are made, "cpu", "cuda" or "cuda:N";
    it changes no bit. Gallery pid -1 is junk, camid -1 an unknown camera. Camera ids may be left
    out with Rules(same_camera="keep"). Raises InputError for NaN, infinity, unequal widths or
    lengths, ids that are neither texts nor whole numbers of 64 bits, rules that exclude one
    another, a device that is not here, and when no query has a true match.
    """
    by_name = {
        "query_features": query_features,
        "gallery_features": gallery_features,
        "query_pids": query_pids,
        "gallery_pids": gallery_pids,
        "query_camids": query_camids,
        "gallery_camids": gallery_camids,
    }
    arrays = {name: array for name, array in by_name.items() if array is not None}
    rules = Rules() if rules is None else rules
    evaluation = evaluated("evaluate", arrays, metric, rules, silent, device)
    for note in evaluation.notes:
        warnings.warn(f"evaluate: {note}", stacklevel=2)
    return evaluation.metrics


def evaluate_features(
    features: FeatureSource,
    metric: Metric = "euclidean",
    rules: Rules | None = None,
    progress: Report = silent,
    device: str = "cpu",
) -> Evaluation:
    """Evaluate as `evaluate` does, and return all there is to know: intervals, rules, each query.

    features: the path of an .npz, .mat, HDF5 or safetensors file, or of a folder of .npy files,
    whose arrays have the names that `evaluate` gives them, or those of other code bases; or a
    mapping from the names of `evaluate` to arrays. query_rates (whole numbers, 0: not known) and
    query_paths (texts) may be there, too. Large features in files are mapped, where the format
    allows it, so that they may be larger than the memory. `progress(done, total)` is called
    now and then with numbers of queries. An InputError names the file.
    """
    as_function(progress, "progress")
    rules = Rules() if rules is None else rules
    where, arrays = arrays_of(features, "features")
    return evaluated(where, arrays, metric, rules, progress, device)


def arrays_of(
    features: FeatureSource, name: str, wanted: Sequence[str] = ARRAYS
) -> tuple[str, Mapping[str, Any]]:
    """Return what messages call features, and their arrays: those given, or those read."""
    if isinstance(features, Mapping):
        return name, features
    path = as_path(features, name)
    return str(path), read_features(path, wanted)


def feature_distances(
    query: NDArray[Any],
    gallery: NDArray[Any],
    metric: Metric = "euclidean",
    rows: EqualRows | None = None,
) -> Distances:
    """Return the distances of query rows to all gallery rows, by block, in float64.

    Equal gallery rows get equal distances to the last bit, whatever order the matrix product sums
    in: ties are then ties. "cosine" is 1 - cosine similarity; a zero vector has similarity 0.
    `rows`: which rows are equal, if that was found before.
    """
    rows = rows or EqualRows.of(query[:0], gallery)
    firsts = rows.firsts
    chunk = max(1, CHUNK_BYTES // (8 * max(1, gallery.shape[1])))
    cosine = metric == "cosine"
    middle = centre(unit(sample(gallery)) if cosine else sample(gallery))

    def around_middle(rows: NDArray[Any]) -> NDArray[np.float64]:
        if not cosine:
            return shifted(rows, middle)
        vectors = unit(rows)
        vectors -= middle
        return vectors

    def block(start: int, stop: int) -> NDArray[np.float64]:
        left = around_middle(query[start:stop])
        distances = np.empty((len(left), len(firsts)))
        for some in blocks(len(firsts), chunk):
            images = gallery[firsts[some]]
            distances[:, some] = squared_distances(left, around_middle(images))
            if cosine:
                # |u - v|^2 / 2 is 1 - u v, and keeps its digits where u is near v.
                distances[:, some] /= 2
                distances[:, some][:, ~images.any(axis=1)] = 1.0
        if cosine:
            distances[~query[start:stop].any(axis=1)] = 1.0
        else:
            np.sqrt(distances, out=distances)
        return distances if len(firsts) == len(gallery) else distances[:, rows.gallery]

    return block


def check_choices(metric: Metric, rules: Rules, device: str) -> None:
    """Raise InputError for a metric, rules or a device that cannot be, alone or together."""
    as_choice(metric, get_args(Metric), "metric")
    if not isinstance(rules, Rules):
        raise InputError(f"rules must be a crossres.Rules, not {type(rules).__name__}")
    rules.check()
    if checked_device(device) != "cpu" and rules.gallery == "shared":
        raise InputError("the gallery rule shared is measured on the CPU only; use device cpu")


def evaluated(
    where: str,
    arrays: Mapping[str, Any],
    metric: Metric,
    rules: Rules,
    progress: Report,
    device: str,
) -> Evaluation:
    """Evaluate arrays; an InputError begins with `where`."""
    try:
        check_choices(metric, rules, device)
        checked = checked_arrays(arrays, metric, cameras=rules.same_camera == "drop")
        return _ranked(checked, metric, rules, progress, device)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    except MemoryError as error:
        raise InputError(
            f"{where}: this evaluation needs more memory than there is; save the features as "
            "float32 with numpy.savez (not compressed), or evaluate on a larger machine"
        ) from error


def _ranked(
    features: CheckedFeatures, metric: Metric, rules: Rules, progress: Report, device: str
) -> Evaluation:
    query, gallery, ids = features.query, features.gallery, features.ids
    rows = EqualRows.of(query, gallery)
    settled, dropped, ranked = settle(with_images(ids, rows), rules)

    def report(fraction: float) -> None:
        progress(round(fraction * len(query)), len(query))

    if rules.gallery == "shared":
        distances = feature_distances(query, gallery, metric, rows)
        report(0.0)
        shared = measure_shared(distances, settled, rules, report)
        metrics, scores = shared.metrics, shared.per_query
    else:
        comparison = FeatureComparison(query, gallery, metric, device)
        report(0.0)
        measured = measure(comparison, settled, rules, _threads(), report)
        metrics, scores = as_dict(measured), measured.per_query
    notes = [*_self_notes(len(query), dropped, ranked), *rows.faults(ids)]
    notes += _camera_notes(features, rules)
    if metric == "cosine":
        notes += _zero_notes(rows)
    self_matches = {"self_matches_dropped": dropped, "self_matches_kept": ranked}
    queries = queries_of(settled, rules, scores, features)
    return Evaluation(
        metrics={**metrics, **self_matches},
        notes=tuple(notes),
        intervals=intervals_of(queries),
        counts={
            "skipped_queries": len(query) - int(queries.valid.sum()),
            "query_images": len(query),
            "gallery_images": len(gallery),
            "embedding_size": gallery.shape[1],
            "valid_identities": len(np.unique(ids.query_pids[queries.valid])),
        },
        rules=rules_in_words(metric, rules),
        per_query=queries,
        by_group=by_group(queries),
    )


def _threads() -> int:
    """Return how many threads may be used here: OMP_NUM_THREADS, or all usable cores."""
    pools = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    return min(usable_cores(), max(pools, default=1))


def _self_notes(queries: int, dropped: int, ranked: int) -> list[str]:
    stand = f"of {queries} queries stand in the gallery themselves (equal feature row, same pid)"
    left_out = f"{dropped} {stand}: left out of their own rankings; self-matches 'keep' ranks them"
    left_in = f"{ranked} {stand} and find themselves; self-matches 'drop' leaves them out"
    return [*([left_out] if dropped else []), *([left_in] if ranked else [])]


def _camera_notes(features: CheckedFeatures, rules: Rules) -> list[str]:
    """Say where cameras may be numbered in two ways: then a query's own camera is another's."""
    if rules.same_camera != "drop":
        return []
    query, gallery = (
        {*np.unique(camids).tolist()} - {UNKNOWN_CAMERA}
        for camids in (features.ids.query_camids, features.ids.gallery_camids)
    )
    alone = sorted(query - gallery), sorted(gallery - query)
    if not (query & gallery and all(alone)):
        return []
    names = [
        listed(id_of(camera, features.camid_texts) for camera in cameras[:3])
        + " and others" * (len(cameras) > 3)
        for cameras in alone
    ]
    return [
        f"camera {names[0]} is of queries alone, and camera {names[1]} of the gallery alone: are "
        "both numbered alike? Images of the query's own camera are left out by these numbers"
    ]


def _zero_notes(rows: EqualRows) -> list[str]:
    note = f"{rows.zeros} feature rows are zero: a cosine of 0 with all others is taken for them"
    return [note] if rows.zeros else []
