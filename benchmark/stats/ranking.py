"""Compare many rows: corrected p-values of all pairs, mean ranks, and groups."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
from scipy import stats

from crossres.benchmark.stats.paired import LEVEL, Values, difference


def holm(values: Sequence[float]) -> list[float]:
    """Holm's (1979) adjusted p-values, in the order given: the chance of any false alarm is kept.

    The k-th smallest (from 0) of n is multiplied by n - k, and is at least the one before it.
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    adjusted, highest = [0.0] * len(values), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, values[index] * (len(values) - rank)))
        adjusted[index] = highest
    return adjusted


def pairwise(rows: Sequence[Values]) -> dict[tuple[int, int], float]:
    """(i, j), i < j -> the p-value of `difference` over all data sets, adjusted for all pairs.

    A pair that cannot be tested (one seed, no common cell) is left out. Because every pair is
    counted, the least p-value of a row that was chosen for its mean is adjusted for the choice.
    """
    tests = {
        (i, j): found.p
        for i, j in combinations(range(len(rows)), 2)
        if (found := difference(rows[i], rows[j])) is not None and found.p is not None
    }
    return dict(zip(tests, holm(list(tests.values())), strict=True))


def mean_ranks(rows: Sequence[Values]) -> list[float]:
    """Each row's rank (1 is the highest value, ties share), a mean over the cells that all have.

    [] when no (data set, seed) has a value of every row.
    """
    common = sorted(set.intersection(*map(set, rows))) if rows else []
    if not common:
        return []
    table = np.array([[row[cell] for cell in common] for row in rows])
    return [float(mean) for mean in stats.rankdata(-table, axis=0).mean(axis=1)]


def indistinguishable_groups(
    count: int, tests: Mapping[tuple[int, int], float], level: float = LEVEL
) -> list[tuple[int, ...]]:
    """The largest groups of two or more of `count` rows of which no pair has a p up to `level`.

    A pair without a test is not told apart either. Groups may share rows: that neither A and B nor
    B and C are told apart does not say it of A and C.
    """
    near: dict[int, set[int]] = {row: set() for row in range(count)}
    for i, j in combinations(range(count), 2):
        if tests.get((i, j), 1.0) > level:
            near[i].add(j)
            near[j].add(i)
    return sorted(group for group in _cliques((), set(near), set(), near) if len(group) > 1)


def _cliques(
    chosen: tuple[int, ...], open_: set[int], done: set[int], near: Mapping[int, set[int]]
) -> Iterator[tuple[int, ...]]:
    """Bron and Kerbosch (1973) with a pivot: every maximal clique that contains `chosen`, once."""
    if not open_ and not done:
        yield tuple(sorted(chosen))
        return
    pivot = max(sorted(open_ | done), key=lambda row: len(near[row] & open_))
    for row in sorted(open_ - near[pivot]):
        yield from _cliques((*chosen, row), open_ & near[row], done & near[row], near)
        open_, done = open_ - {row}, done | {row}
