"""What rows cost against what they reach: numbers, places of points, and the Pareto front.

Places are x in per cent of a drawing's width and y in pixels, so that a page lays it out anew.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from crossres.benchmark.records.record import Record
from crossres.benchmark.stats.paired import by_set, set_mean
from crossres.reports.charts.axis import Axis, Tick, percent_axis, spread
from crossres.reports.grid.grid import Grid
from crossres.reports.page.differences import rows_of
from crossres.reports.wording import duration, memory

TOP, LABEL_GAP = 10.0, 15.0
SIDE = 3.5  # between the frame and the first and the last cost, in per cent of the width
LEAST_HEIGHT = 200.0

SECONDS = [
    *(step / part for part in (1000, 100, 10) for step in (1, 2, 5)),
    *(step * unit for unit in (1, 60, 3600) for step in (1, 2, 5, 10, 30)),
    *(86400 * days for days in (1, 2, 5, 10, 30, 100)),
]


@dataclass(frozen=True)
class CostMeasure:
    """One kind of cost: its value of a record (None: not known), its words, its round values."""

    title: str
    value: Callable[[Record], float | None]
    text: Callable[[float], str]
    tick: Callable[[float], str]
    steps: Sequence[float]


@dataclass(frozen=True)
class CostSpot:
    """One row of a panel: its point, and where its label stands at the right."""

    row: int
    label: str
    text: str
    x: float
    y: float
    label_y: float
    on_front: bool


@dataclass(frozen=True)
class CostPanel:
    """One kind of cost along a logarithmic axis, the metric upwards; `front` is a staircase."""

    title: str
    bottom: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    spots: tuple[CostSpot, ...]
    front: str


@dataclass(frozen=True)
class CostRow:
    """A row's metric (a fraction) and its costs as (text, on the front), in the panels' order."""

    row: int
    label: str
    mean: float
    costs: tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class Costs:
    """Everything drawn of a grid's costs; `environments` counts what its cells ran in.

    Rows that lack a data set are `left_out`: their mean is of other cells than that of the rest.
    """

    metric: str
    panels: tuple[CostPanel, ...]
    rows: tuple[CostRow, ...]
    environments: int
    left_out: tuple[str, ...]


def short(number: float) -> str:
    """Return "515 k", "23.5 M", "4.1 G": a count with a decimal prefix."""
    for size, prefix in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= size:
            return f"{number / size:.3g}{prefix}"
    return f"{number:.3g}"


def _span(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


_DECADES = [step * 10.0**power for power in range(16) for step in (1, 2, 5)]
MEASURES = (
    CostMeasure("Parameters", lambda r: r.counts.get("parameters"), short, short, _DECADES),
    CostMeasure(
        "FLOPs per image", lambda r: r.counts.get("flops_per_image"), short, short, _DECADES
    ),
    CostMeasure("Training time", lambda r: r.seconds.get("fit"), duration, _span, SECONDS),
    CostMeasure(
        "Peak memory",
        lambda r: r.peak_memory_bytes,
        memory,
        memory,
        [2.0**power for power in range(20, 44)],
    ),
)


def costs_of(grid: Grid) -> Costs | None:
    """Return the costs of a grid's rows, means over their cells; None for fewer than two rows.

    The metric is the table's first, a mean over data sets. A kind of cost is left out where fewer
    than two rows know it in every cell.
    """
    metric = grid.table.metrics[0]
    values = rows_of(grid, metric)
    most = max((len(by_set(sample)) for sample in values.values()), default=0)
    means = {row: set_mean(sample) for row, sample in values.items() if len(by_set(sample)) == most}
    if len(means) < 2:
        return None
    labels = {row: grid.table.rows[row].label for row in values}
    panels = tuple(
        _panel(measure, spent, means, labels)
        for measure in MEASURES
        if len(spent := _spent(grid, measure, means)) > 1
    )
    rows = tuple(
        CostRow(row, labels[row], means[row], tuple(_cost(panel, row) for panel in panels))
        for row in sorted(means, key=lambda row: (-means[row], row))
    )
    environments = {
        tuple(sorted(record.environment.items()))
        for row in values
        for column in grid.shown
        for record in grid.cells[row, column].records
    }
    left_out = tuple(labels[row] for row in values if row not in means)
    return Costs(metric, panels, rows, len(environments), left_out)


def _cost(panel: CostPanel, row: int) -> tuple[str, bool]:
    return next(((s.text, s.on_front) for s in panel.spots if s.row == row), ("–", False))


def _spent(grid: Grid, measure: CostMeasure, rows: Mapping[int, float]) -> dict[int, float]:
    """Return each row's mean cost of a cell, where every cell of it is known and not zero."""
    spent = {}
    for row in rows:
        costs_or_none = [
            measure.value(record)
            for column in grid.shown
            for record in grid.cells[row, column].records
        ]
        costs = [cost for cost in costs_or_none if cost]
        if costs and len(costs) == len(costs_or_none):
            spent[row] = math.fsum(costs) / len(costs)
    return spent


def pareto(points: Mapping[int, tuple[float, float]]) -> list[int]:
    """Return the rows of (cost, gain) that none beats in both or equals in one; cheapest first."""
    front: list[int] = []
    for row in sorted(points, key=lambda row: (points[row][0], -points[row][1], row)):
        if not front or points[row][1] > points[front[-1]][1]:
            front.append(row)
    return front


def _panel(
    measure: CostMeasure,
    spent: Mapping[int, float],
    means: Mapping[int, float],
    labels: Mapping[int, str],
) -> CostPanel:
    front = pareto({row: (cost, means[row]) for row, cost in spent.items()})
    bottom = TOP + max(LEAST_HEIGHT, LABEL_GAP * len(spent))
    x_axis, ticks = _log_axis(measure.steps, min(spent.values()), max(spent.values()))
    y_axis = percent_axis([100 * mean for mean in means.values()], bottom, TOP)
    x = {row: x_axis.at(math.log(cost)) for row, cost in spent.items()}
    y = {row: y_axis.at(100 * means[row]) for row in spent}
    places = spread([y[row] for row in spent], LABEL_GAP, TOP, bottom)
    spots = tuple(
        CostSpot(
            row, labels[row], measure.text(cost), x[row], y[row], round(label_y, 1), row in front
        )
        for (row, cost), label_y in zip(spent.items(), places, strict=True)
    )
    return CostPanel(
        measure.title,
        bottom,
        tuple(Tick(x_axis.at(math.log(tick)), measure.tick(tick)) for tick in ticks),
        y_axis.ticks,
        spots,
        _staircase([(x[row], y[row]) for row in front]),
    )


def _log_axis(steps: Sequence[float], least: float, most: float) -> tuple[Axis, Sequence[float]]:
    """Return an axis of logarithms between the round values just outside both ends; which to label.

    These are at most five.
    """
    first = max((k for k, step in enumerate(steps) if step <= least), default=0)
    last = min((k for k, step in enumerate(steps) if step >= most), default=len(steps) - 1)
    ticks = steps[first : max(last, first + 1) + 1]
    low, high = min(ticks[0], least), max(ticks[-1], most)
    axis = Axis(math.log(low), math.log(high), SIDE, 100 - SIDE)
    return axis, ticks[:: math.ceil(len(ticks) / 5)]


def _staircase(points: Sequence[tuple[float, float]]) -> str:
    """Draw from each point of the front level to the next cost, then up; on to the right edge."""
    path = f"M{points[0][0]} {points[0][1]}"
    for x, y in points[1:]:
        path += f"H{x}V{y}"
    return f"{path}H100"
