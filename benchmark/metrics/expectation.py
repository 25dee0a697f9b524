"""The rank of a true match when every other identity outranks it by chance, independently.

rank = 1 + X, X a Poisson-binomial variable; CMC and E[1 / rank] are computed without any draw, and
for each match in the same way whatever stands beside it.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics import passes
from crossres.benchmark.metrics.comparisons import blocks
from crossres.benchmark.metrics.own_images import Ids
from crossres.benchmark.metrics.passes import Passes, ranges

Vector = NDArray[np.float64]

SUMS_AT_ONCE = 2**21
LEAST = 45.0  # e^-45 = 3e-20 is nothing beside the rounding of 1


@dataclass(frozen=True)
class Outranking:
    """By which chances identities outrank N matches, match after match; E different ones in all.

    starts (N + 1,): match n has the entries from starts[n] to starts[n + 1]; places (E,): of the
    chances, above 0, in `table`, ascending for each match; times (E,): how many identities have it.
    All others have none. table (K,): chances, descending. passes: by which functions to add up.
    """

    starts: Ids
    places: Ids
    times: Ids
    table: Vector
    passes: Passes = passes

    def of(self, matches: Ids) -> "Outranking":
        """Return that of some matches (n,)."""
        lengths = np.diff(self.starts)[matches]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        some = ranges(self.starts[matches], lengths)
        return Outranking(starts, self.places[some], self.times[some], self.table, self.passes)

    def sums(self, values: NDArray[Any]) -> NDArray[Any]:
        """Add up values (E,) for each match."""
        sums = np.zeros(len(self.starts) - 1, values.dtype)
        some = np.flatnonzero(np.diff(self.starts))
        if len(some):
            sums[some] = np.add.reduceat(values, self.starts[some])
        return sums


def rank_cdf(outranking: Outranking, length: int) -> Vector:
    """Return (N, length) P(rank <= k) at entry k - 1.

    The recursion over identities of the distribution of X, cut off at `length`. It is left out
    where P(X < length) is below 3e-20: at most exp(-(m - k)^2 / 2m) for X of mean m, and k < m.
    """
    chances, times = outranking.table[outranking.places], outranking.times
    sure = chances == 1.0
    certain = outranking.sums(np.where(sure, times, 0))
    mean = outranking.sums(np.where(sure, 0.0, chances * times))
    margin = np.maximum(mean - (length - 1 - certain), 0.0)
    possible = np.flatnonzero((certain < length) & (margin**2 < 2 * LEAST * mean + (mean == 0)))
    some = outranking.of(possible)
    chances = some.table[some.places]
    doubtful = np.where(chances < 1.0, some.times, 0)
    cdf = np.zeros((len(certain), length))
    by_chance = outranking.passes.rank_cdf(chances, doubtful, some.starts, length)
    cdf[possible] = _shifted(by_chance, certain[possible])
    return cdf


def _shifted(cdf: Vector, certain: Ids) -> Vector:
    """Return (n, length) P(X + certain <= k) from that of X, written over it."""
    some = np.flatnonzero(certain)
    index = np.arange(cdf.shape[1]) - certain[some, None]
    moved = np.take_along_axis(cdf[some], np.maximum(index, 0), axis=1)
    cdf[some] = np.where(index >= 0, moved, 0.0)
    return cdf


def expected_reciprocal_rank(outranking: Outranking) -> Vector:
    """Return (N,) E[1 / (1 + X)].

    E[1 / (1 + X)] is the integral of E[s^X] = prod_j (1 - p_j + p_j s) over s in [0, 1], and
    Gauss-Legendre quadrature is exact for this polynomial.
    """
    degrees = outranking.sums(outranking.times)
    expected = np.ones(len(degrees))
    classes = 2 ** np.ceil(np.log2(np.maximum(degrees, 1))).astype(np.int64)
    for degree in np.unique(classes[degrees > 0]).tolist():
        nodes, weights = _quadrature(degree)
        of_class = np.flatnonzero((classes == degree) & (degrees > 0))
        for block in blocks(len(of_class), SUMS_AT_ONCE // len(nodes)):
            some = outranking.of(of_class[block])
            chances, places = _present(some.table, some.places)
            logarithms = np.log1p(-chances[:, None] * (1.0 - nodes))
            sums = some.passes.sums(logarithms, places, some.times, some.starts)
            values = (np.exp(sums) * weights).sum(axis=1)
            expected[of_class[block]] = np.minimum(values, 1.0)
    return expected


def _present(table: Vector, places: Ids) -> tuple[Vector, Ids]:
    """Return the values of a table that are at these places (E,), and their places among them."""
    present = np.zeros(len(table), dtype=np.bool_)
    present[places] = True
    return table[present], (np.cumsum(present) - 1)[places]


@cache
def _quadrature(degree: int) -> tuple[Vector, Vector]:
    """Return nodes and weights on [0, 1] for generating functions of `degree` trials.

    n nodes are exact to degree 2n - 1. Fewer do for many trials: with s = cos^2(t / 2) the
    Chebyshev coefficient of order k is the chance that a walk of `degree` steps in [-1, 1] ends
    at k, below 2 exp(-k^2 / (2 degree)) (Hoeffding), so past k = 9.2 sqrt(degree) all are under
    1e-18 and n = 4.6 sqrt(degree) nodes leave nothing but rounding.
    """
    count = min(degree // 2 + 1, math.ceil(4.6 * math.sqrt(degree)) + 1)
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1.0) / 2.0, weights / 2.0
