"""Each query's CMC curve, AP and INP from how often its true matches are outranked."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.expectation import (
    Outranking,
    expected_reciprocal_rank,
    rank_cdf,
)
from crossres.benchmark.metrics.own_images import Ids
from crossres.benchmark.metrics.rules import AveragePrecision

CMC_LENGTH = 50

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """Of n valid queries: CMC curves (n, 50), average precisions (n,), inverse penalties (n,)."""

    cmc: Vector
    ap: Vector
    inp: Vector


def joined(scores: Iterable[Scores]) -> Scores:
    """Put together the scores of all queries."""
    parts = list(scores)
    return Scores(
        cmc=np.concatenate([part.cmc for part in parts]),
        ap=np.concatenate([part.ap for part in parts]),
        inp=np.concatenate([part.inp for part in parts]),
    )


def average_precision(ranks: Ids, kind: AveragePrecision) -> float:
    """Return the AP of one query whose true matches stand at these ascending ranks (from 1).

    "standard" is the mean of the precisions at the matches; "trapezoid", the original Market-1501
    evaluation, the mean of the precisions just before and at each match (before rank 1: 1).
    """
    return float(multi_shot(ranks - 1, np.array([0]), kind).ap[0])


def curves(ranks: Ids) -> Vector:
    """Turn (n,) ranks of the first match into (n, 50) CMC curves."""
    return (np.arange(1, CMC_LENGTH + 1) >= ranks[:, None]).astype(np.float64)


def multi_shot(closer: Ids, starts: Ids, kind: AveragePrecision) -> Scores:
    """Score n queries, each with matches, against all images of the gallery.

    closer (N,): how many images are closer than each match, ascending for each query; starts (n,):
    the first match of each query.
    """
    lengths = np.diff(np.append(starts, len(closer)))
    before = np.arange(len(closer)) - np.repeat(starts, lengths)
    ranks = closer + 1
    precision = (before + 1) / ranks
    if kind == "trapezoid":
        just_before = np.where(ranks == 1, 1.0, before / np.maximum(ranks - 1, 1))
        precision = (just_before + precision) / 2
    return Scores(
        cmc=curves(ranks[starts]),
        ap=np.add.reduceat(precision, starts) / lengths,
        inp=lengths / ranks[starts + lengths - 1],
    )


def single_shot(outranking: Outranking, starts: Ids, kind: AveragePrecision) -> Scores:
    """Score n queries by the expectation over drawing one usable image of each identity.

    outranking: of all their matches, of which one is drawn; starts (n,): the first match of each
    query. With one match at rank R, AP = INP = 1 / R, and the trapezoid is (1 / R + [R = 1]) / 2.
    """
    if not len(starts):
        return Scores(np.empty((0, CMC_LENGTH)), np.empty(0), np.empty(0))
    lengths = np.diff(np.append(starts, len(outranking.starts) - 1))
    curve = np.add.reduceat(rank_cdf(outranking, CMC_LENGTH), starts, axis=0) / lengths[:, None]
    expected = np.add.reduceat(expected_reciprocal_rank(outranking), starts) / lengths
    ap = expected if kind == "standard" else (expected + curve[:, 0]) / 2
    return Scores(cmc=curve, ap=ap, inp=expected)
