"""Keep what a cell ranks first for each of its queries, and where the first true match stands.

And, from the same distances, how far true matches and other identities are.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.measures.distance_histograms import DistanceHistograms
from crossres.benchmark.metrics.comparisons import BLOCK_BYTES, blocks
from crossres.benchmark.metrics.own_images import JUNK, UNKNOWN_CAMERA, Ids
from crossres.datasets.base.draws import ordered
from crossres.datasets.splits.manifest import Manifest

Vector = NDArray[np.float64]
RowDistances = Callable[[Ids], Vector]
"""distances_of(query_rows (n,)): (n, G) float64, to the whole gallery."""

MOST_QUERIES = 1000
NEAREST = 5
NO_IMAGE = -1


def ranked_queries(manifest: Manifest, distances_of: RowDistances) -> dict[str, NDArray[Any]]:
    """Return the rankings of n queries, by the default rules of the gallery "multi-shot".

    All Q queries, but of more than MOST_QUERIES so many, drawn by hash. Arrays: scored_names (Q,);
    ranked_queries (n,) int32, their rows among the queries; of the NEAREST nearest gallery images
    ranked_rows (n, 5) int32, ranked_pids, ranked_camids (n, 5) int64, ranked_distances (n, 5)
    float32 (row -1 and distance inf where the gallery has no more); of the first true match
    first_rows and first_ranks (from 1), (n,) int32, first_camids (n,) int64, first_distances (n,)
    float32 (row -1, rank 0 and distance inf where there is none).
    """
    query, gallery = manifest.rows("query"), manifest.rows("gallery")
    pids, camids = gallery["pid"].to_numpy(), gallery["camid"].to_numpy()
    names = query["path"].to_numpy(dtype=str)
    rates = query["rate"].to_numpy()
    rows = _drawn(manifest, names)
    histograms = DistanceHistograms()
    parts = []
    for some in blocks(len(rows), BLOCK_BYTES // (8 * max(1, len(gallery)))):
        own_pid = query["pid"].to_numpy()[rows[some], None] == pids
        own_camid = query["camid"].to_numpy()[rows[some], None]
        hidden = own_pid & (own_camid == camids) & (own_camid != UNKNOWN_CAMERA)
        distances = np.where(hidden | (pids == JUNK), np.inf, distances_of(rows[some]))
        histograms.add(rates[rows[some]], distances, own_pid)
        parts.append((*_nearest(distances), *_first(distances, own_pid)))
    nearest, near, first, ranks, far = map(np.concatenate, zip(*parts, strict=True))
    return {
        "scored_names": names,
        "ranked_queries": rows.astype(np.int32),
        "ranked_rows": nearest.astype(np.int32),
        "ranked_pids": np.where(nearest == NO_IMAGE, JUNK, pids[nearest]),
        "ranked_camids": np.where(nearest == NO_IMAGE, UNKNOWN_CAMERA, camids[nearest]),
        "ranked_distances": near.astype(np.float32),
        "first_rows": first.astype(np.int32),
        "first_ranks": ranks.astype(np.int32),
        "first_camids": np.where(first == NO_IMAGE, UNKNOWN_CAMERA, camids[first]),
        "first_distances": far.astype(np.float32),
        **histograms.arrays(),
    }


def _drawn(manifest: Manifest, names: NDArray[np.str_]) -> Ids:
    """Return the rows of the queries whose rankings are kept, ascending."""
    rows = np.arange(len(names))
    if len(names) > MOST_QUERIES:
        of = ("ranked", manifest.dataset, manifest.protocol, manifest.seed)
        drawn = ordered(rows.tolist(), *of, key=names.tolist().__getitem__)
        rows = np.sort(np.array(drawn[:MOST_QUERIES], dtype=np.int64))
    return rows


def _nearest(distances: Vector) -> tuple[Ids, Vector]:
    """Return (n, 5) columns and distances by (distance, column); NO_IMAGE where it is infinite."""
    count = min(NEAREST, distances.shape[1])
    columns = np.full((len(distances), NEAREST), NO_IMAGE)
    limits = np.partition(distances, count - 1, axis=1)[:, count - 1]
    for row, (line, limit) in enumerate(zip(distances, limits, strict=True)):
        near = np.flatnonzero(line <= limit)
        columns[row, :count] = near[np.argsort(line[near], kind="stable")[:count]]
    values = np.take_along_axis(distances, columns, axis=1)
    values[:, count:] = np.inf
    columns[np.isinf(values)] = NO_IMAGE
    return columns, values


def _first(distances: Vector, own_pid: NDArray[np.bool_]) -> tuple[Ids, Ids, Vector]:
    """Return (n,) column, rank from 1 and distance of the first true match of each query."""
    of_own = np.where(own_pid, distances, np.inf)
    columns = of_own.argmin(axis=1)
    values = np.take_along_axis(of_own, columns[:, None], axis=1)
    before = np.arange(distances.shape[1]) < columns[:, None]
    closer = (distances < values) | ((distances == values) & before)
    there = np.isfinite(values[:, 0])
    ranks = np.where(there, closer.sum(axis=1) + 1, 0)
    return np.where(there, columns, NO_IMAGE), ranks, values[:, 0]
