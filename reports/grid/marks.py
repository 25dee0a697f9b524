"""Which rows of a column are marked: nothing is bold that chance could have put first."""

from collections.abc import Mapping, Sequence
from math import fsum

from crossres.benchmark.stats.all_pairs import p_values
from crossres.benchmark.stats.paired import LEVEL, Values, by_set
from crossres.benchmark.stats.ranking import holm
from crossres.reports.grid.grid import Mark

Tests = Mapping[tuple[int, int], float]
"""(i, j), i < j: the p-value of two rows in one column."""


def marks(rows: Sequence[Values], level: float = LEVEL) -> dict[str, list[Mark]]:
    """Return column -> of each row's values, by (column, seed): "best", "tie", "second" or "".

    The row of the highest mean is "best" when the paired test tells it from every other one; else
    it and all that it is not told from are a "tie". "second" follows a "best" where the test tells
    it from all the others, too. The p-values are corrected for all pairs of rows in all columns
    (Holm), as the first row is chosen by the values that are tested. A row that cannot be tested
    (one seed) has no mark, and no other is "best" or "second" beside one; nothing is marked where
    the first row cannot be tested.
    """
    means = {
        column: {row: fsum(v[column]) / len(v[column]) for row, v in by_row.items() if column in v}
        for by_row in [{row: by_set(values) for row, values in enumerate(rows)}]
        for column in sorted({name for v in by_row.values() for name in v})
    }
    tests = _tests(rows, means)
    return {column: _marks(len(rows), of, tests[column], level) for column, of in means.items()}


def _tests(
    rows: Sequence[Values], means: Mapping[str, Mapping[int, float]]
) -> dict[str, dict[tuple[int, int], float]]:
    """Return the p-values of each column, corrected together."""
    raw = {(column, pair): p for column in means for pair, p in p_values(rows, on=column).items()}
    tests: dict[str, dict[tuple[int, int], float]] = {column: {} for column in means}
    for (column, pair), p in zip(raw, holm(list(raw.values())), strict=True):
        tests[column][pair] = p
    return tests


def _marks(count: int, means: Mapping[int, float], tests: Tests, level: float) -> list[Mark]:
    marked: list[Mark] = [""] * count
    order = sorted(means, key=lambda row: -means[row])
    if not any(order[0] in pair for pair in tests):
        return marked
    first, *below = order
    rivals = [row for row in below if _p(first, row, tests, 0.0) > level]
    if rivals:
        for row in (first, *rivals):
            marked[row] = "tie"
    elif _is_told_from(first, below, tests, level):
        marked[first] = "best"
        if _is_told_from(below[0], below[1:], tests, level):
            marked[below[0]] = "second"
    return marked


def _p(row: int, other: int, tests: Tests, untested: float) -> float:
    return tests.get((min(row, other), max(row, other)), untested)


def _is_told_from(row: int, others: Sequence[int], tests: Tests, level: float) -> bool:
    """Say whether a test tells the row from each of the others."""
    return all(_p(row, other, tests, 1.0) <= level for other in others)
