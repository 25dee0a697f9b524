"""CMC curves and results by seed as PDF figures for a paper, as wide as a journal's column.

Vector graphics with embedded TrueType fonts. Rows differ in colour and in the style of their line,
in the colours of Okabe and Ito (2008) that colour-blind readers tell apart.
"""

import io
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from reports.figures import curves_of
from reports.grid import Column, Grid
from reports.latex import COLUMN
from reports.words import metric_title, slug

CM = 1 / 2.54  # in inches
LINE = 0.34  # cm: a line of text with the space below it
PANEL = 3.4  # cm: the least height of a panel of curves
LABEL = 22  # letters of a label on one line
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1.2, 1, 1.2)))  # as many as 7 has no factor of
SETTINGS: Any = {
    "pdf.fonttype": 42,  # TrueType: what publishers ask for, instead of Type 3
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same figure on every machine
    "font.size": 6.5,
    "axes.titlesize": 6.5,
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2,
    "ytick.major.size": 2,
    "grid.color": "0.88",
    "grid.linewidth": 0.4,
    "axes.grid": True,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.borderpad": 0,
    "legend.labelspacing": 0.3,
}


def pdf_figures(grid: Grid) -> dict[str, bytes]:
    """File name -> PDF: the CMC curves, and the table's first metric by seed.

    The same grid gives the same bytes. A figure for which nothing was recorded is left out.
    """
    name = slug(grid.table.id, grid.source, grid.profile)
    drawn = {f"{name}-cmc.pdf": _cmc(grid), f"{name}-seeds.pdf": _seeds(grid)}
    return {file: content for file, content in drawn.items() if content is not None}


def _cmc(grid: Grid) -> bytes | None:
    """Mean CMC over the seeds: a panel for each data set, one legend for all."""
    found = {column: _mean_curves(grid, column) for column in grid.shown}
    found = {column: curves for column, curves in found.items() if curves}
    if not found:
        return None
    labels = _labels(grid)

    def draw(axes: Any, column: Column) -> None:
        for row, curve in found[column].items():
            colour, style = COLOURS[row % len(COLOURS)], STYLES[row % len(STYLES)]
            axes.plot(
                np.arange(1, len(curve) + 1), 100 * curve,
                color=colour, linestyle=style, linewidth=0.9, label=labels[row],
            )  # fmt: skip
        axes.set_xticks([1, 5, 10, 15, 20])
        axes.set_xlabel("Rank", labelpad=1)
        axes.set_ylabel("Matched, %", labelpad=1)
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))

    height = max(PANEL, LINE * (_lines(labels) + 1))
    return _panels(grid, list(found), draw, height, labels)


def _mean_curves(grid: Grid, column: Column) -> dict[int, NDArray[np.float64]]:
    """Row -> (ranks,) mean fractions of the rows that have a curve."""
    curves = {
        row: curves_of(grid.cells[row, column].records, grid.rule(column))
        for row in range(len(grid.table.rows))
    }
    return {row: found.mean(axis=0) for row, found in curves.items() if found is not None}


def _seeds(grid: Grid) -> bytes:
    """Every seed as a dot, mean and standard deviation over it: a panel for each data set."""
    metric = grid.table.metrics[0]
    labels, legend = _labels(grid), ["seed", "mean ±\nstandard deviation"]

    def draw(axes: Any, column: Column) -> None:
        for row in range(len(labels)):
            score = grid.score(row, column, metric)
            if score.mean is None:
                continue
            mean, values = 100 * score.mean, 100 * np.array(score.values)
            half = None if score.std is None else 100 * score.std
            axes.errorbar(
                mean, row, xerr=half, fmt="|", color="black", markersize=6, linewidth=0.7,
                label=legend[1] if half is not None else "mean",
            )  # fmt: skip
            axes.plot(values, [row] * score.n, "o", color=COLOURS[5], markersize=2, label=legend[0])
        axes.set_yticks(range(len(labels)), labels if axes.get_subplotspec().is_first_col() else [])
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.set_xlabel(f"{metric_title(metric)}, %", labelpad=1)

    highest = max(_lines([label]) for label in labels)
    return _panels(grid, grid.shown, draw, LINE * highest * len(labels) + 0.9, legend)


def _labels(grid: Grid) -> list[str]:
    return [textwrap.fill(row.label, LABEL) for row in grid.table.rows]


def _lines(labels: Sequence[str]) -> int:
    return sum(1 + label.count("\n") for label in labels)


def _panels(
    grid: Grid,
    columns: Sequence[Column],
    draw: Callable[[Any, Column], None],
    height: float,
    legend: Sequence[str],
) -> bytes:
    """Panels of `height` cm in two columns, and the labels of a legend where a place is left.

    There is one after an odd number of panels; after an even one it is put below them.
    """
    names = [str(index) for index in range(len(columns))]
    is_odd = len(names) % 2 == 1
    places = [*names, *(["legend"] if is_odd else ["legend", "legend"])]
    mosaic: list[Any] = [places[k : k + 2] for k in range(0, len(places), 2)]
    heights = [height] * len(mosaic)
    if not is_odd:
        half = -(-len(legend) // 2)
        heights[-1] = LINE * (1 + max(_lines(legend[:half]), _lines(legend[half:])))
    with matplotlib.rc_context(SETTINGS):
        figure = Figure((COLUMN * CM, CM * (sum(heights) + LINE * 3)), layout="constrained")
        axes = figure.subplot_mosaic(mosaic, height_ratios=heights)
        for name, column in zip(names, columns, strict=True):
            draw(axes[name], column)
            axes[name].set_title(column.title, pad=3)
        _legend(axes, "center" if is_odd else "upper center", 1 if is_odd else 2)
        if grid.cautions:
            said = "\n".join(textwrap.fill(caution, 60) for caution in grid.cautions)
            figure.suptitle(said, fontsize=6.5, fontweight="bold")
        out = io.BytesIO()
        figure.savefig(out, format="pdf", metadata={"CreationDate": None})
    return out.getvalue()


def _legend(axes: Mapping[str, Any], place: str, columns: int) -> None:
    """Each label of the panels once, in an empty panel."""
    handles: dict[str, Any] = {}
    for panel in axes.values():
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    axes["legend"].axis("off")
    legend = axes["legend"].legend(handles.values(), handles, loc=place, ncols=columns)
    legend.set_in_layout(False)  # or the panels beside it shrink to its width
