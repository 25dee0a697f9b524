"""Exact CMC, mAP and mINP from blocks of distances, under the multi-shot and single-shot rules.

docs/protocols.md states the rules; ties are ordered by (distance, gallery index), nothing is drawn.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from benchmark.expectation import expected_reciprocal_rank, rank_cdf
from datasets.errors import InputError

GalleryRule = Literal["single-shot", "multi-shot"]
SameCamera = Literal["drop", "keep"]
GALLERY_RULES: tuple[GalleryRule, ...] = get_args(GalleryRule)
METRICS = ("rank1", "rank5", "rank10", "rank20", "mAP", "mINP")
CMC_LENGTH = 50
JUNK = -1
BLOCK_BYTES = 64 * 2**20

Vector = NDArray[np.float64]
Ids = NDArray[np.int64]
Distances = Callable[[int, int], NDArray[np.float64]]
"""distances(start, stop): (stop - start, G) float64, these queries' rows, smaller = closer."""


@dataclass(frozen=True)
class ImageIds:
    """Who is on the images and which camera took them: (Q,) and (G,) int64."""

    query_pids: Ids
    gallery_pids: Ids
    query_camids: Ids
    gallery_camids: Ids


@dataclass(frozen=True)
class Metrics:
    """Means over the valid queries, as fractions in [0, 1]; cmc[k - 1] is rank-k, k up to 50."""

    rank1: float
    rank5: float
    rank10: float
    rank20: float
    mAP: float
    mINP: float
    valid_queries: int
    skipped_queries: int
    cmc: tuple[float, ...]


@dataclass(frozen=True)
class _Scores:
    """Of n valid queries: CMC curves (n, 50), average precisions (n,), inverse penalties (n,)."""

    cmc: Vector
    ap: Vector
    inp: Vector


def measure(
    distances: Distances,
    ids: ImageIds,
    gallery: GalleryRule = "multi-shot",
    same_camera: SameCamera = "drop",
) -> Metrics:
    """Evaluate a ranking of G gallery images for each of Q queries.

    Gallery entries of pid -1 are junk and dropped; with "drop", so are entries of the query's own
    pid and camera. Every other pid is an identity; those that no query has are distractors.
    multi-shot: rank-k and non-interpolated AP over all that is left; INP = matches / rank of the
    last match. single-shot: the exact expectation over drawing one usable image of each identity
    (then AP = INP = 1 / rank). Memory: a few blocks of 64 MiB. Raises InputError for NaN distances
    and when no query has a true match left.
    """
    query_pids, gallery_pids = ids.query_pids, ids.gallery_pids
    columns = np.flatnonzero(gallery_pids != JUNK)
    if gallery == "single-shot":
        columns = columns[np.argsort(gallery_pids[columns], kind="stable")]
    pids, camids = gallery_pids[columns], ids.gallery_camids[columns]
    score = _single_shot if gallery == "single-shot" else _multi_shot
    found = []
    for start, stop in _blocks(len(query_pids), len(gallery_pids)):
        block = _checked(distances(start, stop), stop - start, len(gallery_pids))[:, columns]
        match = query_pids[start:stop, None] == pids[None, :]
        dropped = match & (ids.query_camids[start:stop, None] == camids[None, :])
        if same_camera == "drop":
            block[dropped] = np.inf
            match &= ~dropped
        valid = match.any(axis=1)
        if valid.any():
            found.append(score(block[valid], match[valid], columns, pids))
    return _mean(found, len(query_pids))


def as_dict(metrics: Metrics) -> dict[str, float]:
    """The numbers that records and `crossres evaluate` give: METRICS and valid_queries."""
    return {name: getattr(metrics, name) for name in (*METRICS, "valid_queries")}


def first_equal_rows(rows: NDArray[Any]) -> Ids:
    """For each row of (N, D) the index of the first row that equals it (0.0 equals -0.0).

    Taking the distances of that row makes ties of equal features exact: a matrix product may sum
    equal columns in different orders.
    """
    seen: dict[bytes, int] = {}
    found = [seen.setdefault((row + 0.0).tobytes(), index) for index, row in enumerate(rows)]
    return np.array(found, dtype=np.int64)


def _blocks(queries: int, gallery: int) -> Iterator[tuple[int, int]]:
    rows = max(1, BLOCK_BYTES // (8 * max(1, gallery)))
    for start in range(0, queries, rows):
        yield start, min(start + rows, queries)


def _checked(block: NDArray[np.float64], rows: int, columns: int) -> NDArray[np.float64]:
    if block.shape != (rows, columns) or block.dtype != np.float64:
        raise InputError(
            f"distances must be ({rows}, {columns}) float64, not {block.shape} {block.dtype}"
        )
    if not np.isfinite(block).all():
        raise InputError("distances hold NaN or infinity; look for it in the embeddings")
    return block


def _mean(found: Sequence[_Scores], queries: int) -> Metrics:
    valid = sum(len(scores.ap) for scores in found)
    if not valid:
        raise InputError(
            f"none of the {queries} queries has a true match in the gallery; "
            "check that query and gallery share pids, seen by different cameras"
        )
    cmc = np.concatenate([scores.cmc for scores in found]).mean(axis=0).clip(0.0, 1.0)
    curve = tuple(float(value) for value in cmc)
    ap, inp = (np.concatenate([getattr(s, name) for s in found]) for name in ("ap", "inp"))
    return Metrics(
        rank1=curve[0],
        rank5=curve[4],
        rank10=curve[9],
        rank20=curve[19],
        mAP=float(ap.mean()),
        mINP=float(inp.mean()),
        valid_queries=valid,
        skipped_queries=queries - valid,
        cmc=curve,
    )


# --- multi-shot -----------------------------------------------------------------------------------


def _multi_shot(block: Vector, match: NDArray[np.bool_], columns: Ids, pids: Ids) -> _Scores:
    del columns, pids  # columns ascend, so the position in the row already orders ties
    order = np.sort(block, axis=1)
    rows = [_match_ranks(*row) for row in zip(block, order, match, strict=True)]
    curve = np.arange(1, CMC_LENGTH + 1)
    return _Scores(
        cmc=np.stack([curve >= ranks[0] for ranks in rows]).astype(np.float64),
        ap=np.array([np.mean(np.arange(1, len(ranks) + 1) / ranks) for ranks in rows]),
        inp=np.array([len(ranks) / ranks[-1] for ranks in rows]),
    )


def _match_ranks(distances: Vector, order: Vector, match: NDArray[np.bool_]) -> Ids:
    """The ascending ranks (from 1) of one query's true matches among its ranked gallery."""
    where = np.flatnonzero(match)
    own = distances[where]
    before = np.searchsorted(order, own, side="left")
    tied = np.searchsorted(order, own, side="right") - before > 1
    for index in np.flatnonzero(tied):
        before[index] += np.count_nonzero(distances[: where[index]] == own[index])
    return np.sort(before) + 1


# --- single-shot ----------------------------------------------------------------------------------


def _single_shot(block: Vector, match: NDArray[np.bool_], columns: Ids, pids: Ids) -> _Scores:
    starts = np.flatnonzero(np.r_[True, pids[1:] != pids[:-1]])
    cmc, reciprocal = [], []
    for distances, own in zip(block, match, strict=True):
        chances = _chances(distances, own, columns, starts)
        cmc.append(rank_cdf(chances, CMC_LENGTH).mean(axis=0))
        reciprocal.append(expected_reciprocal_rank(chances).mean())
    expected = np.array(reciprocal)
    return _Scores(cmc=np.stack(cmc), ap=expected, inp=expected)


def _chances(distances: Vector, own: NDArray[np.bool_], columns: Ids, starts: Ids) -> Vector:
    """(T, J): the chance that identity j's drawn image is closer than true image t; 0 for its own.

    Columns are grouped by identity, group j from starts[j]; only the query's own identity can have
    entries dropped (infinite distance), so the other groups are usable as a whole.
    """
    true = np.flatnonzero(own)
    limit = distances[true, None]
    closer = distances[None, :] < limit
    tied = distances[None, :] == limit
    if np.count_nonzero(tied) > len(true):
        closer |= tied & (columns[None, :] < columns[true, None])
    counts = np.add.reduceat(closer, starts, axis=1, dtype=np.int64)
    sizes = np.diff(np.r_[starts, len(distances)])
    counts[:, np.searchsorted(starts, true[0], side="right") - 1] = 0
    return np.asarray(counts / sizes, dtype=np.float64)
