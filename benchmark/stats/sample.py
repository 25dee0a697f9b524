"""What the draw of identities and their queries does to the mean of a metric.

A mean over queries would be another one with other identities, and scatter between seeds does not
tell by how much: seeds share test identities, all of them under an official split.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Place = tuple[str, int]
"""A data set (with its protocol, where there are several) and a seed."""


@dataclass(frozen=True, eq=False)
class Queries:
    """How the mean of one cell hangs on each of its identities, for one metric.

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

    def minus(self, other: "Queries") -> "Queries":
        """Those of the difference of two means."""
        if self.influence is None or other.influence is None:
            # Scores of one query are alike in truth: without them this is too large.
            return _bound([self, other], self.square + other.square)
        return _summed([self, other], [self.influence, -other.influence])

    def negated(self) -> "Queries":
        """Those of the mean with its sign turned round."""
        return replace(self, influence=None if self.influence is None else -self.influence)


def mean_of_queries(cells: Sequence[Queries]) -> Queries:
    """Those of the mean of several rows on one data set and seed, which share its queries."""
    known = [cell.influence / len(cells) for cell in cells if cell.influence is not None]
    if len(known) < len(cells):
        size = math.fsum(math.sqrt(cell.square) for cell in cells) / len(cells)
        return _bound(cells, size**2)
    return _summed(cells, known)


def squared_sum(cells: Sequence[tuple[float, Queries]]) -> float:
    """The sum over identities of the square of what each does to a weighted sum of cells.

    Where it is not known whose influence is which: as if all cells had the same identities, alike.
    """
    if any(cell.influence is None for _, cell in cells):
        return math.fsum(weight * math.sqrt(cell.square) for weight, cell in cells) ** 2
    parts = [weight * cell.influence for weight, cell in cells if cell.influence is not None]
    return _summed([cell for _, cell in cells], parts).square


def _bound(cells: Sequence[Queries], square: float) -> Queries:
    count, identities = (
        min(getattr(cell, name) for cell in cells) for name in ("count", "identities")
    )
    return Queries(cells[0].dataset, count, identities, square)


def _summed(cells: Sequence[Queries], parts: Sequence[NDArray[np.float64]]) -> Queries:
    """The sum of these influences on the cells' identities."""
    every = [cell.pids for cell in cells if cell.pids is not None]
    if all(np.array_equal(every[0], pids) for pids in every[1:]):
        pids, influence = every[0], np.sum(parts, axis=0)
    else:
        pids, place = np.unique(np.concatenate(every), return_inverse=True)
        influence = np.bincount(place, weights=np.concatenate(parts))
    return _known(cells[0].dataset, min(cell.count for cell in cells), pids, influence)


def _known(
    dataset: str, count: int, pids: NDArray[np.int64], influence: NDArray[np.float64]
) -> Queries:
    return Queries(dataset, count, len(pids), float(influence @ influence), pids, influence)


@dataclass(frozen=True)
class Sample(Mapping[Place, float]):
    """A metric of a row by data set and seed, fractions, with the queries behind each value."""

    by_place: Mapping[Place, float]
    queries: Mapping[Place, Queries] = field(default_factory=dict, repr=False)

    def __getitem__(self, place: Place) -> float:
        return self.by_place[place]

    def __iter__(self) -> Iterator[Place]:
        return iter(self.by_place)

    def __len__(self) -> int:
        return len(self.by_place)

    def negated(self) -> "Sample":
        """The same with all signs turned round."""
        turned = {place: queries.negated() for place, queries in self.queries.items()}
        return Sample({place: -value for place, value in self.items()}, turned)

    def only(self, datasets: Iterable[str]) -> "Sample":
        """What there is of these data sets."""
        wanted = set(datasets)
        values = {place: value for place, value in self.items() if place[0] in wanted}
        return Sample(values, {place: q for place, q in self.queries.items() if place in values})


def scored_queries(dataset: str, pids: NDArray[np.int64], scores: NDArray[np.float64]) -> Queries:
    """From one metric of every query (Q,), NaN for a skipped one, and who is on it (Q,)."""
    valid = np.isfinite(scores)
    distinct, place = np.unique(pids[valid], return_inverse=True)
    off_mean, count = scores[valid] - scores[valid].mean(), int(np.count_nonzero(valid))
    return _known(dataset, count, distinct, np.bincount(place, weights=off_mean) / count)


def counted_queries(dataset: str, mean: float, queries: int, identities: int) -> Queries:
    """The most that values in [0, 1] with this mean can scatter, each identity being all alike.

    mean (1 - mean) is the largest variance there is (Bhatia and Davis 2000).
    """
    return Queries(dataset, queries, identities, max(0.0, mean * (1 - mean)) / identities)
