"""Each query's CMC curve, AP and INP from one block of distances, multi-shot and single-shot.

Ties are ordered by (distance, gallery index), or counted as half where that is asked for.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.expectation import expected_reciprocal_rank, rank_cdf
from crossres.benchmark.metrics.rules import AveragePrecision, Ties

CMC_LENGTH = 50

Vector = NDArray[np.float64]
Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Scores:
    """Of n valid queries: CMC curves (n, 50), average precisions (n,), inverse penalties (n,)."""

    cmc: Vector
    ap: Vector
    inp: Vector


def average_precision(ranks: Ids, kind: AveragePrecision) -> float:
    """Return the AP of one query whose true matches stand at these ascending ranks (from 1).

    "standard" is the mean of the precisions at the matches; "trapezoid", the original Market-1501
    evaluation, the mean of the precisions just before and at each match (before rank 1: 1).
    """
    precision = np.arange(1, len(ranks) + 1) / ranks
    if kind == "standard":
        return float(np.mean(precision))
    before = np.where(ranks == 1, 1.0, np.arange(len(ranks)) / np.maximum(ranks - 1, 1))
    return float(np.mean((before + precision) / 2))


def curves(ranks: Ids) -> Vector:
    """Turn (n,) ranks of the first match into (n, 50) CMC curves."""
    return (np.arange(1, CMC_LENGTH + 1) >= ranks[:, None]).astype(np.float64)


# --- multi-shot -----------------------------------------------------------------------------------


def multi_shot(block: Vector, match: NDArray[np.bool_], kind: AveragePrecision) -> Scores:
    """Score queries (rows) against all images of the gallery; dropped ones are infinitely far.

    Columns ascend, so the position in the row already orders ties.
    """
    order = np.sort(block, axis=1)
    rows = [_match_ranks(*row) for row in zip(block, order, match, strict=True)]
    return Scores(
        cmc=curves(np.array([ranks[0] for ranks in rows])),
        ap=np.array([average_precision(ranks, kind) for ranks in rows]),
        inp=np.array([len(ranks) / ranks[-1] for ranks in rows]),
    )


def _match_ranks(distances: Vector, order: Vector, match: NDArray[np.bool_]) -> Ids:
    """Return the ascending ranks (from 1) of one query's true matches among its ranked gallery."""
    columns = np.flatnonzero(match)
    true = distances[columns]
    before = np.searchsorted(order, true, side="left")
    tied = np.searchsorted(order, true, side="right") - before > 1
    for index in np.flatnonzero(tied):
        before[index] += np.count_nonzero(distances[: columns[index]] == true[index])
    return np.sort(before) + 1


# --- single-shot ----------------------------------------------------------------------------------


def single_shot(
    block: Vector,
    match: NDArray[np.bool_],
    columns: Ids,
    pids: Ids,
    kind: AveragePrecision,
    ties: Ties,
) -> Scores:
    """Score queries (rows) by the expectation over drawing one usable image of each identity.

    Columns are grouped by pid, and dropped entries have an infinite distance.
    With one match at rank R, AP = INP = 1 / R, and the trapezoid is (1 / R + [R = 1]) / 2.
    """
    starts = np.flatnonzero(np.r_[True, pids[1:] != pids[:-1]])
    cmc, reciprocal = [], []
    for distances, matches in zip(block, match, strict=True):
        chances = _chances(distances, matches, columns, starts, ties)
        cmc.append(rank_cdf(chances, CMC_LENGTH).mean(axis=0))
        reciprocal.append(expected_reciprocal_rank(chances).mean())
    curve, expected = np.stack(cmc), np.array(reciprocal)
    ap = expected if kind == "standard" else (expected + curve[:, 0]) / 2
    return Scores(cmc=curve, ap=ap, inp=expected)


def _chances(
    distances: Vector, matches: NDArray[np.bool_], columns: Ids, starts: Ids, ties: Ties
) -> Vector:
    """Return (T, J) the chance that identity j's drawn image is closer than true image t.

    It is 0 for the identity of the query.

    Columns are grouped by identity, group j from starts[j]; dropped entries have an infinite
    distance, and an identity of which all are dropped is not in the gallery.
    """
    true = np.flatnonzero(matches)
    limit = distances[true, None]
    closer = distances[None, :] < limit
    tied = distances[None, :] == limit
    half = None
    if np.count_nonzero(tied) > len(true):
        if ties == "half":
            half = np.add.reduceat(tied, starts, axis=1, dtype=np.int64) / 2
        else:
            closer |= tied & (columns[None, :] < columns[true, None])
    counts = np.add.reduceat(closer, starts, axis=1, dtype=np.int64)
    if half is not None:
        counts = counts + half
    sizes = np.add.reduceat(np.isfinite(distances), starts, dtype=np.int64)
    counts[:, np.searchsorted(starts, true[0], side="right") - 1] = 0
    return np.asarray(counts / np.maximum(sizes, 1), dtype=np.float64)
