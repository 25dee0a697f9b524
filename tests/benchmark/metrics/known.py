"""Distances that a test has made."""

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.comparisons import DistanceComparison


def known(matrix: NDArray[np.float64]) -> DistanceComparison:
    """Return a comparison by the distances (Q, G)."""
    return DistanceComparison(lambda start, stop: matrix[start:stop], matrix.shape[1])
