"""The interval of one mean over queries: where it could be with other identities."""

import math

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.stats.paired import quantile
from crossres.benchmark.stats.sample import Queries, scored_queries

LEVEL = 0.95
Interval = tuple[float, float]


def mean_interval(
    pids: NDArray[np.int64], scores: NDArray[np.float64], level: float = LEVEL
) -> Interval | None:
    """Return the confidence interval (low, high) of a mean over queries of values in [0, 1].

    pids (Q,) and scores (Q,) of the queries, NaN for a skipped one. Identities are the unit, as in
    all intervals of crossres: the queries of one are alike. It is Wilson's interval with the number
    of draws that would scatter as much (Kish's effective size), and Student's quantile: near 0 and
    1, where most metrics are, a symmetric one covers too seldom. One query more is counted whose
    outcome turns round, so that few that agree are no certainty; where the mean is less than one
    query away from 0 or 1 nothing tells how identities scatter, and each counts as one draw. None
    where fewer than two identities have scores. The order of the queries changes no bit.
    """
    valid = np.isfinite(scores)
    pids, scores = pids[valid], scores[valid]
    if len(np.unique(pids)) < 2:
        return None
    order = np.lexsort((scores, pids))
    queries = scored_queries("", pids[order], scores[order])
    freedom, variance = queries.identities - 1, variance_of_mean(queries)
    mean = math.fsum(scores.tolist()) / queries.count
    is_told = 1 <= queries.count * mean <= queries.count - 1
    size = mean * (1 - mean) / variance if is_told else queries.identities
    ratio = quantile(1 - level, freedom) ** 2 / size
    middle = (mean + ratio / 2) / (1 + ratio)
    half = math.sqrt(ratio * mean * (1 - mean) + ratio**2 / 4) / (1 + ratio)
    return max(0.0, middle - half), min(1.0, middle + half)


def variance_of_mean(queries: Queries) -> float:
    """Return the variance of a mean over queries when identities, at least two, are drawn.

    It is a clustered variance, and one query more is counted whose outcome turns round. The
    influence of each identity must be known.
    """
    assert queries.influence is not None
    square = math.fsum((queries.influence**2).tolist())
    return queries.identities / (queries.identities - 1) * square + 1 / queries.count**2
