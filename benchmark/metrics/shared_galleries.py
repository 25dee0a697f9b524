"""The gallery rule "shared": drawn single-shot galleries that all queries share (literal SING).

Draws are hashes of (seed, repetition, pid, index of the image among its pid's), never of the path.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.comparisons import DistanceComparison, Distances, blocks
from crossres.benchmark.metrics.measure import (
    METRICS,
    Metrics,
    as_dict,
    columns_of,
    mean_scores,
)
from crossres.benchmark.metrics.own_images import JUNK, UNKNOWN_CAMERA, Ids, ImageIds
from crossres.benchmark.metrics.per_query import Scores, average_precision, curves
from crossres.benchmark.metrics.rules import AveragePrecision, Rules
from crossres.datasets.base.draws import draw
from crossres.datasets.base.errors import InputError

NOBODY = -1


@dataclass(frozen=True)
class _Gallery:
    """One repetition: (J,) the gallery image that each identity shows, NOBODY for none.

    Queries see `distractor` of the identities that are not theirs, and `true` of their own.
    """

    distractor: Ids
    true: Ids


@dataclass(frozen=True, eq=False)
class SharedMetrics:
    """What `measure_shared` found; per_query (Q, 6) as in `Metrics`: means over the repetitions."""

    metrics: dict[str, float]
    per_query: NDArray[np.float64]


def measure_shared(
    distances: Distances,
    ids: ImageIds,
    rules: Rules,
    progress: Callable[[float], None] | None = None,
) -> SharedMetrics:
    """Evaluate `rules.repetitions` drawn galleries of one image per identity, never of junk.

    A repetition puts the images of each identity in hash order, and every query sees the first one
    that is usable to it: the same one for all queries, unless it is of the query's own identity
    and camera (or of its camera, with `separate_cameras`). So the expectation is that of
    "single-shot". Gives the means over the repetitions of METRICS, valid_queries, repetitions, and
    `<metric>_std`, the sample standard deviation between repetitions (0 for one). Ties are ordered
    by (distance, gallery index). `progress` and InputError are as those of `measure`.
    """
    if rules.repetitions < 1:
        raise InputError(f"{rules.repetitions} repetitions; at least 1 is needed")
    pids = np.unique(ids.gallery_pids[ids.gallery_pids != JUNK])
    members = [np.flatnonzero(ids.gallery_pids == pid) for pid in pids]
    orders = [_orders(members, pids, rules.seed, number) for number in range(rules.repetitions)]
    by_repetition: list[list[Scores]] = [[] for _ in orders]
    count = len(ids.query_pids)
    sums, valid = np.zeros((count, len(METRICS))), np.zeros(count, np.bool_)
    comparison = DistanceComparison(distances, len(ids.gallery_pids))
    for queries in blocks(count, comparison.most_queries):
        block = comparison.block(queries).distances
        for rows in _alike(ids, queries):
            query_pids = ids.query_pids[queries][rows]
            usable = _usable(ids, queries.start + int(rows[0]), rules)
            for order, scores in zip(orders, by_repetition, strict=True):
                true = _first(order, usable)
                first = (
                    true if rules.separate_cameras else np.array([m[0] for m in order], np.int64)
                )
                gallery = _Gallery(distractor=first, true=true)
                some, scored = _score(block[rows], query_pids, pids, gallery, rules.ap)
                scores.append(scored)
                sums[queries.start + rows[some]] += columns_of(scored)
                valid[queries.start + rows[some]] = True
        if progress is not None:
            progress(queries.stop / count)
    metrics = _summary([mean_scores(scores, count) for scores in by_repetition])
    per_query = np.where(valid[:, None], sums / rules.repetitions, np.nan)
    return SharedMetrics(metrics, per_query)


def _orders(members: Sequence[Ids], pids: Ids, seed: int, repetition: int) -> list[Ids]:
    """Return the gallery indices of each identity in the order of this repetition."""
    return [
        images[_hash_order(len(images), seed, repetition, int(pid))]
        for images, pid in zip(members, pids, strict=True)
    ]


def _hash_order(count: int, seed: int, repetition: int, pid: int) -> list[int]:
    if count == 1:
        return [0]
    return sorted(
        range(count), key=lambda index: draw("evaluate", "shared", seed, repetition, pid, index)
    )


def _alike(ids: ImageIds, queries: slice) -> list[Ids]:
    """Group the rows of a block: to those of one group the same images are usable."""
    kinds = ids.query_camids[queries, None]
    if ids.query_images is not None:
        kinds = np.column_stack([kinds, ids.query_images[queries]])
    groups = np.unique(kinds, axis=0, return_inverse=True)[1].reshape(-1)
    return [np.flatnonzero(groups == group) for group in range(int(groups.max()) + 1)]


def _usable(ids: ImageIds, query: int, rules: Rules) -> NDArray[np.bool_]:
    """Return (G,) whether this query may see the image, if it is of its own identity."""
    usable = np.ones(len(ids.gallery_camids), dtype=np.bool_)
    camid = ids.query_camids[query]
    if rules.same_camera == "drop" and camid != UNKNOWN_CAMERA:
        usable &= ids.gallery_camids != camid
    if ids.query_images is not None and ids.gallery_images is not None:
        usable &= ids.gallery_images != ids.query_images[query]
    return usable


def _first(order: Sequence[Ids], usable: NDArray[np.bool_]) -> Ids:
    """Return the first usable image of each identity, NOBODY where there is none."""
    visible = [images[usable[images]] for images in order]
    return np.array([images[0] if len(images) else NOBODY for images in visible], dtype=np.int64)


def _score(
    block: NDArray[np.float64], query_pids: Ids, pids: Ids, gallery: _Gallery, ap: AveragePrecision
) -> tuple[Ids, Scores]:
    """Score those of the queries (all with the same usable images) that see their own identity.

    Returns which they are, and their scores.
    """
    identity = np.minimum(np.searchsorted(pids, query_pids), len(pids) - 1)
    valid = np.flatnonzero((pids[identity] == query_pids) & (gallery.true[identity] != NOBODY))
    identity = identity[valid]
    true = gallery.true[identity]
    limit = block[valid, true][:, None]
    distractor = gallery.distractor
    distances = np.where(distractor == NOBODY, np.inf, block[valid][:, distractor])
    closer = distances < limit
    closer |= (distances == limit) & (distractor < true[:, None])
    closer[np.arange(len(valid)), identity] = False
    ranks = 1 + np.count_nonzero(closer, axis=1)
    precisions = [average_precision(ranks[row : row + 1], ap) for row in range(len(ranks))]
    return valid, Scores(cmc=curves(ranks), ap=np.array(precisions), inp=1 / ranks)


def _summary(repetitions: Sequence[Metrics]) -> dict[str, float]:
    rows = [as_dict(metrics) for metrics in repetitions]
    values = {name: np.array([row[name] for row in rows]) for name in METRICS}
    means = {name: float(column.mean()) for name, column in values.items()}
    spread = {
        f"{name}_std": float(column.std(ddof=1)) if len(rows) > 1 else 0.0
        for name, column in values.items()
    }
    counts = {"valid_queries": rows[0]["valid_queries"], "repetitions": len(rows)}
    return {**means, **counts, **spread}
