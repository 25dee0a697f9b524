"""Samples of a metric, with what the draw of identities and their queries does to each mean.

A mean over queries would be another one with other identities. Scatter between seeds does not tell
by how much, as seeds share test identities, all of them under an official split.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

TrialId = tuple[str, int]
"""A data set (with its protocol, where there are several) and a seed."""


@dataclass(frozen=True, eq=False)
class Queries:
    """How much each identity moves the mean of one cell, for one metric.

    influence (I,) float64: by how much the mean is higher for identity i being as it is, the sum of
    its queries' deviations from the mean over the `count` of all queries; pids (I,) int64,
    ascending. Both are None where only a bound of `square`, the sum of its squares, is known.
    `dataset`: cells of one data set have pids in common.
    """

    dataset: str
    count: int
    identities: int
    square: float
    pids: NDArray[np.int64] | None = None
    influence: NDArray[np.float64] | None = None

    def minus(self, right: "Queries") -> "Queries":
        """Return the queries of the difference of two means."""
        if self.influence is None or right.influence is None:
            # Scores of one query are alike in truth: without them this is too large.
            return _bound([self, right], self.square + right.square)
        return _summed([self, right], [self.influence, -right.influence])

    def negated(self) -> "Queries":
        """Return the queries of the mean with its sign turned round."""
        return replace(self, influence=None if self.influence is None else -self.influence)


def mean_of_queries(cells: Sequence[Queries]) -> Queries:
    """Return the queries of the mean of several rows on one data set and seed, which share them."""
    parts = [cell.influence / len(cells) for cell in cells if cell.influence is not None]
    if len(parts) < len(cells):
        size = math.fsum(math.sqrt(cell.square) for cell in cells) / len(cells)
        return _bound(cells, size**2)
    return _summed(cells, parts)


def squared_sum(cells: Sequence[tuple[float, Queries]]) -> float:
    """Sum over identities the square of what each does to a weighted sum of cells.

    Where the influence of single identities is not known, all cells are taken to have the same
    identities, which do alike in each.
    """
    if any(cell.influence is None for _, cell in cells):
        return math.fsum(weight * math.sqrt(cell.square) for weight, cell in cells) ** 2
    if len(cells) == 1 and (influence := cells[0][1].influence) is not None:
        part = cells[0][0] * influence
        return float(part @ part)
    parts = [weight * cell.influence for weight, cell in cells if cell.influence is not None]
    return _summed([cell for _, cell in cells], parts).square


def _bound(cells: Sequence[Queries], square: float) -> Queries:
    count, identities = (
        min(getattr(cell, name) for cell in cells) for name in ("count", "identities")
    )
    return Queries(cells[0].dataset, count, identities, square)


def _summed(cells: Sequence[Queries], parts: Sequence[NDArray[np.float64]]) -> Queries:
    """Sum these influences by identity."""
    by_cell = [cell.pids for cell in cells if cell.pids is not None]
    if all(by_cell[0] is pids or np.array_equal(by_cell[0], pids) for pids in by_cell[1:]):
        pids, influence = by_cell[0], np.sum(parts, axis=0)
    else:
        pids, inverse = np.unique(np.concatenate(by_cell), return_inverse=True)
        influence = np.bincount(inverse, weights=np.concatenate(parts))
    return _by_identity(cells[0].dataset, min(cell.count for cell in cells), pids, influence)


def _by_identity(
    dataset: str, count: int, pids: NDArray[np.int64], influence: NDArray[np.float64]
) -> Queries:
    return Queries(dataset, count, len(pids), float(influence @ influence), pids, influence)


@dataclass(frozen=True)
class Sample(Mapping[TrialId, float]):
    """A metric of a row by data set and seed, fractions, with the queries behind each value."""

    by_trial: Mapping[TrialId, float]
    queries: Mapping[TrialId, Queries] = field(default_factory=dict, repr=False)

    def __getitem__(self, trial: TrialId) -> float:
        return self.by_trial[trial]

    def __iter__(self) -> Iterator[TrialId]:
        return iter(self.by_trial)

    def __len__(self) -> int:
        return len(self.by_trial)

    def negated(self) -> "Sample":
        """Return the sample with all signs turned round."""
        queries = {trial: cell.negated() for trial, cell in self.queries.items()}
        return Sample({trial: -value for trial, value in self.items()}, queries)

    def only(self, datasets: Iterable[str]) -> "Sample":
        """Return the values on these data sets."""
        chosen = set(datasets)
        values = {trial: value for trial, value in self.items() if trial[0] in chosen}
        return Sample(values, {trial: q for trial, q in self.queries.items() if trial in values})


def scored_queries(dataset: str, pids: NDArray[np.int64], scores: NDArray[np.float64]) -> Queries:
    """Return the queries of a cell from their pids (Q,) and scores (Q,), NaN for a skipped one."""
    valid = np.isfinite(scores)
    distinct, inverse = _identities(pids[valid].astype(np.int64, copy=False).tobytes())
    off_mean, count = scores[valid] - scores[valid].mean(), int(np.count_nonzero(valid))
    return _by_identity(dataset, count, distinct, np.bincount(inverse, weights=off_mean) / count)


@lru_cache(512)
def _identities(pids: bytes) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Return the identities, ascending, and of each query which of them it shows; read-only.

    All rows are tested on the same queries, by several metrics.
    """
    distinct, inverse = np.unique(np.frombuffer(pids, np.int64), return_inverse=True)
    distinct.flags.writeable = inverse.flags.writeable = False
    return distinct, inverse


def counted_queries(dataset: str, mean: float, queries: int, identities: int) -> Queries:
    """Return the queries of one cell by their number alone, as if all of an identity scored alike.

    Their scatter is the most that values in [0, 1] with this mean can have: mean (1 - mean) is the
    largest variance there is (Bhatia and Davis 2000).
    """
    return Queries(dataset, queries, identities, max(0.0, mean * (1 - mean)) / identities)
