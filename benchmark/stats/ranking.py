"""Compare many rows: corrected p-values of all pairs, mean ranks, and groups."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from crossres.benchmark.stats.all_pairs import p_values
from crossres.benchmark.stats.paired import LEVEL, Values


def holm(values: Sequence[float]) -> list[float]:
    """Return Holm's (1979) adjusted p-values, in the order of `values`.

    They bound the chance of any false alarm. The k-th smallest (from 0) of n is multiplied by n -
    k, and is at least the one before it.
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    adjusted, highest = [0.0] * len(values), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, values[index] * (len(values) - rank)))
        adjusted[index] = highest
    return adjusted


def pairwise(rows: Sequence[Values]) -> dict[tuple[int, int], float]:
    """Return (i, j), i < j -> the p-value of `difference` over all sets, adjusted for all pairs.

    A pair that cannot be tested (one seed, no common cell) is left out. Because every pair is
    counted, the least p-value of a row that was chosen for its mean is adjusted for the choice.
    """
    tests = p_values(rows)
    return dict(zip(tests, holm(list(tests.values())), strict=True))


def mean_ranks(rows: Sequence[Values]) -> list[float]:
    """Return each row's mean rank (1: the highest value, ties share) over the cells that all have.

    [] when no (data set, seed) has a value of every row.
    """
    common = sorted(set.intersection(*map(set, rows))) if rows else []
    if not common:
        return []
    table = np.array([[row[cell] for cell in common] for row in rows])
    higher = (table[None] > table[:, None]).sum(axis=1)
    equal = (table[None] == table[:, None]).sum(axis=1)  # itself among them
    return [float(mean) for mean in (higher + (equal + 1) / 2).mean(axis=1)]


def indistinguishable_groups(
    count: int, tests: Mapping[tuple[int, int], float], level: float = LEVEL
) -> list[tuple[int, ...]]:
    """Find the largest groups of two or more of `count` rows without a pair of p up to `level`.

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
    chosen: tuple[int, ...],
    candidates: set[int],
    excluded: set[int],
    near: Mapping[int, set[int]],
) -> Iterator[tuple[int, ...]]:
    """Yield every maximal clique with `chosen` once (Bron and Kerbosch 1973, with a pivot)."""
    if not candidates and not excluded:
        yield tuple(sorted(chosen))
        return
    pivot = max(sorted(candidates | excluded), key=lambda row: len(near[row] & candidates))
    for row in sorted(candidates - near[pivot]):
        yield from _cliques((*chosen, row), candidates & near[row], excluded & near[row], near)
        candidates, excluded = candidates - {row}, excluded | {row}
