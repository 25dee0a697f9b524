"""Geometry of the report's drawings (CMC curves, strips of seeds) and images as data URIs.

Only coordinates are computed here; templates draw them, so colours follow the reader's theme.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.records.record import Record
from crossres.reports.charts.axis import Tick, spread
from crossres.reports.grid.grid import Column, Grid
from crossres.reports.wording import percent

RANKS = 20
LABEL_GAP = 15.0


# --- images ---------------------------------------------------------------------------------------


# --- CMC curves -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Curve:
    """One row's mean CMC: SVG points of the line, and of the band from lowest to highest seed."""

    row: int
    label: str
    start: str
    points: str
    band: str
    first: tuple[float, float]
    label_y: float


@dataclass(frozen=True)
class CmcPlot:
    """One data set's CMC curves; curves are labelled at their left end, where they differ most."""

    column: Column
    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    curves: tuple[Curve, ...]
    summary: str


@dataclass(frozen=True)
class _Frame:
    left: float
    right: float
    top: float
    bottom: float
    ranks: int
    low: float

    def x(self, rank: float) -> float:
        return self.left + (self.right - self.left) * (rank - 1) / max(1, self.ranks - 1)

    def y(self, fraction: float) -> float:
        return self.bottom - (self.bottom - self.top) * (fraction - self.low) / (1 - self.low)

    def line(self, fractions: NDArray[np.float64]) -> list[tuple[float, float]]:
        shown = fractions[: self.ranks].tolist()
        return [(self.x(rank), self.y(value)) for rank, value in enumerate(shown, start=1)]


def cmc_plot(grid: Grid, column: Column) -> CmcPlot | None:
    """The CMC curves of one column: mean and band over the seeds; None without data."""
    found = {
        row: curves
        for row in range(len(grid.table.rows))
        if (curves := curves_of(grid.cells[row, column].records, grid.rule(column))) is not None
    }
    if not found:
        return None
    lowest = min(float(curves.min()) for curves in found.values())
    ranks = min(curves.shape[1] for curves in found.values())
    low = min(0.9, max(0.0, math.floor(10 * lowest - 0.25) / 10))
    frame = _Frame(left=212, right=514, top=14, bottom=246, ranks=ranks, low=low)
    starts = [frame.y(float(curves[:, 0].mean())) for curves in found.values()]
    places = spread(starts, LABEL_GAP, frame.top + 4, frame.bottom - 4)
    drawn = tuple(
        _curve(grid, row, curves, frame, place)
        for (row, curves), place in zip(found.items(), places, strict=True)
    )
    step = 0.2 if low < 0.4 else 0.1
    shares = [round(low + step * k, 1) for k in range(int((1 - low) / step + 1e-9) + 1)]
    return CmcPlot(
        column,
        width=558,
        height=284,
        left=frame.left,
        right=frame.right,
        top=frame.top,
        bottom=frame.bottom,
        x_ticks=tuple(Tick(frame.x(r), str(r)) for r in (1, 5, 10, 15, 20) if r <= ranks),
        y_ticks=tuple(Tick(frame.y(share), f"{100 * share:.0f}") for share in shares),
        curves=drawn,
        summary="; ".join(f"{curve.label}: rank-1 {curve.start} per cent" for curve in drawn),
    )


def curves_of(records: Sequence[Record], gallery: str) -> NDArray[np.float64] | None:
    """(seeds, ranks) fractions, cut to the shortest curve and to RANKS."""
    curves = [record.cmc[gallery] for record in records if record.cmc.get(gallery)]
    if not curves:
        return None
    ranks = min(RANKS, *map(len, curves))
    return np.array([curve[:ranks] for curve in curves], dtype=np.float64)


def _curve(
    grid: Grid, row: int, curves: NDArray[np.float64], frame: _Frame, label_y: float
) -> Curve:
    mean = curves.mean(axis=0)
    return Curve(
        row,
        grid.table.rows[row].label,
        percent(float(mean[0])),
        _points(frame.line(mean)),
        _points(frame.line(curves.max(axis=0)) + frame.line(curves.min(axis=0))[::-1]),
        (frame.x(1), frame.y(float(mean[0]))),
        label_y,
    )


def _points(pairs: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in pairs)


# --- strips of seeds ------------------------------------------------------------------------------
