"""Strips of dots: each seed's value beside the mean of its row."""

from dataclasses import dataclass

from crossres.reports.charts.axis import Tick, round_ticks, scale
from crossres.reports.grid.grid import Column, Grid
from crossres.reports.wording import percent


@dataclass(frozen=True)
class Dot:
    """One seed on a strip."""

    x: float
    text: str


@dataclass(frozen=True)
class Strip:
    """One row's first metric by seed on the scale of its data set; x in 0..STRIP_WIDTH."""

    dots: tuple[Dot, ...]
    mean: float
    spread: tuple[float, float]
    ticks: tuple[Tick, ...]


STRIP_WIDTH = 150.0


def strips(grid: Grid, column: Column) -> dict[int, Strip]:
    """Row -> strip of the table's first metric; rows without records have none."""
    metric = grid.table.metrics[0]
    scores = {row: grid.score(row, column, metric) for row in range(len(grid.table.rows))}
    values = [100 * value for score in scores.values() for value in score.values]
    if not values:
        return {}
    low, high = scale(min(values), max(values))
    ticks = tuple(Tick(_along(t, low, high), f"{t:g}") for t in round_ticks(low, high))
    found = {}
    for row, score in scores.items():
        if score.mean is not None:
            mean, half = 100 * score.mean, 100 * (score.std or 0.0)
            dots = zip(score.seeds, score.values, strict=True)
            found[row] = Strip(
                tuple(Dot(_along(100 * v, low, high), f"seed {s}: {percent(v)}") for s, v in dots),
                _along(mean, low, high),
                (_along(mean - half, low, high), _along(mean + half, low, high)),
                ticks,
            )
    return found


def _along(value: float, low: float, high: float) -> float:
    """Per cent to a position, with a margin so that dots at the limits stay whole."""
    share = min(1.0, max(0.0, (value - low) / (high - low)))
    return round(5 + (STRIP_WIDTH - 10) * share, 1)
