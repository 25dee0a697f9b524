"""Whether metrics dropped, or rose, by more than chance: one-sided tests of new results."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from benchmark.comparing import Comparison, Measure, mean_over_rows, sides_of
from benchmark.limits import Limits
from benchmark.statistics import (
    Difference,
    Values,
    difference,
    difference_of_samples,
    holm,
    least_found,
    set_mean,
)

Side = Literal["worse", "better"]
WANTED = 0.8  # the chance of finding a drop that is called one that is found


@dataclass(frozen=True)
class Test:
    """One metric of a row (None: the mean over all rows), over all data sets.

    `before` and `now` are means as fractions, `difference` now minus before; `worse` and `better`
    are one-sided p-values with Holm's correction for all tests of the check (None: no data set has
    two seeds). `finds` is the least true drop that the test finds in four cases of five, as the
    first of them all; None where all pairs are equal, or nothing can be tested.
    """

    row: str | None
    gallery: str
    metric: str
    before: float
    now: float
    difference: Difference
    worse: float | None = None
    better: float | None = None
    finds: float | None = None


def tests_of(comparison: Comparison, limits: Limits) -> tuple[Test, ...]:
    """All tests, of each metric the mean over all rows first; p-values are corrected together."""
    measures = [measure for measure in comparison.measures if measure[1] in limits.metrics]
    if {metric for _, metric in measures} != set(limits.metrics):
        galleries = dict.fromkeys(gallery for gallery, _ in comparison.measures)
        measures = [(gallery, metric) for gallery in galleries for metric in limits.metrics]
    tests = [test for measure in measures for test in _of_measure(comparison, measure, limits)]
    tested = [index for index, test in enumerate(tests) if _has_chance(test.difference)]
    worse = holm([_one_sided(tests[index].difference, "worse") for index in tested])
    better = holm([_one_sided(tests[index].difference, "better") for index in tested])
    level = 2 * limits.one_side / max(1, len(tested))  # `least_found` counts both sides
    for index, low, high in zip(tested, worse, better, strict=True):
        found = _least(tests[index].difference, level)
        tests[index] = replace(tests[index], worse=low, better=high, finds=found)
    return tuple(tests)


def _of_measure(comparison: Comparison, measure: Measure, limits: Limits) -> list[Test]:
    held: Callable[[Values, Values], Difference | None]
    held = difference_of_samples if limits.other_seeds else difference
    rows = sides_of(comparison.pairs, measure)
    wanted: list[tuple[str | None, tuple[Values, Values]]] = list(rows.items())
    alike = len({(p.a.cell.source, p.a.cell.profile) for p in comparison.pairs}) == 1
    if len(rows) > 1 and alike:
        wanted.insert(0, (None, mean_over_rows(rows.values())))
    tests = []
    for row, (before, now) in wanted:
        found = held(now, before)
        if found is not None:
            means = set_mean(before), set_mean(now)
            tests.append(Test(row, *measure, *means, found))
    return tests


def _has_chance(found: Difference) -> bool:
    """Whether there is a test: two seeds somewhere, and not the very same value in each pair."""
    return found.p is not None and (found.effect != 0 or bool(found.deviation))


def _one_sided(found: Difference, side: Side) -> float:
    p = found.p or 0.0
    on_this_side = found.effect < 0 if side == "worse" else found.effect > 0
    return p / 2 if on_this_side else 1 - p / 2


def _least(found: Difference, level: float) -> float | None:
    if found.deviation is None:
        return None
    return least_found(found.deviation, found.pairs, found.freedom, level, WANTED)
