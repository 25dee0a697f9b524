"""The distances that cells keep: how many pairs of either kind are how far apart, by rate."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.measures.distance_histograms import NEGATIVE, POSITIVE, rebinned
from crossres.benchmark.records.artifacts import Arrays, ArtifactFolder
from crossres.benchmark.records.record import Record
from crossres.reports.grid.grid import Score

NAMES = tuple(f"distance_{name}" for name in ("rates", "queries", "counts", "bins"))

Counts = NDArray[np.int64]
"""Pairs (..., 2, B) of POSITIVE and NEGATIVE in B bins."""


@dataclass(frozen=True)
class Histogram:
    """The pairs of one cell by rate, in bins 2**exponent wide, the first of which has a number.

    `queries` (R,): how many of each of the `rates`, which ascend; `counts` (R, 2, B): their pairs.
    """

    exponent: int
    first: int
    rates: tuple[int, ...]
    queries: NDArray[np.int64]
    counts: Counts


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


_Added = dict[tuple[str, ...], RowPairs | None]
# By the keys of the cells: the page and the CSV ask for the same.
_added_up: WeakKeyDictionary[ArtifactFolder, _Added] = WeakKeyDictionary()


def pairs_of(records: Sequence[Record], artifacts: ArtifactFolder) -> RowPairs | None:
    """Return the pairs of the cells of a row on a column; None where no cell keeps them.

    They are added up once for each ArtifactFolder.
    """
    known = _added_up.setdefault(artifacts, {})
    keys = tuple(record.key for record in records)
    if keys not in known:
        known[keys] = _pairs_of(records, artifacts)
    return known[keys]


def _pairs_of(records: Sequence[Record], artifacts: ArtifactFolder) -> RowPairs | None:
    read = {record.cell.seed: read_histogram(artifacts, record.key) for record in records}
    seeds = {seed: histogram for seed, histogram in read.items() if histogram is not None}
    if not seeds:
        return None
    merged = merge(list(seeds.values()))
    aucs = {seed: aucs_of(histogram) for seed, histogram in seeds.items()}
    known_rates = [rate for rate in merged.rates if rate and len(merged.rates) > 1]
    by_rate = []
    for rate in (None, *known_rates):
        chosen = slice(None) if rate is None else [merged.rates.index(rate)]
        counts, queries = merged.counts[chosen].sum(axis=0), int(merged.queries[chosen].sum())
        known = {seed: by_seed[rate] for seed, by_seed in aucs.items() if rate in by_seed}
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
        tuple(rates.tolist()),
        queries,
        counts.astype(np.int64),
    )


def _fault(arrays: Arrays) -> str:
    rates, queries, counts, bins = (arrays[name] for name in NAMES)
    fits = counts.ndim == 3 and counts.shape[1] == 2 and counts.shape[2] > 0
    fits = fits and queries.shape == rates.shape == counts.shape[:1] and len(rates) > 0
    fits = fits and bool((rates[1:] > rates[:-1]).all())
    if not fits:
        return "its histograms of distances do not fit each other"
    if bins.shape != (2,) or not np.isfinite(bins).all() or math.frexp(bins[1])[0] != 0.5:
        return "the bins of its distances are not as wide as a power of two"
    return ""


def auc_of(pairs: Counts) -> NDArray[np.float64]:
    """Return the areas (...) under the ROC, in [0, 1]: a pair of pairs in the same bin counts half.

    The chance that one of the POSITIVE pairs, drawn evenly, is nearer than one of the NEGATIVE;
    NaN without either.
    """
    positive, negative = pairs[..., POSITIVE, :], pairs[..., NEGATIVE, :]
    positives, negatives = positive.sum(axis=-1), negative.sum(axis=-1, keepdims=True)
    farther = negatives - np.cumsum(negative, axis=-1) + negative / 2
    nearer = (positive * farther).sum(axis=-1)
    total = positives * negatives[..., 0].astype(np.float64)
    aucs = np.full(nearer.shape, math.nan)
    np.divide(nearer, total, out=aucs, where=total > 0)
    return aucs


def aucs_of(histogram: Histogram) -> dict[int | None, float]:
    """Return the AUC by rate, and under None that of all queries; without those that have none."""
    counts = histogram.counts
    aucs = auc_of(np.concatenate([counts.sum(axis=0, keepdims=True), counts])).tolist()
    by_rate = zip((None, *histogram.rates), aucs, strict=True)
    return {rate: auc for rate, auc in by_rate if rate != 0 and not math.isnan(auc)}


def merge(seeds: Sequence[Histogram]) -> Histogram:
    """Return the sum of histograms, in the widest bins of any of them."""
    exponent = max(seed.exponent for seed in seeds)
    ends = [
        (seed.first >> wider, (seed.first + seed.counts.shape[-1] - 1) >> wider)
        for seed in seeds
        for wider in [exponent - seed.exponent]
    ]
    first = min(start for start, _ in ends)
    bins = max(end for _, end in ends) - first + 1
    rates = tuple(sorted({rate for seed in seeds for rate in seed.rates}))
    queries = np.zeros(len(rates), dtype=np.int64)
    counts = np.zeros((len(rates), 2, bins), dtype=np.int64)
    for seed in seeds:
        places = [rates.index(rate) for rate in seed.rates]
        queries[places] += seed.queries
        counts[places] += rebinned(seed.counts, seed.first, exponent - seed.exponent, first, bins)
    return Histogram(exponent, first, rates, queries, counts)
