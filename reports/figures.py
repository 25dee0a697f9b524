"""Geometry of the report's drawings (CMC curves, strips of seeds) and images as data URIs.

Only coordinates are computed here; templates draw them, so colours follow the reader's theme.
"""

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark.records import Record
from reports.grid import Column, Grid
from reports.words import percent

RANKS = 20
EXACT_HEIGHT = 64  # images up to this height go in as they are; larger ones as reduced JPEG
LABEL_GAP = 15.0


# --- images ---------------------------------------------------------------------------------------


def data_uri(image: NDArray[np.uint8], height: int = 128) -> str:
    """An (H, W, 3) uint8 image as a data URI: PNG to the bit when small, else JPEG of `height`."""
    picture = Image.fromarray(image)
    out = io.BytesIO()
    if picture.height <= EXACT_HEIGHT:
        picture.save(out, "PNG", optimize=True)
        return _uri("png", out)
    if picture.height > height:
        width = max(1, round(picture.width * height / picture.height))
        picture = picture.resize((width, height), Image.Resampling.BOX)
    picture.save(out, "JPEG", quality=88, subsampling=0)
    return _uri("jpeg", out)


def _uri(kind: str, content: io.BytesIO) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content.getvalue()).decode('ascii')}"


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
class Tick:
    """A labelled position along an axis."""

    at: float
    text: str


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


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions near `wanted`, in the same order, at least `gap` apart where [low, high] allows."""
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    gap = min(gap, (high - low) / max(1, len(wanted) - 1))
    placed = [0.0] * len(wanted)
    blocks: list[list[int]] = []
    for index in order:
        blocks.append([index])
        while len(blocks) > 1 and _overlap(blocks[-2], blocks[-1], wanted, gap):
            tail = blocks.pop()
            blocks[-1] += tail
    for block in blocks:
        for index, place in zip(block, _block_places(block, wanted, gap), strict=True):
            placed[index] = place
    return _clamped(placed, order, gap, low, high)


def _block_places(block: Sequence[int], wanted: Sequence[float], gap: float) -> list[float]:
    centre = math.fsum(wanted[i] for i in block) / len(block)
    return [centre + gap * (k - (len(block) - 1) / 2) for k in range(len(block))]


def _overlap(
    above: Sequence[int], below: Sequence[int], wanted: Sequence[float], gap: float
) -> bool:
    return _block_places(below, wanted, gap)[0] - _block_places(above, wanted, gap)[-1] < gap


def _clamped(
    placed: list[float], order: Sequence[int], gap: float, low: float, high: float
) -> list[float]:
    """Push positions inside [low, high] without changing their order or gaps."""
    floor = low
    for index in order:
        placed[index] = max(placed[index], floor)
        floor = placed[index] + gap
    ceiling = high
    for index in reversed(order):
        placed[index] = min(placed[index], ceiling)
        ceiling = placed[index] - gap
    return placed


# --- strips of seeds ------------------------------------------------------------------------------


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


def scale(lowest: float, highest: float) -> tuple[float, float]:
    """Round limits around the values, at least ten points apart, inside 0..100."""
    low, high = 5 * math.floor((lowest - 2) / 5), 5 * math.ceil((highest + 2) / 5)
    if high - low < 10:
        low, high = low - 5, high + 5
    return float(max(0, low)), float(min(100, high))


def round_ticks(low: float, high: float) -> list[float]:
    """Two to five round values within the limits."""
    step = next(s for s in (5, 10, 20, 25, 50) if (high - low) / s <= 4 or s == 50)
    first = math.ceil(low / step) * step
    return [float(t) for t in range(int(first), int(high) + 1, step)]


def round_step(span: float, parts: int) -> int:
    """The least of 1, 2, 5, 10, 20, 50, ... that divides a finite `span` into at most `parts`."""
    least = math.ceil(span / parts)
    power: int = 10 ** (len(str(least)) - 1)
    return next((k * power for k in (1, 2, 5) if k * power >= least), 10 * power)


def _along(value: float, low: float, high: float) -> float:
    """Per cent to a position, with a margin so that dots at the limits stay whole."""
    share = min(1.0, max(0.0, (value - low) / (high - low)))
    return round(5 + (STRIP_WIDTH - 10) * share, 1)
