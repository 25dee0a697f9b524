"""Which numbers of a column are marked: nothing is bold that chance could have put first."""

from collections.abc import Sequence

from benchmark.statistics import LEVEL, Values, difference, holm
from reports.grid import Mark


def marks(rows: Sequence[Values], column: str, level: float = LEVEL) -> list[Mark]:
    """Of each row's values, by (column, seed): "best", "tie", "second" or "" in one column.

    The row of the highest mean is "best" when the paired test tells it from every other one (Holm
    over these, the variance pooled over all columns); else it and all that it is not told from are
    a "tie". "second" follows a "best" where the test tells it from all the others, too. Nothing is
    marked where nothing can be tested (one seed, one row).
    """
    found: list[Mark] = [""] * len(rows)
    means = {
        index: mean for index, row in enumerate(rows) if (mean := _mean(row, column)) is not None
    }
    order = sorted(means, key=lambda index: -means[index])
    rivals = _not_told_apart(rows, column, order, level)
    if rivals is None:
        return found
    if rivals:
        for index in (order[0], *rivals):
            found[index] = "tie"
        return found
    found[order[0]] = "best"
    rest = order[1:]
    if len(rest) == 1 or _not_told_apart(rows, column, rest, level) == []:
        found[rest[0]] = "second"
    return found


def _mean(row: Values, column: str) -> float | None:
    values = [value for (name, _), value in row.items() if name == column]
    return sum(values) / len(values) if values else None


def _not_told_apart(
    rows: Sequence[Values], column: str, order: Sequence[int], level: float
) -> list[int] | None:
    """Those after the first of `order` that the test does not tell from it; None: no test can."""
    if len(order) < 2:
        return None
    tests = [difference(rows[order[0]], rows[index], on=column) for index in order[1:]]
    values = [1.0 if test is None or test.p is None else test.p for test in tests]
    if all(test is None or test.p is None for test in tests):
        return None
    return [index for index, p in zip(order[1:], holm(values), strict=True) if p > level]
