"""Test whether metrics dropped, or rose, by more than chance: one-sided tests of new results."""

import math
import statistics
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from crossres.benchmark.compare.comparison import (
    Comparison,
    Measure,
    Read,
    mean_over_rows,
    metric_of,
    over_protocols,
    sides_of,
)
from crossres.benchmark.compare.pairs import Pair
from crossres.benchmark.gate.limits import Limits
from crossres.benchmark.gate.sight import least_drop, possible_drop, seeds_for_drop
from crossres.benchmark.gate.unpaired import Alone, Sides, in_all_rows, with_alone
from crossres.benchmark.metrics.by_rate import valid_queries_of
from crossres.benchmark.records.record import Record
from crossres.benchmark.stats.paired import (
    Difference,
    Scatter,
    Values,
    by_set,
    difference_of_runs,
    difference_of_samples,
    error_of_mean,
    mean_of_runs,
    scatter_by_set,
    scatter_of_runs,
    scatter_within_sets,
    set_mean,
)
from crossres.benchmark.stats.ranking import holm

Side = Literal["worse", "better"]


@dataclass(frozen=True)
class OnSet:
    """The means over seeds on one data set, under one protocol (of all rows: over protocols)."""

    dataset: str
    before: float
    now: float


@dataclass(frozen=True)
class Test:
    """One metric of a row (None: the mean over all rows), over all data sets.

    `before` and `now` are means as fractions, `difference` now minus before, its interval within
    what is possible from `before`; `equal`: each value is that of a run of the baseline. `worse`
    and `better` are one-sided p-values with Holm's correction for all tests of the check (None:
    all is equal, or no data set has two seeds). `finds` is the least true drop that is found in
    four cases of five, by such a test, as the first of them all, or as it is beyond a bound (None:
    no drop that is possible, or nothing is known of the scatter), and `needs` the seeds on each
    data set with which it is that of `Limits.must_find`, or of all that there is (None: it cannot
    be said, or is beyond reach).
    """

    row: str | None
    gallery: str
    metric: str
    before: float
    now: float
    difference: Difference
    on_sets: tuple[OnSet, ...]
    equal: bool
    worse: float | None = None
    better: float | None = None
    finds: float | None = None
    needs: int | None = None


def tests_of(
    comparison: Comparison,
    limits: Limits,
    more_runs: Sequence[Sequence[Record]],
    *,
    paired: bool,
    alone: Alone,
    redrawn: Collection[str],
) -> tuple[Test, ...]:
    """Test each metric, the mean over all rows first; p-values are corrected together.

    `more_runs` are of the cells of the baseline: new results are compared with the mean of all its
    runs, and the scatter of these counts with that of the pairs. Not so in the rows that were
    `redrawn`, nor in their mean: what other draws are worth no run tells, only the pairs do. Not
    `paired`: samples of values are compared, with those of the cells `alone`.
    """
    count = 1 + len(more_runs)
    telling: dict[str | None, int] = {r: 1 if r in redrawn else count for r in comparison.rows}
    telling[None] = min(telling.values(), default=1)
    raw = [
        test
        for measure in tested_measures(comparison, limits)
        for steps in [steps_of(comparison, measure)]
        for row, (runs, now) in runs_of(comparison, metric_of(measure), more_runs, alone).items()
        if (test := _test_of(row, measure, runs, now, steps[row], paired, telling[row]))
    ]
    tests = _corrected([test for test, _ in raw])
    testable = sum(noise.deviation is not None for _, noise in raw)
    level = 2 * limits.one_side / max(1, testable)  # the functions of power count both sides
    return tuple(
        _with_sight(test, noise, level, limits, telling[test.row])
        for test, (_, noise) in zip(tests, raw, strict=True)
    )


def tested_measures(comparison: Comparison, limits: Limits) -> list[Measure]:
    """Return the measures of the tables that the gate looks at, or else its metrics themselves."""
    measures = [measure for measure in comparison.measures if measure[1] in limits.metrics]
    if {metric for _, metric in measures} == set(limits.metrics):
        return measures
    galleries = dict.fromkeys(gallery for gallery, _ in comparison.measures)
    return [(gallery, metric) for gallery in galleries for metric in limits.metrics]


def runs_of(
    comparison: Comparison,
    read: Read,
    more_runs: Sequence[Sequence[Record]],
    alone: Alone | None = None,
) -> dict[str | None, tuple[list[Values], Values]]:
    """Return row (None: their mean, if there is one) -> the values of each run of A, and of B.

    Runs without any value of a row are not among its runs. With the cells `alone` there is one run.
    """
    pairs = comparison.pairs
    runs = [pairs, *(_with_run(pairs, run) for run in more_runs)]
    by_run: list[Sides] = [sides_of(run, read) for run in runs]
    if alone:
        by_run = [with_alone(by_run[0], alone, read)]
    rows: dict[str | None, list[tuple[Values, Values]]] = {}
    if len(by_run[0]) > 1 and len({(p.a.cell.source, p.a.cell.profile) for p in pairs}) == 1:
        rows[None] = [mean_over_rows(in_all_rows(run) if alone else run.values()) for run in by_run]
    rows |= {row: [run[row] for run in by_run if row in run] for row in by_run[0]}
    return {row: ([before for before, _ in sides], sides[0][1]) for row, sides in rows.items()}


def _with_run(pairs: Iterable[Pair], run: Iterable[Record]) -> tuple[Pair, ...]:
    by_key = {record.key: record for record in run}
    return tuple(replace(pair, a=by_key[pair.a.key]) for pair in pairs)


# --- how much a pair scatters ---------------------------------------------------------------------


def steps_of(comparison: Comparison, measure: Measure) -> dict[str | None, float]:
    """Return row (None: their mean) -> the least by which a pair of cells is taken to scatter.

    It is what one identity of the queries does that turns round, as a metric moves in such steps:
    that a few cells differ by the very same amount, or by nothing, is no certainty. Rows turn
    round independently of each other.
    """
    squares = {
        row: squared
        for row, (_, squared) in runs_of(comparison, _squared_step(measure), ()).items()
    }
    if None in squares:
        rows = [over_protocols(squared) for row, squared in squares.items() if row is not None]
        by_trial = [[of_row[t] for of_row in rows if t in of_row] for t in squares[None]]
        squares[None] = {
            trial: math.fsum(of) / len(of) ** 2
            for trial, of in zip(squares[None], by_trial, strict=True)
        }
    return {row: math.sqrt(statistics.fmean(of.values())) for row, of in squares.items()}


def _squared_step(measure: Measure) -> Read:
    gallery, metric = measure

    def read(record: Record) -> float | None:
        metrics = record.metrics.get(gallery, {})
        if metric not in metrics:
            return None
        return max(1.0, min(record.counts["query_pids"], metrics[valid_queries_of(metric)])) ** -2

    return read


def scatter_of_seeds(values: Values) -> Scatter:
    """Return the scatter of two values of unlike seeds, with what the split does to both."""
    scatter = sum(scatter_within_sets(values).values(), Scatter())
    return replace(scatter, squares=2 * scatter.squares)


# --- one test -------------------------------------------------------------------------------------


def _test_of(
    row: str | None,
    measure: Measure,
    runs: Sequence[Values],
    now: Values,
    step: float,
    paired: bool,
    telling: int,
) -> tuple[Test, Difference] | None:
    """Return the test of a row, yet without corrected p-values, and the noise it has to beat.

    `telling`: the number of runs that tell of its scatter. None without a value that both sides
    have.
    """
    # What is equal to a run of the baseline to the bit did not change.
    equal = now in runs
    before = now if equal else mean_of_runs(runs) if paired else runs[0]
    if paired:
        gap = difference_of_runs(now, before, scatter_by_set(runs[:telling]), step)
    else:
        gap = difference_of_samples(now, before, step)
    if gap is None:
        return None
    noise = _noise_of_runs(gap, runs, now, step) if equal else gap
    gap = Difference(0.0, gap.pairs, gap.sets, 0) if equal else _possible(gap, before)
    means = (set_mean(before), set_mean(now))
    return Test(row, *measure, *means, gap, _on_sets(before, now), equal), noise


def _noise_of_runs(gap: Difference, runs: Sequence[Values], now: Values, step: float) -> Difference:
    """Return the scatter that pairs which are equal now would have had: that of the runs.

    From one run alone it is that of its seeds, an upper bound.
    """
    several = len(runs) > 1
    scatter = scatter_of_runs(runs) if several else scatter_of_seeds(runs[0])
    freedom = gap.pairs - gap.sets + (scatter.freedom if several else 0)
    if not scatter.freedom:
        return Difference(0.0, gap.pairs, gap.sets, 0)
    deviation = max(step, math.sqrt(scatter.squares / scatter.freedom))
    error = error_of_mean(deviation, map(len, by_set(now).values()))
    return Difference(0.0, gap.pairs, gap.sets, freedom, deviation, error=error)


def _possible(gap: Difference, before: Values) -> Difference:
    """Cut the interval to changes that are possible: a metric stays in [0, 1]."""
    if gap.low is None or gap.high is None:
        return gap
    mean = set_mean(before)
    return replace(gap, low=max(gap.low, -mean), high=min(gap.high, 1 - mean))


def _on_sets(before: Values, now: Values) -> tuple[OnSet, ...]:
    left, right = by_set(before), by_set(now)
    return tuple(
        OnSet(name, statistics.fmean(left[name]), statistics.fmean(right[name]))
        for name in sorted(left.keys() & right.keys())
    )


# --- all tests together ---------------------------------------------------------------------------


def _corrected(tests: Sequence[Test]) -> list[Test]:
    """Add the p-values; what is equal can give no false alarm, and so is not counted."""
    corrected = list(tests)
    tested = [k for k, test in enumerate(tests) if test.difference.p is not None]
    worse = holm([_one_sided(tests[k].difference, "worse") for k in tested])
    better = holm([_one_sided(tests[k].difference, "better") for k in tested])
    for k, low, high in zip(tested, worse, better, strict=True):
        corrected[k] = replace(tests[k], worse=low, better=high)
    return corrected


def _one_sided(gap: Difference, side: Side) -> float:
    p = gap.p or 0.0
    on_this_side = gap.effect < 0 if side == "worse" else gap.effect > 0
    return p / 2 if on_this_side else 1 - p / 2


def _with_sight(test: Test, noise: Difference, level: float, limits: Limits, runs: int) -> Test:
    """Add what is found, and the seeds with which the drop that must be found would be."""
    if noise.deviation is None or noise.error is None:
        return test
    finds = possible_drop(least_drop(noise.error, noise.freedom, level, limits), test.before)
    if finds is not None and finds <= limits.must_find:
        return replace(test, finds=finds)
    drop = min(limits.must_find, test.before)
    needs = seeds_for_drop(drop, noise.deviation, noise.sets, level, limits, runs)
    return replace(test, finds=finds, needs=needs)
