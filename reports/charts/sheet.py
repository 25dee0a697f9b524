"""A contact sheet: identities of data sets as rows of images, at the size that methods see.

Nothing is smoothed: each pixel of an image is a square of so many pixels of the sheet.
"""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from crossres.datasets.pixels.plan import HR_RATES
from crossres.datasets.pixels.samples import Sample
from crossres.datasets.splits.manifest import UNKNOWN_CAMERA
from crossres.reports.charts.files import FIXED, SETTINGS, checked_format, figure_bytes

DPI = 100  # of a PNG, whose pixels are the unit of all lengths below
HEIGHT = 192  # about, of an image in the sheet
LEAST_COLUMN = 88  # a label has room in it
GUTTER, MARGIN, BETWEEN = 8, 20, 36  # between images, around the sheet, between panels
TEXT, HEAD = 11, 14  # sizes of letters
LINE, HEAD_LINE = 16, 22  # from line to line
DESCENT = 4  # from the baseline of a text to the end of its line
LETTER = 0.57  # the mean width of a letter, of its size
MOST = 16_000  # pixels of the sheet from the first row to the last, so that viewers open it
PAPER = 252  # the grey of the background
GREY, BLACK = "0.35", "0.1"
COLUMNS = ("HR gallery", *(f"at rate {rate}" for rate in HR_RATES[1:]), "query")


@dataclass(frozen=True)
class Panel:
    """A block of the sheet: identities of one raw folder, under a title and what to know of it."""

    title: str
    subtitle: str
    samples: Sequence[Sample]


@dataclass(frozen=True)
class Text:
    """A text whose line begins at (x, y), its upper left corner."""

    x: int
    y: int
    text: str
    size: int = TEXT
    colour: str = GREY


@dataclass(frozen=True)
class Placed:
    """An image, (H, W, 3) uint8, whose upper left corner, enlarged, is at (x, y)."""

    x: int
    y: int
    image: NDArray[np.uint8]


@dataclass(frozen=True)
class Measures:
    """The lengths of a sheet whose images are (height, width) before they are enlarged."""

    height: int
    width: int

    @property
    def enlarged(self) -> int:
        """How many pixels of the sheet a pixel of an image has on each side."""
        return max(1, round(HEIGHT / self.height))

    @property
    def column(self) -> int:
        """From one image to the next in a row."""
        return max(self.width * self.enlarged, LEAST_COLUMN) + GUTTER

    @property
    def row(self) -> int:
        """From one image to the one below it: three lines of labels are between them."""
        return self.height * self.enlarged + 3 * LINE + GUTTER

    @property
    def panel(self) -> int:
        """The width of a panel."""
        return len(COLUMNS) * self.column - GUTTER


def most_identities(panels: int, measures: Measures) -> int:
    """Return how many identities each of so many panels may have."""
    return MOST // (measures.row * (panels - panels // 2))


def sheet(panels: Sequence[Panel], notes: Iterable[str], suffix: str) -> bytes:
    """Draw a PDF, PNG or SVG: two panels side by side, two below them, ..., and the notes last.

    All images have one size. The same arguments give the same bytes. InputError for another suffix.
    """
    suffix = checked_format(suffix)
    measures = Measures(*panels[0].samples[0].query.pixels.shape[:2])
    placed: list[Placed | Text] = []
    bottom = MARGIN
    for first in range(0, len(panels), 2):
        beside = panels[first : first + 2]
        # Images begin at one height where the heading beside them has more lines.
        heading = max(len(_wrapped(p.subtitle, measures.panel)) for p in beside) * LINE
        for column, panel in enumerate(beside):
            x = MARGIN + column * (measures.panel + BETWEEN)
            placed += _panel(panel, measures, x, bottom, heading)
        rows = max(len(panel.samples) for panel in beside)
        bottom += HEAD_LINE + heading + LINE + GUTTER // 2 + rows * measures.row + BETWEEN - GUTTER
    width = min(2, len(panels)) * (measures.panel + BETWEEN) - BETWEEN
    lines = [line for note in notes for line in _wrapped(note, width)]
    placed += [Text(MARGIN, bottom + n * LINE, line) for n, line in enumerate(lines)]
    bottom += len(lines) * LINE + MARGIN
    return _drawn(placed, measures.enlarged, width + 2 * MARGIN, bottom, suffix)


def _panel(
    panel: Panel, measures: Measures, x: int, y: int, heading: int
) -> Iterator[Placed | Text]:
    yield Text(x, y, panel.title, HEAD, BLACK)
    y += HEAD_LINE
    for number, line in enumerate(_wrapped(panel.subtitle, measures.panel)):
        yield Text(x, y + number * LINE, line)
    y += heading + GUTTER // 2
    for number, name in enumerate(COLUMNS):
        yield Text(x + number * measures.column, y, name, colour=BLACK)
    for number, sample in enumerate(panel.samples):
        yield from _row(sample, measures, x, y + LINE + number * measures.row)


def _row(sample: Sample, measures: Measures, x: int, y: int) -> Iterator[Placed | Text]:
    below = y + measures.height * measures.enlarged
    for shown in (*sample.gallery, sample.query):
        yield Placed(x, y, shown.pixels)
        labels = ["{} × {}".format(*shown.size)]
        if shown is sample.gallery[0]:
            labels += [f"pid {sample.pid}", _camera(sample.gallery_camid)]
        if shown is sample.query:
            labels += [_rate(shown.rate), _camera(sample.query_camid)]
        for number, label in enumerate(labels):
            yield Text(x, below + number * LINE, label)
        x += measures.column


def _camera(camid: int) -> str:
    return "camera unknown" if camid == UNKNOWN_CAMERA else f"camid {camid}"


def _rate(rate: int) -> str:
    return {0: "natively LR", 1: "HR"}.get(rate, f"rate {rate}")


def _wrapped(text: str, width: int) -> list[str]:
    """Return the lines that a text has in such a width."""
    return textwrap.wrap(text, int(width / LETTER / TEXT))


def _drawn(
    placed: Sequence[Placed | Text], enlarged: int, width: int, height: int, suffix: str
) -> bytes:
    paper = np.full((height, width, 3), PAPER, np.uint8)
    with matplotlib.rc_context({**SETTINGS, **FIXED, "axes.grid": False}):
        figure = Figure((width / DPI, height / DPI))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.axis("off")
        for element in placed:
            if isinstance(element, Placed):
                image = element.image.repeat(enlarged, axis=0).repeat(enlarged, axis=1)
                paper[element.y :, element.x :][: image.shape[0], : image.shape[1]] = image
            else:
                axes.text(
                    element.x, element.y + LINE - DESCENT, element.text,
                    va="baseline", size=element.size * 72 / DPI, color=element.colour,
                    weight="bold" if element.size == HEAD else "normal",
                )  # fmt: skip
        axes.imshow(paper, extent=(0, width, height, 0), aspect="auto", interpolation="none")
        return figure_bytes(figure, suffix, DPI)
