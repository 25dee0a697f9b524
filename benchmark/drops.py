"""Whether metrics dropped, or rose, by more than chance: one-sided tests of new results."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from benchmark.comparing import Comparison, Measure, Read, mean_over_rows, metric_of, sides_of
from benchmark.limits import Limits
from benchmark.matching import Pair
from benchmark.records import Record
from benchmark.statistics import (
    Difference,
    Values,
    difference_of_samples,
    holm,
    least_found,
    mean_of_runs,
    pooled_difference,
    scatter_of_runs,
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


def tests_of(
    comparison: Comparison,
    limits: Limits,
    again: Sequence[Sequence[Record]],
    *,
    paired: bool,
) -> tuple[Test, ...]:
    """All tests, of each metric the mean over all rows first; p-values are corrected together.

    `again`: more runs of the cells of the baseline. Their mean with it is what new results are
    held against, and their scatter counts with that of the pairs. Not `paired`: samples of values
    are compared.
    """
    tests = [
        test
        for measure in tested_measures(comparison, limits)
        for row, (runs, now) in runs_of(comparison, metric_of(measure), again).items()
        if (test := _test(row, measure, runs, now, paired)) is not None
    ]
    tested = [index for index, test in enumerate(tests) if _has_chance(test.difference)]
    worse = holm([_one_sided(tests[index].difference, "worse") for index in tested])
    better = holm([_one_sided(tests[index].difference, "better") for index in tested])
    level = 2 * limits.one_side / max(1, len(tested))  # `least_found` counts both sides
    for index, low, high in zip(tested, worse, better, strict=True):
        found = _least(tests[index].difference, level)
        tests[index] = replace(tests[index], worse=low, better=high, finds=found)
    return tuple(tests)


def tested_measures(comparison: Comparison, limits: Limits) -> list[Measure]:
    """The measures of the tables that the gate is to look at, or else its metrics themselves."""
    measures = [measure for measure in comparison.measures if measure[1] in limits.metrics]
    if {metric for _, metric in measures} == set(limits.metrics):
        return measures
    galleries = dict.fromkeys(gallery for gallery, _ in comparison.measures)
    return [(gallery, metric) for gallery in galleries for metric in limits.metrics]


def runs_of(
    comparison: Comparison, read: Read, again: Sequence[Sequence[Record]]
) -> dict[str | None, tuple[list[Values], Values]]:
    """Row (None: their mean, where there is one) -> the values of each run of A, and those of B.

    Runs without any value of a row are not among its runs.
    """
    pairs = comparison.pairs
    runs = [pairs, *(_with_run(pairs, run) for run in again)]
    sides = [sides_of(run, read) for run in runs]
    rows: dict[str | None, list[tuple[Values, Values]]] = {}
    if len(sides[0]) > 1 and len({(p.a.cell.source, p.a.cell.profile) for p in pairs}) == 1:
        rows[None] = [mean_over_rows(side.values()) for side in sides]
    rows |= {row: [side[row] for side in sides if row in side] for row in sides[0]}
    return {row: ([before for before, _ in found], found[0][1]) for row, found in rows.items()}


def _with_run(pairs: Iterable[Pair], run: Iterable[Record]) -> tuple[Pair, ...]:
    found = {record.key: record for record in run}
    return tuple(replace(pair, a=found[pair.a.key]) for pair in pairs)


def _test(
    row: str | None, measure: Measure, runs: Sequence[Values], now: Values, paired: bool
) -> Test | None:
    """The test of a row, yet without p-values; None without a value that both sides have."""
    before, known = runs[0], None
    if not paired:
        found = difference_of_samples(now, before)
    else:
        # What is equal to a run of the baseline to the bit did not change.
        if now != before:
            before, known = mean_of_runs(runs), scatter_of_runs(runs)
        found = pooled_difference(now, before, known)
    return None if found is None else Test(row, *measure, set_mean(before), set_mean(now), found)


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
