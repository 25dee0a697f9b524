"""Learning curves of a grid: for each row and loss one small drawing, mean and range over seeds.

Rows without curves (methods that note no loss, cells of older versions) are not mentioned.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.records.artifacts import Arrays, ArtifactFolder
from crossres.reports.grid.grid import Column, Grid
from crossres.reports.wording import MINUS

NAMES = ("curve_names", "curve_means", "curve_counts")
# Half pixels: whole numbers make short paths.
WIDTH, HEIGHT = 244, 120

Values = NDArray[np.float64]


@dataclass(frozen=True)
class CurvePanel:
    """One loss: its line and band as SVG paths, and where a mean was no finite number.

    `ends` are the first and the last value in words, `lost` says when it was first not finite.
    """

    name: str
    ends: tuple[str, str]
    low: str
    high: str
    line: str
    band: str
    gone: str
    lost: str


@dataclass(frozen=True)
class RowCurves:
    """The losses of one row."""

    row: int
    label: str
    panels: tuple[CurvePanel, ...]


@dataclass(frozen=True)
class Learning:
    """All learning curves of one column."""

    column: Column
    rows: tuple[RowCurves, ...]


def learning_of(grid: Grid, artifacts: ArtifactFolder) -> tuple[Learning, ...]:
    """Return the curves of each column that has any."""
    by_column = [Learning(column, _rows(grid, column, artifacts)) for column in grid.shown]
    return tuple(learning for learning in by_column if learning.rows)


def _rows(grid: Grid, column: Column, artifacts: ArtifactFolder) -> tuple[RowCurves, ...]:
    rows = []
    for row, chosen in enumerate(grid.table.rows):
        records = grid.cells[row, column].records
        kept = [read_curves(artifacts, record.key) for record in records]
        if curves := [by_loss for by_loss in kept if by_loss]:
            rows.append(RowCurves(row, chosen.label, panels_of(curves)))
    return tuple(rows)


def read_curves(artifacts: ArtifactFolder, key: str) -> dict[str, Values] | None:
    """Return loss -> means by bin, (B,): NaN without a value, infinite where it was not finite.

    None where none were kept, or they cannot be read.
    """
    arrays = artifacts.read(key, NAMES, _fault)
    if arrays is None:
        return None
    names, means, counts = (arrays[name] for name in NAMES)
    broken = (counts > 0) & ~np.isfinite(means)
    values = np.where(broken, np.inf, np.where(counts > 0, means, np.nan))
    return {str(name): row for name, row in zip(names, values, strict=True)}


def _fault(arrays: Arrays) -> str:
    names, means, counts = (arrays[name] for name in NAMES)
    if means.ndim != 2 or means.shape != counts.shape or len(names) != len(means):
        return "its learning curves do not fit each other"
    return ""


def panels_of(seeds: Sequence[dict[str, Values]]) -> tuple[CurvePanel, ...]:
    """Return one panel for each loss that any seed noted, in their order."""
    names = dict.fromkeys(name for curves in seeds for name in curves)
    return tuple(_panel(name, [c[name] for c in seeds if name in c]) for name in names)


def _panel(name: str, curves: Sequence[Values]) -> CurvePanel:
    bins = max(map(len, curves))
    seeds = np.stack([_stretched(curve, bins) for curve in curves])
    broken = np.isinf(seeds).any(axis=0)
    places = [int(k) for k in np.flatnonzero(np.isfinite(seeds).any(axis=0))]
    finite = [seeds[np.isfinite(seeds[:, k]), k] for k in places]
    middle = [float(values.mean()) for values in finite]
    least, most = [float(v.min()) for v in finite], [float(v.max()) for v in finite]
    low, high = limits(least, most)
    x = [round(WIDTH * (k + 0.5) / bins) for k in range(bins)]

    def drawn(values: Sequence[float]) -> list[tuple[int, int]]:
        up = [round(HEIGHT * (high - value) / (high - low)) for value in values]
        return [(x[k], y) for k, y in zip(places, up, strict=True)]

    first = int(np.flatnonzero(broken)[0]) if broken.any() else None
    return CurvePanel(
        name,
        (number(middle[0]), number(middle[-1])) if middle else ("–", "–"),
        number(low),
        number(high),
        _path(drawn(middle), {x[k] for k in np.flatnonzero(broken)}),
        _path(drawn(most) + drawn(least)[::-1], set()) if len(seeds) > 1 else "",
        "".join(f"M{x[k]} 0V{HEIGHT}" for k in np.flatnonzero(broken)),
        "" if first is None else f"not finite from {100 * first / bins:.0f} % of the training",
    )


def _stretched(curve: Values, bins: int) -> Values:
    """Stretch a curve of fewer bins over `bins`: trainings have them only up to 50 steps."""
    return np.asarray(curve[(2 * np.arange(bins) + 1) * len(curve) // (2 * bins)])


def limits(least: Sequence[float], most: Sequence[float]) -> tuple[float, float]:
    """Round limits of an axis: from 0 where nothing is negative; never of no length."""
    low, high = min(least, default=0.0), max(most, default=0.0)
    step = _step(max(abs(low), abs(high)))
    low = min(0.0, math.floor(low / step) * step)
    return low, max(low + step, math.ceil(high / step) * step if high > 0 else 0.0)


def _step(largest: float) -> float:
    """Return a fifth of the decade: limits are one or two digits and not much too wide."""
    return 10.0 ** math.floor(math.log10(largest)) / 5 if largest > 0 else 1.0


def number(value: float) -> str:
    """Return a loss in three digits: "12.3", "0.00452", "3,860", "2.01e−05"."""
    text = f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"
    return text.replace("-", MINUS)


def _path(points: Sequence[tuple[int, int]], breaks: set[int]) -> str:
    """Join the points, but not across an x of `breaks`; a point alone is a dot."""
    path, before = "", None
    for x, y in points:
        joined = before is not None and not any(before <= at <= x for at in breaks)
        path += f"L{x} {y}" if joined else f"M{x} {y}h0"
        before = x
    return path
