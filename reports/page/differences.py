"""What can be said of differences between the rows of a grid: against the best, and all pairs.

Numbers and places are made here (docs/statistics.md argues them); templates only draw them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from crossres.benchmark.stats.paired import (
    LEVEL,
    Difference,
    Values,
    by_set,
    difference,
    set_mean,
)
from crossres.benchmark.stats.power import detectable_difference, seeds_to_find
from crossres.benchmark.stats.ranking import pairwise
from crossres.benchmark.stats.sample import Sample
from crossres.reports.charts.axis import Axis, gap_axis
from crossres.reports.grid.grid import Column, Grid
from crossres.reports.page.rank_diagram import Diagram, diagram

POINT = 0.01  # the difference that seeds are counted for, as a fraction
PLOT_WIDTH, MARGIN = 300.0, 8.0


@dataclass(frozen=True)
class GapOnSet:
    """A row on one data set: its mean with its interval, and the gap to the reference."""

    column: Column
    mean: float
    interval: tuple[float, float] | None
    gap: Difference | None


@dataclass(frozen=True)
class Against:
    """A row against the reference over all data sets that both have; `mean` is that of all its own.

    p is adjusted for all pairs of rows. `detectable` is the smallest true difference (a fraction)
    that the present number of seeds finds in 80 % of cases, and `seeds` how many on each data set
    find one point (None: no number does). All three are None where nothing can be tested; the
    reference has no gap either. `shared`: over how many cells the gap is, where one of the two has
    others, too, so that it is not the difference of their means.
    """

    row: int
    label: str
    mean: float
    sets: tuple[GapOnSet, ...]
    gap: Difference | None
    p: float | None
    detectable: float | None
    seeds: int | None
    shared: int | None

    @property
    def apart(self) -> bool:
        """Whether the row is distinguishable from the reference."""
        return self.p is not None and self.p <= LEVEL


@dataclass(frozen=True)
class RowComparison:
    """The rows of a grid by one metric, highest first, against one of them.

    The reference is the row that the table names as such, else the one of the highest mean.
    """

    metric: str
    columns: tuple[Column, ...]
    rows: tuple[Against, ...]
    reference: Against
    axis: Axis
    diagram: Diagram | None

    @property
    def tested(self) -> bool:
        """Whether any row can be tested against the reference."""
        return any(row.p is not None for row in self.rows)

    @property
    def uneven(self) -> bool:
        """Whether a row lacks a data set that another one has."""
        return any(len(row.sets) < len(self.columns) for row in self.rows)

    @property
    def has_intervals(self) -> bool:
        """Whether the mean of any row on a data set has an interval."""
        return any(on_set.interval for row in self.rows for on_set in row.sets)


def compare_rows(grid: Grid) -> tuple[RowComparison, ...]:
    """Compare by the table's first metric and by mAP, where two rows or more have it."""
    metrics = dict.fromkeys((grid.table.metrics[0], "mAP"))
    comparisons = (_comparison(grid, metric) for metric in metrics)
    return tuple(comparison for comparison in comparisons if comparison is not None)


def _comparison(grid: Grid, metric: str) -> RowComparison | None:
    values = rows_of(grid, metric)
    if len(values) < 2:
        return None
    best = _named_reference(grid, values)
    order = list(values)
    tests = pairwise(list(values.values()))
    rows = []
    for row in order:
        pair = sorted((order.index(row), order.index(best)))
        sets = _on_sets(grid, row, metric, values[row], values[best])
        gap = None if row == best else difference(values[row], values[best])
        p = tests.get((pair[0], pair[1]))
        shared = _shared(values[row], values[best])
        rows.append(_against(grid, row, values[row], sets, gap, p, shared))
    reference = rows[order.index(best)]
    rows.sort(key=lambda entry: (-_effect(entry, reference), entry.row))
    labels = [grid.table.rows[row].label for row in order]
    return RowComparison(
        metric,
        tuple(c for c in grid.shown if any(c.name in by_set(v) for v in values.values())),
        tuple(rows),
        reference,
        gap_axis(
            [
                (gap.effect, gap.low, gap.high)
                for row in rows
                for gap in (row.gap, *(on_set.gap for on_set in row.sets))
                if gap
            ],
            MARGIN,
            PLOT_WIDTH - MARGIN,
            parts=6,
        ),
        diagram(labels, list(values.values()), tests),
    )


def _named_reference(grid: Grid, values: Mapping[int, Values]) -> int:
    """Return the row that the table names as its reference, else the one of the highest mean."""
    reference = next((r for r in values if grid.table.rows[r].label == grid.table.reference), None)
    if reference is not None:
        return reference
    # A row that was run on easy data sets alone must not be the best of all.
    return max(values, key=lambda row: (len(by_set(values[row])), set_mean(values[row]), -row))


def _against(
    grid: Grid,
    row: int,
    values: Values,
    sets: tuple[GapOnSet, ...],
    gap: Difference | None,
    p: float | None,
    shared: int | None,
) -> Against:
    label, mean = grid.table.rows[row].label, set_mean(values)
    if gap is None:
        return Against(row, label, mean, sets, gap, p, None, None, shared)
    detectable, seeds = detectable_difference(gap), seeds_to_find(POINT, gap)
    return Against(row, label, mean, sets, gap, p, detectable, seeds, shared)


def _shared(values: Values, best: Values) -> int | None:
    """Return how many cells both have; None where neither has others."""
    return None if values.keys() == best.keys() else len(values.keys() & best.keys())


def _effect(row: Against, reference: Against) -> float:
    if row is reference:
        return 0.0
    return -math.inf if row.gap is None else row.gap.effect


def rows_of(grid: Grid, metric: str) -> dict[int, Sample]:
    """Return each row that has values, by column and seed, under the table's gallery rule."""
    samples = {row: grid.sample(row, metric) for row in range(len(grid.table.rows))}
    return {row: sample for row, sample in samples.items() if sample}


# --- one data set at a time -----------------------------------------------------------------------


def _on_sets(
    grid: Grid, row: int, metric: str, sample: Sample, best: Sample
) -> tuple[GapOnSet, ...]:
    sets = []
    for column in grid.shown:
        mean = grid.score(row, column, metric).mean
        if mean is not None:
            gap = None if sample is best else difference(sample, best, on=column.name)
            sets.append(GapOnSet(column, mean, grid.interval(row, column, metric), gap))
    return tuple(sets)
