"""The distances that cells keep: how many pairs of either kind are how far apart, by rate."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.records.artifacts import Arrays, ArtifactFolder

NAMES = tuple(f"distance_{name}" for name in ("rates", "queries", "counts", "bins"))

Counts = NDArray[np.int64]
"""Pairs (2, B) of POSITIVE and NEGATIVE in B bins."""


@dataclass(frozen=True)
class Histogram:
    """The pairs of one cell by rate, in bins 2**exponent wide, the first of which has a number.

    `queries`: how many of each rate.
    """

    exponent: int
    first: int
    counts: Mapping[int, Counts]
    queries: Mapping[int, int]


def read_histogram(artifacts: ArtifactFolder, key: str) -> Histogram | None:
    """Return the histogram of a cell; None where none was kept, or it cannot be read."""
    arrays = artifacts.read(key, NAMES, _fault)
    if arrays is None:
        return None
    rates, queries, counts, (start, width) = (arrays[name] for name in NAMES)
    return Histogram(
        math.frexp(width)[1] - 1,
        round(start / width),
        dict(zip(rates.tolist(), counts.astype(np.int64), strict=True)),
        dict(zip(rates.tolist(), queries.tolist(), strict=True)),
    )


def _fault(arrays: Arrays) -> str:
    rates, queries, counts, bins = (arrays[name] for name in NAMES)
    fits = counts.ndim == 3 and counts.shape[1] == 2 and counts.shape[2] > 0
    fits = fits and queries.shape == rates.shape == counts.shape[:1] and len(rates) > 0
    if not fits:
        return "its histograms of distances do not fit each other"
    if bins.shape != (2,) or not np.isfinite(bins).all() or math.frexp(bins[1])[0] != 0.5:
        return "the bins of its distances are not as wide as a power of two"
    return ""


def auc_of(pairs: Counts) -> float:
    """Return the area under the ROC, in [0, 1]: a pair of pairs in the same bin counts half.

    The chance that one of the POSITIVE pairs, drawn evenly, is nearer than one of the NEGATIVE;
    NaN without either.
    """
    positive, negative = pairs.astype(np.float64)
    total = positive.sum() * negative.sum()
    farther = negative.sum() - np.cumsum(negative) + negative / 2
    return float(positive @ farther / total) if total else math.nan


def aucs_of(histogram: Histogram) -> dict[int | None, float]:
    """Return the AUC by rate, and under None that of all queries; without those that have none."""
    pairs: list[tuple[int | None, Counts]] = [(None, all_pairs(histogram.counts))]
    pairs += [(rate, of_rate) for rate, of_rate in histogram.counts.items() if rate]
    aucs = {rate: auc_of(of_rate) for rate, of_rate in pairs}
    return {rate: auc for rate, auc in aucs.items() if not math.isnan(auc)}


def all_pairs(counts: Mapping[int, Counts]) -> Counts:
    """Return the pairs of queries of all rates."""
    return np.asarray(sum(counts.values()), dtype=np.int64)


def merge(seeds: Sequence[Histogram]) -> Histogram:
    """Return the sum of histograms, in the widest bins of any of them."""
    exponent = max(seed.exponent for seed in seeds)
    shifted = [
        (seed, [(seed.first + k) >> (exponent - seed.exponent) for k in range(_bins_of(seed))])
        for seed in seeds
    ]
    first = min(places[0] for _, places in shifted)
    bins = max(places[-1] for _, places in shifted) - first + 1
    counts: dict[int, Counts] = {}
    queries: dict[int, int] = {}
    for seed, places in shifted:
        for rate, pairs in seed.counts.items():
            total = counts.setdefault(rate, np.zeros((2, bins), dtype=np.int64))
            for kind, of_kind in enumerate(pairs):
                np.add.at(total[kind], np.array(places) - first, of_kind)
            queries[rate] = queries.get(rate, 0) + seed.queries[rate]
    return Histogram(exponent, first, counts, queries)


def _bins_of(histogram: Histogram) -> int:
    return int(next(iter(histogram.counts.values())).shape[1])
