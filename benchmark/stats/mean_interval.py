"""The interval of one mean over queries: where it could be with other identities."""

import math

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.stats.paired import quantile
from crossres.benchmark.stats.sample import scored_queries

LEVEL = 0.95


def mean_interval(
    pids: NDArray[np.int64], scores: NDArray[np.float64], level: float = LEVEL
) -> tuple[float, float] | None:
    """Return the confidence interval (low, high) of a mean over queries of values in [0, 1].

    pids (Q,) and scores (Q,) of the queries, NaN for a skipped one. Identities are the unit, as in
    all intervals of crossres: the queries of one are alike. One query more is counted whose outcome
    turns round, so that few that all agree are no certainty. None where fewer than two identities
    have scores. The order of the queries changes no bit.
    """
    order = np.lexsort((scores, pids))
    queries = scored_queries("", pids[order], scores[order])
    if queries.influence is None or queries.identities < 2:
        return None
    freedom = queries.identities - 1
    square = math.fsum((queries.influence**2).tolist())
    variance = queries.identities / freedom * square + 1 / queries.count**2
    half = quantile(1 - level, freedom) * math.sqrt(variance)
    mean = math.fsum(scores[np.isfinite(scores)].tolist()) / queries.count
    return max(0.0, mean - half), min(1.0, mean + half)
