"""Count how far the queries of a cell are from their true matches, and from other identities.

The bins are as wide as a power of two, the least with which all distances fit into BINS of them,
and begin at whole multiples of it. So wider ones are exact sums of narrower ones: the counts are
the same in whatever blocks the distances come, and those of several cells can be added up.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.own_images import Ids

Distances = NDArray[np.float64]
Flags = NDArray[np.bool_]

BINS = 256
POSITIVE, NEGATIVE = 0, 1
LEAST_EXPONENT = -1000  # of the width of a bin
SMALLEST_SHARE = 40  # a bin is never narrower than the largest distance over 2 to this power


class DistanceHistograms:
    """Counts of pairs by the rate of the query, by POSITIVE or NEGATIVE, and by distance."""

    def __init__(self) -> None:
        self._low, self._high = math.inf, -math.inf
        self._exponent, self._first = LEAST_EXPONENT, 0
        self._counts: dict[int, NDArray[np.int64]] = {}
        self._queries: dict[int, int] = {}

    def add(self, rates: Ids, distances: Distances, true_matches: Flags) -> None:
        """Count the pairs of n queries, of these rates (n,), with G gallery images.

        distances (n, G): infinite for an image that the evaluation drops, which is not counted;
        true_matches (n, G): whether it shows the identity of the query. Queries that have no true
        match left are not counted, as the evaluation skips them.
        """
        counted = np.isfinite(distances)
        scored = np.flatnonzero((true_matches & counted).any(axis=1))
        if not len(scored):
            return
        if len(scored) < len(distances):
            rates, distances = rates[scored], distances[scored]
            true_matches, counted = true_matches[scored], counted[scored]
        low = float(distances.min(where=counted, initial=math.inf))
        high = float(distances.max(where=counted, initial=-math.inf))
        self._widen(min(low, self._low), max(high, self._high))
        places = distances * 2.0**-self._exponent
        np.floor(places, out=places)
        places -= self._first
        bins = np.minimum(places, BINS, out=places).astype(np.int32)
        for rate in np.unique(rates).tolist():
            rows = np.flatnonzero(rates == rate)
            of_rate = bins[rows]
            every = _counted(of_rate.ravel())
            positive = _counted(of_rate[true_matches[rows]])
            counts = np.stack([positive, every - positive])
            self._counts[rate] = self._counts.get(rate, np.zeros_like(counts)) + counts
            self._queries[rate] = self._queries.get(rate, 0) + len(rows)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what an artifact keeps; {} where nothing was counted.

        distance_rates (R,) int64: the rates of the queries, ascending, 0 for natively LR;
        distance_queries (R,) int64: how many of each; distance_counts (R, 2, B) uint32: pairs of
        true matches and of other identities in B <= BINS bins; distance_bins (2,) float64: where
        the first bin begins, and the width of one.
        """
        if not self._counts:
            return {}
        width = 2.0**self._exponent
        bins = math.floor(self._high / width) - self._first + 1
        rates = sorted(self._counts)
        return {
            "distance_rates": np.array(rates, dtype=np.int64),
            "distance_queries": np.array([self._queries[rate] for rate in rates], dtype=np.int64),
            "distance_counts": np.stack([self._counts[r][:, :bins] for r in rates]).astype("u4"),
            "distance_bins": np.array([self._first * width, width]),
        }

    def _widen(self, low: float, high: float) -> None:
        """Let the bins reach from `low` to `high`."""
        exponent = _exponent(low, high)
        first = math.floor(low * 2.0**-exponent)
        if (exponent, first) != (self._exponent, self._first):
            wider = exponent - self._exponent
            for rate, counts in self._counts.items():
                self._counts[rate] = rebinned(counts, self._first, wider, first, BINS)
        self._exponent, self._first = exponent, first
        self._low, self._high = low, high


def rebinned(
    counts: NDArray[np.int64], first: int, wider: int, new_first: int, bins: int
) -> NDArray[np.int64]:
    """Return counts (..., B) from the bin `first` on in bins 2**wider times as wide, (..., bins).

    `new_first` is the number of the first of these; no count may lie outside of them.
    """
    moved = np.zeros((*counts.shape[:-1], bins), dtype=np.int64)
    filled = np.flatnonzero(counts.any(axis=tuple(range(counts.ndim - 1))))
    if len(filled):
        start, stop = filled[0], filled[-1] + 1
        places = ((first + np.arange(start, stop)) >> wider) - new_first
        fresh = np.flatnonzero(np.diff(places, prepend=places[0] - 1))
        moved[..., places[fresh]] = np.add.reduceat(counts[..., start:stop], fresh, axis=-1)
    return moved


def _exponent(low: float, high: float) -> int:
    """Return the exponent of the least width with which the bins of both are fewer than BINS apart.

    More distances never make it less.
    """
    largest = max(abs(low), abs(high))
    exponent = LEAST_EXPONENT
    if largest:
        exponent = max(exponent, math.frexp(largest)[1] - SMALLEST_SHARE)
    if high > low:
        exponent = max(exponent, math.frexp((high - low) / BINS)[1] - 1)
    while math.floor(high * 2.0**-exponent) - math.floor(low * 2.0**-exponent) >= BINS:
        exponent += 1
    return exponent


def _counted(bins: NDArray[np.int32]) -> NDArray[np.int64]:
    """Count what is in each bin; what is in none has the number BINS."""
    return np.bincount(bins, minlength=BINS + 1)[:BINS].astype(np.int64)
