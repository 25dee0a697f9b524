"""CMC curves and results by seed as PDF figures for a paper, as wide as a journal's column.

Vector graphics with embedded TrueType fonts. Rows differ in colour and in the style of their line,
in the colours of Okabe and Ito (2008) that colour-blind readers tell apart.
"""

import io
import textwrap
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from crossres.benchmark.config.post_processing import MARK
from crossres.reports.charts.cmc import curves_of
from crossres.reports.charts.parts import Parts, nothing
from crossres.reports.grid.grid import Column, Grid
from crossres.reports.tables.latex import COLUMN
from crossres.reports.wording import metric_title, slug

CM = 1 / 2.54  # in inches
LINE = 0.34  # cm: a line of text with the space below it
PANEL = 3.4  # cm: the least height of a panel of curves
LABEL = 22  # letters of a label on one line
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1.2, 1, 1.2)))  # as many as 7 has no factor of
Handles = dict[str, Any]  # label -> what it stands for in a legend
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
    "text.parse_math": False,  # a label is text, whatever signs are in it
}


def pdf_figures(grid: Grid, parts: Parts) -> dict[str, bytes | None]:
    """Return file name -> PDF: the CMC curves, and the table's first metric by seed.

    The same grid gives the same bytes. None: nothing was recorded for it, or it could not be drawn.
    """
    name = slug(grid.table.id, grid.source, grid.profile)
    drawn = {f"{name}-cmc.pdf": _cmc, f"{name}-seeds.pdf": _seeds}
    return {
        file: parts.draw(f"the figure {file}", partial(draw, grid), nothing)
        for file, draw in drawn.items()
    }


def _cmc(grid: Grid) -> bytes | None:
    """Draw the mean CMC over the seeds: a panel for each data set, one legend for all."""
    by_column = {column: _mean_curves(grid, column) for column in grid.shown}
    by_column = {column: curves for column, curves in by_column.items() if curves}
    if not by_column:
        return None
    labels = _labels(grid)

    def draw(axes: Any, column: Column) -> Handles:
        drawn: Handles = {}
        for row, curve in by_column[column].items():
            colour, style = COLOURS[row % len(COLOURS)], STYLES[row % len(STYLES)]
            (drawn[labels[row]],) = axes.plot(
                np.arange(1, len(curve) + 1), 100 * curve,
                color=colour, linestyle=style, linewidth=0.9,
            )  # fmt: skip
        axes.set_xticks([1, 5, 10, 15, 20])
        axes.set_xlabel("Rank", labelpad=1)
        axes.set_ylabel("Matched, %", labelpad=1)
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        return drawn

    height = max(PANEL, LINE * (_lines(labels) + 1))
    return _panels(grid, list(by_column), draw, height, labels)


def _mean_curves(grid: Grid, column: Column) -> dict[int, NDArray[np.float64]]:
    """Return row -> (ranks,) mean fractions of the rows that have a curve."""
    curves = {
        row: curves_of(grid.cells[row, column].records, grid.rule(column))
        for row in range(len(grid.table.rows))
    }
    return {row: by_seed.mean(axis=0) for row, by_seed in curves.items() if by_seed is not None}


def _seeds(grid: Grid) -> bytes:
    """Draw every seed as a dot, mean and deviation over it: a panel for each data set."""
    metric = grid.table.metrics[0]
    labels, legend = _labels(grid), ["seed", "mean ±\nstandard deviation"]

    def draw(axes: Any, column: Column) -> Handles:
        scores = {row: grid.score(row, column, metric) for row in range(len(labels))}
        seeds = [(100 * value, row) for row, score in scores.items() for value in score.values]
        means = [(100 * s.mean, row, s.std) for row, s in scores.items() if s.mean is not None]
        drawn: Handles = {}
        # One artist for all rows: matplotlib takes long over each.
        if seeds:
            (drawn[legend[0]],) = axes.plot(
                *zip(*seeds, strict=True), "o", color=COLOURS[5], markersize=2, zorder=3
            )
        for label, is_lone in ((legend[1], False), ("mean", True)):
            chosen = [mean for mean in means if (mean[2] is None) == is_lone]
            if chosen:
                x, y, deviations = zip(*chosen, strict=True)
                half = None if is_lone else 100 * np.array(deviations)
                drawn[label] = axes.errorbar(
                    x, y, xerr=half, fmt="|", color="black", markersize=6, linewidth=0.7
                )
        axes.set_yticks(range(len(labels)), labels if axes.get_subplotspec().is_first_col() else [])
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.set_xlabel(f"{metric_title(metric)}, %", labelpad=1)
        return drawn

    highest = max(_lines([label]) for label in labels)
    return _panels(grid, grid.shown, draw, LINE * highest * len(labels) + 0.9, legend)


def _labels(grid: Grid) -> list[str]:
    """Return the rows' labels in short lines; "row 3" for one whose signs the font has not."""
    font = get_font(findfont(SETTINGS["font.family"]))
    return [
        textwrap.fill(row.label, LABEL)
        if all(font.get_char_index(ord(sign)) for sign in row.label)
        else f"row {number}{f' {MARK}' if row.post_processing else ''}"
        for number, row in enumerate(grid.table.rows, start=1)
    ]


def _lines(labels: Sequence[str]) -> int:
    return sum(1 + label.count("\n") for label in labels)


def _panels(
    grid: Grid,
    columns: Sequence[Column],
    draw: Callable[[Any, Column], Handles],
    height: float,
    legend: Sequence[str],
) -> bytes:
    """Make panels of `height` cm in two columns, and the labels of a legend where a place is left.

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
        handles: Handles = {}
        for name, column in zip(names, columns, strict=True):
            for label, handle in draw(axes[name], column).items():
                handles.setdefault(label, handle)
            axes[name].set_title(column.title, pad=3)
        _legend(axes["legend"], handles, is_odd)
        if grid.cautions:
            text = "\n".join(textwrap.fill(caution, 60) for caution in grid.cautions)
            figure.suptitle(text, fontsize=6.5, fontweight="bold")
        out = io.BytesIO()
        figure.savefig(out, format="pdf", metadata={"CreationDate": None})
    return out.getvalue()


def _legend(axes: Any, handles: Handles, is_beside: bool) -> None:
    """Draw each label of the panels once, in an empty panel: beside the others or below them."""
    axes.axis("off")
    location, columns = ("center", 1) if is_beside else ("upper center", 2)
    # matplotlib leaves out labels that begin with "_", so the texts are set afterwards.
    numbers = list(map(str, range(len(handles))))
    legend = axes.legend(handles.values(), numbers, loc=location, ncols=columns)
    for text, label in zip(legend.get_texts(), handles, strict=True):
        text.set_text(label)
    legend.set_in_layout(False)  # or the panels beside it shrink to its width
