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
    """Return the Euclidean distances (Q, G) of rows (Q, D) and (G, D) of any number type."""
    middle = centre(sample(gallery))
    return np.sqrt(squared_distances(shifted(query, middle), shifted(gallery, middle)))


def sample(points: NDArray[Any]) -> NDArray[Any]:
    """Choose fewer than 2 SAMPLE of (N, D) points, evenly spread, the same ones every time."""
    return points[:: max(1, len(points) // SAMPLE)]


def centre(points: NDArray[Any]) -> Points:
    """Return the medians (D,) of points (N, D), which no outlier moves; zeros of no points."""
    if not len(points):
        return np.zeros(points.shape[1])
    return np.asarray(np.median(points.astype(np.float64), axis=0))


def shifted(points: NDArray[Any], middle: Points) -> Points:
    """Return (N, D) - (D,) in float64."""
    return np.asarray(np.subtract(points, middle, dtype=np.float64))


def squared_distances(left: Points, right: Points) -> Points:
    """Return squared distances (Q, G), none below 0, of points about zero, (Q, D) and (G, D)."""
    lengths = squared_lengths(left)[:, None] + squared_lengths(right)[None, :]
    distances: Points = left @ right.T
    distances *= -2.0
    distances += lengths
    lengths *= CLOSE
    rows, columns = np.nonzero(distances < lengths)
    step = max(1, PAIRS_BYTES // (8 * max(1, left.shape[1])))
    for start in range(0, len(rows), step):
        i, j = rows[start : start + step], columns[start : start + step]
        distances[i, j] = squared_lengths(left[i] - right[j])
    return distances


def squared_lengths(points: Points) -> Points:
    """Return the squared lengths (N,) of points (N, D)."""
    return np.asarray(np.einsum("nd,nd->n", points, points))
