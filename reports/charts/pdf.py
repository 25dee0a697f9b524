"""The figures of a table for a paper: CMC curves, results by seed, and results by resolution.

Rows have the colours and lines that they have on the page; looks.py says which.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from crossres.reports.charts.cmc import curves_of
from crossres.reports.charts.looks import Look, Looks
from crossres.reports.charts.parts import Parts, nothing
from crossres.reports.charts.small_multiples import (
    LINE,
    Handles,
    Sides,
    labels_of,
    lines_in,
    small_multiples,
)
from crossres.reports.grid.grid import Column, Grid
from crossres.reports.grid.rates import metrics_by_rate, rates_on
from crossres.reports.wording import metric_title, slug

PANEL = 3.4  # cm: the height of a panel of curves
WIDTH, STRONG = 0.9, 1.5  # points: of lines
BAND = 0.15  # opacity
MOST_BANDS = 3  # rows; with more of them only strong ones have bands
GREY = "0.4"  # what stands for all colours in a legend


def pdf_figures(grid: Grid, parts: Parts, looks: Looks) -> dict[str, bytes | None]:
    """Return file name -> PDF: CMC curves; the table's first metric by seed, and by query's rate.

    The same grid gives the same bytes. None: nothing was recorded for it, or it could not be drawn.
    """
    name = slug(grid.table.id, grid.source, grid.profile)
    figures: dict[str, Callable[[Grid, Looks], bytes | None]] = {
        f"{name}-cmc.pdf": _cmc,
        f"{name}-seeds.pdf": _seeds,
        f"{name}-rates.pdf": _rates,
    }
    return {
        file: parts.draw(f"the figure {file}", partial(figure, grid, looks), nothing)
        for file, figure in figures.items()
    }


def _cmc(grid: Grid, looks: Looks) -> bytes | None:
    """Draw the mean CMC over the seeds."""
    by_column = {column: _mean_curves(grid, column) for column in grid.shown}
    by_column = {column: curves for column, curves in by_column.items() if curves}
    if not by_column:
        return None
    labels = labels_of(grid.table.rows)

    def draw(axes: Any, column: Column) -> Handles:
        drawn: Handles = {}
        for row, curve in by_column[column].items():
            (drawn[labels[row]],) = axes.plot(
                np.arange(1, len(curve) + 1), 100 * curve, **_line(looks.of(grid.table.rows[row]))
            )
        axes.set_xticks([1, 5, 10, 15, 20])
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        return drawn

    return small_multiples(grid, list(by_column), draw, PANEL, Sides("Rank", "Matched, %"))


def _mean_curves(grid: Grid, column: Column) -> dict[int, NDArray[np.float64]]:
    """Return row -> (ranks,) mean fractions of the rows that have a curve."""
    curves = {
        row: curves_of(grid.cells[row, column].records, grid.rule(column))
        for row in range(len(grid.table.rows))
    }
    return {row: by_seed.mean(axis=0) for row, by_seed in curves.items() if by_seed is not None}


def _rates(grid: Grid, looks: Looks) -> bytes | None:
    """Draw the mean over the seeds from rate to rate of the queries, in its 95 % interval."""
    rates = {column: rates_on(grid, column) for column in grid.shown}
    columns = [column for column in grid.shown if rates[column]]
    if not columns:
        return None
    labels, metric = labels_of(grid.table.rows), metrics_by_rate(grid)[0]

    def draw(axes: Any, column: Column) -> Handles:
        drawn: Handles = {}
        bands: Handles = {}
        for row, label in enumerate(labels):
            means = [(r, grid.score(row, column, f"{metric}@{r}").mean) for r in rates[column]]
            points = [(rate, 100 * mean) for rate, mean in means if mean is not None]
            if points:
                look = looks.of(grid.table.rows[row])
                (drawn[label],) = axes.plot(
                    *zip(*points, strict=True), marker="o", markersize=2.2, **_line(look)
                )
                if look.is_strong or len(labels) <= MOST_BANDS:
                    bands |= _band(axes, grid, row, column, metric, rates[column], look.light)
        axes.set_xticks(rates[column])
        axes.margins(x=0.12)
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        return drawn | bands

    sides = Sides("Down-sampling rate of the queries", f"{metric_title(metric)}, %")
    return small_multiples(grid, columns, draw, PANEL, sides)


def _band(
    axes: Any,
    grid: Grid,
    row: int,
    column: Column,
    metric: str,
    rates: Sequence[int],
    colour: str,
) -> Handles:
    """Draw the intervals of a row's means where they are known."""
    intervals = [(rate, grid.interval(row, column, f"{metric}@{rate}")) for rate in rates]
    known = [(rate, *interval) for rate, interval in intervals if interval is not None]
    if not known:
        return {}
    at, low, high = (np.array(values) for values in zip(*known, strict=True))
    shape: Any = {"alpha": BAND, "linewidth": 0}
    axes.fill_between(at, 100 * low, 100 * high, color=colour, **shape)
    return {"95 % interval of the mean": Patch(color=GREY, **shape)}


def _line(look: Look) -> dict[str, Any]:
    """Return how matplotlib draws a row's line."""
    return {
        "color": look.light,
        "linestyle": (0, look.dashes) if look.dashes else "-",
        "linewidth": STRONG if look.is_strong else WIDTH,
    }


def _seeds(grid: Grid, looks: Looks) -> bytes:
    """Draw every seed as a dot, mean and deviation over it."""
    metric = grid.table.metrics[0]
    labels = labels_of(grid.table.rows)
    colours = [looks.of(row).light for row in grid.table.rows]

    def draw(axes: Any, column: Column) -> Handles:
        scores = {row: grid.score(row, column, metric) for row in range(len(labels))}
        seeds = [(100 * value, row) for row, score in scores.items() for value in score.values]
        means = [(100 * s.mean, row, s.std) for row, s in scores.items() if s.mean is not None]
        drawn: Handles = {}
        # One artist for all rows: matplotlib takes long over each.
        if seeds:
            x, y = zip(*seeds, strict=True)
            axes.scatter(x, y, s=5, c=[colours[row] for row in y], zorder=3)
            drawn["seed"] = Line2D([], [], marker="o", markersize=2, linestyle="", color=GREY)
        for label, is_lone in (("mean ± standard deviation", False), ("mean", True)):
            chosen = [mean for mean in means if (mean[2] is None) == is_lone]
            if chosen:
                x, y, deviations = zip(*chosen, strict=True)
                half = None if is_lone else 100 * np.array(deviations)
                drawn[label] = axes.errorbar(
                    x, y, xerr=half, fmt="|", color="black", markersize=6, linewidth=0.7
                )
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        return drawn

    highest = max(map(lines_in, labels))
    height = LINE * (highest + 0.3 * (highest > 1)) * len(labels) + 1.1
    return small_multiples(grid, grid.shown, draw, height, Sides(f"{metric_title(metric)}, %"))
