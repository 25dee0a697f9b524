"""The distances that cells keep: how many pairs of either kind are how far apart, by rate."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.measures.distance_histograms import rebinned
from crossres.benchmark.records.artifacts import Arrays, ArtifactFolder
from crossres.benchmark.records.record import Record
from crossres.reports.grid.grid import Score

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


@dataclass(frozen=True)
class RatePairs:
    """The pairs of the queries of one rate, or of all (rate None), added up over the seeds.

    `auc`: of each seed, the chance that a true match is nearer than an image of another identity.
    """

    rate: int | None
    counts: Counts
    queries: int
    auc: Score


@dataclass(frozen=True)
class RowPairs:
    """The pairs of a row on a column: of all queries first, then by rate where there are several.

    Their bins are 2**exponent wide, and the first of them has the number `first`.
    """

    exponent: int
    first: int
    by_rate: tuple[RatePairs, ...]


def pairs_of(records: Sequence[Record], artifacts: ArtifactFolder) -> RowPairs | None:
    """Return the pairs of the cells of a row on a column; None where no cell keeps them."""
    read = {record.cell.seed: read_histogram(artifacts, record.key) for record in records}
    seeds = {seed: histogram for seed, histogram in read.items() if histogram is not None}
    if not seeds:
        return None
    merged = merge(list(seeds.values()))
    aucs = {seed: aucs_of(histogram) for seed, histogram in seeds.items()}
    rates = [rate for rate in sorted(merged.counts) if rate and len(merged.counts) > 1]
    by_rate = []
    for rate in (None, *rates):
        known = {seed: by_seed[rate] for seed, by_seed in aucs.items() if rate in by_seed}
        counts = all_pairs(merged.counts) if rate is None else merged.counts[rate]
        queries = sum(merged.queries.values()) if rate is None else merged.queries[rate]
        auc = Score(tuple(known.values()), tuple(known))
        by_rate.append(RatePairs(rate, counts, queries, auc))
    return RowPairs(merged.exponent, merged.first, tuple(by_rate))


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
    ends = [
        (seed.first >> wider, (seed.first + _bins_of(seed) - 1) >> wider)
        for seed in seeds
        for wider in [exponent - seed.exponent]
    ]
    first = min(start for start, _ in ends)
    bins = max(end for _, end in ends) - first + 1
    counts: dict[int, Counts] = {}
    queries: dict[int, int] = {}
    for seed in seeds:
        for rate, pairs in seed.counts.items():
            moved = rebinned(pairs, seed.first, exponent - seed.exponent, first, bins)
            counts[rate] = counts.get(rate, 0) + moved
            queries[rate] = queries.get(rate, 0) + seed.queries[rate]
    return Histogram(exponent, first, counts, queries)


def _bins_of(histogram: Histogram) -> int:
    return int(next(iter(histogram.counts.values())).shape[1])
