"""Strips of dots: each seed's value beside the mean of its row."""

from dataclasses import dataclass

from crossres.reports.charts.axis import Tick, percent_axis
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


STRIP_WIDTH, MARGIN = 150.0, 5.0  # with the margin dots at the limits stay whole


def strips(grid: Grid, column: Column) -> dict[int, Strip]:
    """Return row -> strip of the table's first metric; rows without records have none."""
    metric = grid.table.metrics[0]
    scores = {row: grid.score(row, column, metric) for row in range(len(grid.table.rows))}
    values = [100 * value for score in scores.values() for value in score.values]
    if not values:
        return {}
    axis = percent_axis(values, MARGIN, STRIP_WIDTH - MARGIN)
    drawn = {}
    for row, score in scores.items():
        if score.mean is not None:
            mean, half = 100 * score.mean, 100 * (score.std or 0.0)
            dots = zip(score.seeds, score.values, strict=True)
            drawn[row] = Strip(
                tuple(Dot(axis.inside(100 * v), f"seed {s}: {percent(v)}") for s, v in dots),
                axis.inside(mean),
                (axis.inside(mean - half), axis.inside(mean + half)),
                axis.ticks,
            )
    return drawn
