"""The rank of a true match when every other identity outranks it by chance, independently.

rank = 1 + X, X a Poisson-binomial variable; CMC and E[1 / rank] are computed without any draw.
"""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def rank_cdf(chances: Vector, length: int) -> Vector:
    """Return (T, length) P(rank <= k) at entry k - 1, from (T, J) chances of being outranked.

    The recursion over identities of the distribution of X, cut off at `length`: O(J * length).
    """
    uncertain, certain = _split(chances)
    mass = np.zeros((length, len(chances)))
    mass[0] = 1.0
    for chance in uncertain.T:
        moved = mass * chance
        mass -= moved
        mass[1:] += moved[:-1]
    cdf = np.minimum(np.cumsum(mass, axis=0), 1.0)
    index = np.arange(length)[:, None] - certain[None, :]
    return np.where(index >= 0, np.take_along_axis(cdf, np.maximum(index, 0), axis=0), 0.0).T


def expected_reciprocal_rank(chances: Vector) -> Vector:
    """Return (T,) E[1 / (1 + X)] from (T, J) chances of being outranked.

    E[1 / (1 + X)] is the integral of E[s^X] = prod_j (1 - p_j + p_j s) over s in [0, 1], and
    Gauss-Legendre quadrature is exact for this polynomial. Chances are small fractions, so few are
    different: equal factors are taken together as a power.
    """
    nodes, weights = _quadrature(chances.shape[1])
    different, inverse = np.unique(chances, return_inverse=True)
    rows = inverse.reshape(chances.shape)
    powers = np.stack([np.bincount(row, minlength=len(different)) for row in rows])
    logarithms = np.log1p(-different[:, None] * (1.0 - nodes[None, :]))
    # einsum, not a matrix product: its order of summation does not hang on the number of threads.
    generating = np.exp(np.einsum("tv,vn->tn", powers.astype(np.float64), logarithms))
    expected: Vector = np.minimum(np.einsum("tn,n->t", generating, weights), 1.0)
    return expected


def _split(chances: Vector) -> tuple[Vector, NDArray[np.int64]]:
    """Return the chances strictly between 0 and 1, sorted, padded with 0, and the number of ones.

    Sorting makes the rounding, and so the last bit, independent of how identities are numbered.
    """
    certain = np.count_nonzero(chances == 1.0, axis=1)
    uncertain = -np.sort(-np.where(chances == 1.0, 0.0, chances), axis=1)
    return uncertain[:, : int(np.count_nonzero(uncertain, axis=1).max(initial=0))], certain


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
