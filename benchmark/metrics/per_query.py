"""From one block of distances to each query's CMC curve, AP and INP, multi-shot and single-shot.

Ties are ordered by (distance, gallery index), or counted as half where that is asked for.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.expectation import expected_reciprocal_rank, rank_cdf

AveragePrecision = Literal["standard", "trapezoid"]
Ties = Literal["order", "half"]
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
    """AP of one query whose true matches stand at these ascending ranks (from 1).

    "standard" is the mean of the precisions at the matches; "trapezoid", the original Market-1501
    evaluation, the mean of the precisions just before and at each match (before rank 1: 1).
    """
    precision = np.arange(1, len(ranks) + 1) / ranks
    if kind == "standard":
        return float(np.mean(precision))
    before = np.where(ranks == 1, 1.0, np.arange(len(ranks)) / np.maximum(ranks - 1, 1))
    return float(np.mean((before + precision) / 2))


def curves(ranks: Ids) -> Vector:
    """(n,) ranks of the first match -> (n, 50) CMC curves."""
    return (np.arange(1, CMC_LENGTH + 1) >= ranks[:, None]).astype(np.float64)


# --- multi-shot -----------------------------------------------------------------------------------


def multi_shot(block: Vector, match: NDArray[np.bool_], kind: AveragePrecision) -> Scores:
    """Rank all that is left; columns ascend, so the position in the row already orders ties."""
    order = np.sort(block, axis=1)
    rows = [_match_ranks(*row) for row in zip(block, order, match, strict=True)]
    return Scores(
        cmc=curves(np.array([ranks[0] for ranks in rows])),
        ap=np.array([average_precision(ranks, kind) for ranks in rows]),
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


def single_shot(
    block: Vector,
    match: NDArray[np.bool_],
    columns: Ids,
    pids: Ids,
    kind: AveragePrecision,
    ties: Ties,
) -> Scores:
    """The expectation over drawing one usable image per identity; columns are grouped by pid.

    With one match at rank R, AP = INP = 1 / R, and the trapezoid is (1 / R + [R = 1]) / 2.
    """
    starts = np.flatnonzero(np.r_[True, pids[1:] != pids[:-1]])
    cmc, reciprocal = [], []
    for distances, own in zip(block, match, strict=True):
        chances = _chances(distances, own, columns, starts, ties)
        cmc.append(rank_cdf(chances, CMC_LENGTH).mean(axis=0))
        reciprocal.append(expected_reciprocal_rank(chances).mean())
    found, expected = np.stack(cmc), np.array(reciprocal)
    ap = expected if kind == "standard" else (expected + found[:, 0]) / 2
    return Scores(cmc=found, ap=ap, inp=expected)


def _chances(
    distances: Vector, own: NDArray[np.bool_], columns: Ids, starts: Ids, ties: Ties
) -> Vector:
    """(T, J): the chance that identity j's drawn image is closer than true image t; 0 for its own.

    Columns are grouped by identity, group j from starts[j]; dropped entries have an infinite
    distance, and an identity of which all are dropped is not in the gallery.
    """
    true = np.flatnonzero(own)
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
