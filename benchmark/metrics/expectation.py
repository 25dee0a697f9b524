"""The rank of a true match when every other identity outranks it by chance, independently.

rank = 1 + X, X a Poisson-binomial variable; CMC and E[1 / rank] are computed without any draw, and
for each match in the same way whatever stands beside it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.own_images import Ids

Vector = NDArray[np.float64]

NUMBERS_AT_ONCE = 2**20
LEAST = 45.0  # e^-45 = 3e-20 is nothing beside the rounding of 1


@dataclass(frozen=True)
class Outranking:
    """By which chances identities outrank N matches, match after match; E different ones in all.

    starts (N + 1,): match n has the chances from starts[n] to starts[n + 1]; chances (E,) above 0,
    descending for each match; times (E,): how many identities have it. All others have none.
    """

    starts: Ids
    chances: Vector
    times: Ids

    def of(self, matches: Ids) -> "Outranking":
        """Return that of some matches (n,)."""
        lengths = np.diff(self.starts)[matches]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        some = np.arange(starts[-1]) + np.repeat(self.starts[matches] - starts[:-1], lengths)
        return Outranking(starts, self.chances[some], self.times[some])

    def sums(self, values: NDArray[Any]) -> NDArray[Any]:
        """Add up values (E, ...) for each match."""
        sums = np.zeros((len(self.starts) - 1, *values.shape[1:]), values.dtype)
        some = np.flatnonzero(np.diff(self.starts))
        if len(some):
            sums[some] = np.add.reduceat(values, self.starts[some], axis=0)
        return sums


def rank_cdf(outranking: Outranking, length: int) -> Vector:
    """Return (N, length) P(rank <= k) at entry k - 1.

    The recursion over identities of the distribution of X, cut off at `length`. It is left out
    where P(X < length) is below 3e-20: at most exp(-(m - k)^2 / 2m) for X of mean m, and k < m.
    """
    sure = outranking.chances == 1.0
    certain = outranking.sums(np.where(sure, outranking.times, 0))
    doubtful = outranking.sums(np.where(sure, 0, outranking.times))
    mean = outranking.sums(np.where(sure, 0.0, outranking.chances * outranking.times))
    margin = np.maximum(mean - (length - 1 - certain), 0.0)
    possible = (certain < length) & (margin**2 < 2 * LEAST * mean + (mean == 0))
    cdf = np.zeros((len(certain), length))
    for matches in _alike(np.flatnonzero(possible), doubtful, length):
        some = outranking.of(matches)
        kept = some.chances < 1.0
        times = np.where(kept, some.times, 0)
        padded = np.zeros((len(matches), int(doubtful[matches].max(initial=0))))
        rows = np.repeat(np.repeat(np.arange(len(matches)), np.diff(some.starts)), times)
        places = np.arange(len(rows)) - np.searchsorted(rows, rows)
        padded[rows, places] = np.repeat(some.chances, times)
        cdf[matches] = _shifted(_cdf(padded, length), certain[matches])
    return cdf


def _cdf(chances: Vector, length: int) -> Vector:
    """Return (length, n) P(X <= k) for (n, J) chances."""
    mass = np.zeros((length, len(chances)))
    mass[0] = 1.0
    for chance in chances.T:
        moved = mass * chance
        mass -= moved
        mass[1:] += moved[:-1]
    return np.minimum(np.cumsum(mass, axis=0), 1.0)


def _shifted(cdf: Vector, certain: Ids) -> Vector:
    """Return (n, length) P(X + certain <= k) from (length, n)."""
    index = np.arange(len(cdf))[:, None] - certain[None, :]
    return np.where(index >= 0, np.take_along_axis(cdf, np.maximum(index, 0), axis=0), 0.0).T


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
        for matches in _alike(of_class, np.diff(outranking.starts), len(nodes)):
            some = outranking.of(matches)
            different, inverse = np.unique(some.chances, return_inverse=True)
            logarithms = np.log1p(-different[:, None] * (1.0 - nodes))
            sums = some.sums(some.times[:, None] * logarithms[inverse.reshape(-1)])
            expected[matches] = np.minimum((np.exp(sums) * weights).sum(axis=1), 1.0)
    return expected


def _alike(matches: Ids, sizes: Ids, length: int) -> Iterator[Ids]:
    """Yield matches of about one size together, so that size * length numbers for each fit."""
    ordered = matches[np.argsort(sizes[matches], kind="stable")]
    start = 0
    while start < len(ordered):
        largest = int(sizes[ordered[start]])
        step = max(1, NUMBERS_AT_ONCE // (2 * max(1, largest) * length))
        chosen = ordered[start : start + step]
        # Not more than twice as large as the smallest.
        stop = start + int(np.searchsorted(sizes[chosen], 2 * largest + 1, side="right"))
        yield ordered[start:stop]
        start = stop


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
