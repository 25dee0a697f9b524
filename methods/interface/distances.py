"""Euclidean distances that stay exact wherever the points lie, in float64.

|a - b|^2 = |a|^2 + |b|^2 - 2 a b loses all digits where |a - b| is small beside |a|. So a centre of
the points is taken away first, and pairs that are still close beside their lengths are subtracted.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

SAMPLE = 1024
CLOSE = 1e-6  # of |a|^2 + |b|^2; above it, fewer than half of the digits are lost
PAIRS_BYTES = 16 * 2**20


def euclidean(query: NDArray[Any], gallery: NDArray[Any]) -> Points:
    """(Q, D), (G, D) numbers -> (Q, G) Euclidean distances."""
    middle = centre(sample(gallery))
    return np.sqrt(squared(less(query, middle), less(gallery, middle)))


def sample(points: NDArray[Any]) -> NDArray[Any]:
    """Fewer than 2 SAMPLE of (N, D) points, evenly spread, the same ones every time."""
    return points[:: max(1, len(points) // SAMPLE)]


def centre(points: NDArray[Any]) -> Points:
    """The medians of (N, D) points, (D,), which no outlier moves; zero where there is none."""
    if not len(points):
        return np.zeros(points.shape[1])
    return np.asarray(np.median(points.astype(np.float64), axis=0))


def less(points: NDArray[Any], middle: Points) -> Points:
    """(N, D) - (D,) in float64."""
    return np.asarray(np.subtract(points, middle, dtype=np.float64))


def squared(left: Points, right: Points) -> Points:
    """(Q, D), (G, D) -> (Q, G) squared distances of points about zero, none below 0."""
    lengths = squares(left)[:, None] + squares(right)[None, :]
    found: Points = left @ right.T
    found *= -2.0
    found += lengths
    lengths *= CLOSE
    rows, columns = np.nonzero(found < lengths)
    step = max(1, PAIRS_BYTES // (8 * max(1, left.shape[1])))
    for start in range(0, len(rows), step):
        i, j = rows[start : start + step], columns[start : start + step]
        found[i, j] = squares(left[i] - right[j])
    return found


def squares(points: Points) -> Points:
    """(N, D) -> (N,) squared lengths."""
    return np.asarray(np.einsum("nd,nd->n", points, points))
