"""The difference of two means over the same queries, with the interval that identities give it."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from crossres.benchmark.stats.mean_interval import LEVEL, variance_of_mean
from crossres.benchmark.stats.paired import quantile
from crossres.benchmark.stats.sample import scored_queries


@dataclass(frozen=True)
class QueryDifference:
    """The means a and b over `queries` of `identities`, fractions, and `difference`, b minus a.

    `low` and `high` bound its confidence interval, `p` is two-sided; None where fewer than two
    identities have queries.
    """

    a: float
    b: float
    difference: float
    low: float | None
    high: float | None
    p: float | None
    queries: int
    identities: int


def query_difference(
    pids: NDArray[np.int64],
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    level: float = LEVEL,
) -> QueryDifference:
    """Compare two values in [0, 1] of each of the same Q > 0 queries; none is NaN.

    Queries are paired, and identities are the unit, as in all intervals of crossres: the queries of
    one are alike, and count as one draw. The variance of the mean difference is that of identities
    (a clustered variance), with Student's quantile; one query more is counted whose outcome turns
    round, so that few that agree are no certainty. The order of the queries changes no bit.
    """
    gaps = b - a
    order = np.lexsort((gaps, pids))
    moved = scored_queries("", pids[order], gaps[order])
    mean_a, mean_b, gap = (math.fsum(values.tolist()) / len(values) for values in (a, b, gaps))
    count = moved.count, moved.identities
    if moved.identities < 2:
        return QueryDifference(mean_a, mean_b, gap, None, None, None, *count)
    freedom, error = moved.identities - 1, math.sqrt(variance_of_mean(moved))
    half = quantile(1 - level, freedom) * error
    p = float(2 * special.stdtr(freedom, -abs(gap) / error))
    low, high = max(-1.0, gap - half), min(1.0, gap + half)
    return QueryDifference(mean_a, mean_b, gap, low, high, p, *count)
