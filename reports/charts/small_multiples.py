"""Small multiples as a PDF for a paper: a panel for each data set, shared labels, a legend below.

Vector graphics with embedded TrueType fonts, in the Times-like type of STIX that comes with
matplotlib. As wide as a journal's column, or as its text where there are more panels.
"""

import io
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font

from crossres.benchmark.config.post_processing import MARK
from crossres.benchmark.config.tables import Row
from crossres.reports.charts.files import SETTINGS
from crossres.reports.grid.grid import Column, Grid

CM = 1 / 2.54  # in inches
COLUMN, TEXT = 8.5, 17.0  # cm: what journals leave in a column, and on a page
LINE = 0.36  # cm: a line of text with the space below it
BOLD = 0.135  # cm: the mean width of a bold letter
LABEL = 26  # letters of a label on one line
MOST_IN_COLUMN = 2  # panels side by side
MOST_LABELS = 10  # below panels in a column
MOST_COLUMNS = 7  # of a legend
SIDE_BY_SIDE = (5, 4, 3)  # panels across a page
FONTS = ["STIXGeneral", "DejaVu Serif"]  # a sign that the first one lacks is of the second
TIMES: Any = {**SETTINGS, "font.family": FONTS, "font.size": 7.5, "axes.titlesize": 7.5}
Handles = dict[str, Any]  # label -> what it stands for in the legend


@dataclass(frozen=True)
class Sides:
    """What stands below and to the left of all panels; "" for nothing."""

    below: str
    left: str = ""


def small_multiples(
    grid: Grid,
    columns: Sequence[Column],
    draw: Callable[[Any, Column], Handles],
    height: float,
    sides: Sides,
) -> bytes:
    """Return a PDF of a panel for each column, `height` cm high; the same grid, the same bytes."""
    across, width = layout(len(columns), len(grid.table.rows))
    down = -(-len(columns) // across)
    titles = [textwrap.fill(column.title, LABEL) for column in columns]
    tallest = [max(map(lines_in, titles[k : k + across])) for k in range(0, len(titles), across)]
    head = [line for text in grid.cautions for line in textwrap.wrap(text, int(width / BOLD))]
    with matplotlib.rc_context(TIMES):
        figure = Figure(layout="constrained")
        places = figure.add_gridspec(2, 1)
        above, below = map(figure.add_subfigure, (places[0], places[1]))
        panels = list(above.subplots(down, across, squeeze=False, sharey=True).flat)
        handles: Handles = {}
        for axes, column, title in zip(panels, columns, titles, strict=False):
            for label, handle in draw(axes, column).items():
                handles.setdefault(label, handle)
            axes.set_title(title, pad=3)
        for axes in panels[len(columns) :]:
            axes.axis("off")
        above.supxlabel(sides.below, size=TIMES["font.size"])
        above.supylabel(sides.left, size=TIMES["font.size"])
        above.suptitle("\n".join(head), size=TIMES["font.size"], weight="bold")
        legend = _legend(below, handles, width) + LINE
        heights = [height * down + LINE * (len(head) + sum(tallest) + 1), legend]
        figure.set_size_inches(width * CM, sum(heights) * CM)
        places.set_height_ratios(heights)
        out = io.BytesIO()
        # Not `savefig`, which draws everything twice.
        canvas: Any = FigureCanvasPdf(figure)
        canvas.print_pdf(out, metadata={"CreationDate": None})
    return out.getvalue()


def layout(panels: int, labels: int) -> tuple[int, float]:
    """Return how many panels stand side by side, with as few holes as may be, and the width, cm.

    Figures of few panels are as wide as a column, unless there are too many `labels` below them.
    """
    if labels <= MOST_LABELS and (panels <= MOST_IN_COLUMN or panels == 4):
        return min(panels, MOST_IN_COLUMN), COLUMN
    if panels <= max(SIDE_BY_SIDE):
        return panels, TEXT
    return min(SIDE_BY_SIDE, key=lambda across: (-panels % across, -across)), TEXT


def labels_of(rows: Sequence[Row]) -> list[str]:
    """Return the labels in short lines; "row 3" for one with signs that the fonts do not have."""
    fonts = [get_font(findfont(name)) for name in FONTS]
    return [
        textwrap.fill(row.label, LABEL)
        if all(any(font.get_char_index(ord(sign)) for font in fonts) for sign in row.label)
        else f"row {number}{f' {MARK}' if row.post_processing else ''}"
        for number, row in enumerate(rows, start=1)
    ]


def lines_in(label: str) -> int:
    """Return in how many lines a label stands."""
    return 1 + label.count("\n")


def _legend(part: Any, handles: Handles, width: float) -> float:
    """Draw each label once, in as many columns as `width` cm has room for; returns its height, cm.

    `part` of a figure is for the legend alone.
    """
    canvas: Any = FigureCanvasAgg(part.figure)
    renderer = canvas.get_renderer()
    for columns in range(min(len(handles), MOST_COLUMNS), 0, -1):
        # matplotlib leaves out labels that begin with "_", so the texts are set afterwards.
        numbers = list(map(str, range(len(handles))))
        legend = part.legend(
            handles.values(), numbers, loc="center", ncols=columns, columnspacing=1.5
        )
        for text, label in zip(legend.get_texts(), handles, strict=True):
            text.set_text(label)
        extent = legend.get_window_extent(renderer)
        if columns == 1 or extent.width / part.figure.dpi <= width * CM:
            return float(extent.height / part.figure.dpi / CM)
        legend.remove()
    return 0.0
