"""Geometry of CMC curves.

Only coordinates are computed here, x in per cent of a drawing's width and y in pixels; templates
draw them, so colours follow the reader's theme, and a page lays them out anew at any width.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.records.record import Record
from crossres.reports.charts.axis import Axis, Tick, spread
from crossres.reports.grid.grid import Column, Grid
from crossres.reports.wording import percent

RANKS = 20
LABEL_GAP = 15.0
TOP, BOTTOM = 14, 246


@dataclass(frozen=True)
class Curve:
    """One row's mean CMC: SVG points of the line, and of the band from lowest to highest seed."""

    row: int
    label: str
    start: str
    points: str
    band: str
    first_y: float
    label_y: float


@dataclass(frozen=True)
class CmcPlot:
    """One data set's CMC curves; curves are labelled at their left end, where they differ most."""

    column: Column
    bottom: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    curves: tuple[Curve, ...]
    summary: str


def cmc_plot(grid: Grid, column: Column) -> CmcPlot | None:
    """Draw the CMC curves of one column: mean and band over the seeds; None without data."""
    by_row = {
        row: curves
        for row in range(len(grid.table.rows))
        if (curves := curves_of(grid.cells[row, column].records, grid.rule(column))) is not None
    }
    if not by_row:
        return None
    lowest = min(float(curves.min()) for curves in by_row.values())
    ranks = min(curves.shape[1] for curves in by_row.values())
    low = min(0.9, max(0.0, math.floor(10 * lowest - 0.25) / 10))
    x, y = Axis(1, max(2, ranks), 0, 100), Axis(low, 1.0, BOTTOM, TOP)
    starts = [y.exactly(float(curves[:, 0].mean())) for curves in by_row.values()]
    labels = spread(starts, LABEL_GAP, TOP + 4, BOTTOM - 4)
    drawn = tuple(
        _curve(grid, row, curves[:, :ranks], x, y, label_y)
        for (row, curves), label_y in zip(by_row.items(), labels, strict=True)
    )
    step = 0.2 if low < 0.4 else 0.1
    shares = [round(low + step * k, 1) for k in range(int((1 - low) / step + 1e-9) + 1)]
    return CmcPlot(
        column,
        bottom=BOTTOM,
        x_ticks=tuple(Tick(x.at(r), str(r)) for r in (1, 5, 10, 15, 20) if r <= ranks),
        y_ticks=tuple(Tick(y.at(share), f"{100 * share:.0f}") for share in shares),
        curves=drawn,
        summary="; ".join(f"{curve.label}: rank-1 {curve.start} per cent" for curve in drawn),
    )


def curves_of(records: Sequence[Record], gallery: str) -> NDArray[np.float64] | None:
    """Return (seeds, ranks) fractions, cut to the shortest curve and to RANKS."""
    curves = [record.cmc[gallery] for record in records if record.cmc.get(gallery)]
    if not curves:
        return None
    ranks = min(RANKS, *map(len, curves))
    return np.array([curve[:ranks] for curve in curves], dtype=np.float64)


def _curve(
    grid: Grid, row: int, curves: NDArray[np.float64], x: Axis, y: Axis, label_y: float
) -> Curve:
    def line(shares: NDArray[np.float64]) -> list[tuple[float, float]]:
        return [(x.at(rank), y.at(share)) for rank, share in enumerate(shares.tolist(), start=1)]

    mean = curves.mean(axis=0)
    return Curve(
        row,
        grid.table.rows[row].label,
        percent(float(mean[0])),
        _points(line(mean)),
        _points(line(curves.max(axis=0)) + line(curves.min(axis=0))[::-1]),
        y.at(float(mean[0])),
        label_y,
    )


def _points(pairs: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in pairs)
