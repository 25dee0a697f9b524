r"""Numbers as a booktabs tabular: groups side by side, in panels below each other.

Every number has one decimal, so cells that are padded to one shape align on the point in plain `c`
columns. TeX measures what depends on widths: long labels break, and a table that is wider than the
line all the same is shrunk to it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from crossres.reports.grid.grid import Mark

# What fits 17 cm in \footnotesize side by side: data sets, and numbers, of which there are fewer
# where they have deviations, and where more than a label stands to their left.
MOST_DATA_SETS, MOST_NUMBERS, FEWER = 5, 15, 3
WITH_DEVIATIONS = 6  # fewer
MOST_HEADS = 7  # where the heads of columns are labels of rows
HEAD_LINES, PAGE_LINES = 3, 56  # of a panel; in a float with its notes
CLOSE = 12  # numbers on a line above which columns stand closer
MACROS = r"""\providecommand*{\crossrespm}[1]{{\mdseries\scriptsize$\pm$#1}}
\providecommand*{\crossrestie}{\rlap{\textsuperscript{\tiny=}}}
\providecommand*{\crossresbest}[1]{\sbox0{#1}\makebox[\wd0][r]{\bfseries#1}}
\providecommand*{\crossreslabel}[1]{\sbox0{#1}\ifdim\wd0>.3\linewidth
  \parbox[t]{.3\linewidth}{\raggedright\strut#1\strut}\else#1\fi}
\providecommand*{\crossreshead}[1]{\sbox0{#1}\ifdim\wd0>5.2em
  \parbox[b]{5.2em}{\centering\hspace{0pt}\strut#1\strut}\else#1\fi}
\providecommand*{\crossresfit}[1]{\sbox0{#1}\ifdim\wd0>\linewidth
  \resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi}
"""


@dataclass(frozen=True)
class Number:
    """What one cell prints: a mean and its deviation in per cent ("51.3", "3.3"), or that it lacks.

    `is_blank`: there is nothing that it could lack.
    """

    mean: str = ""
    std: str = ""
    mark: Mark = ""
    is_blank: bool = False


@dataclass(frozen=True)
class Group:
    """Columns of numbers that stay together: their title, and their heads, all as LaTeX.

    `spans` are heads above those, each with how many of these it is above.
    """

    title: str
    heads: tuple[str, ...]
    spans: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class TabularLine:
    """One row: its cells to the left of the numbers, as LaTeX, and the numbers by group.

    `is_apart`: below a rule. `is_spaced`: below a little space.
    """

    left: tuple[str, ...]
    numbers: tuple[tuple[Number, ...], ...]
    is_apart: bool = False
    is_spaced: bool = False


@dataclass(frozen=True)
class Section:
    """Rows of one kind, under a rule and a heading unless it is empty."""

    heading: str
    lines: tuple[TabularLine, ...]


@dataclass(frozen=True)
class TabularBlock:
    """One tabular: the heads of its left columns in two lines, its groups, and its sections."""

    left: tuple[tuple[str, str], ...]
    groups: tuple[Group, ...]
    sections: tuple[Section, ...]

    @cached_property
    def widest(self) -> Number:
        """The most digits that any mean and any deviation has, as a number of zeros."""
        numbers = list(self.numbers)
        mean = max((len(number.mean) for number in numbers), default=0)
        std = max((len(number.std) for number in numbers), default=0)
        return Number("0" * mean, "0" * std)

    @property
    def numbers(self) -> Iterator[Number]:
        """All numbers, by section and line."""
        for section in self.sections:
            for line in section.lines:
                for part in line.numbers:
                    yield from part

    @property
    def usual_size(self) -> int:
        """How many groups fit a page of two columns side by side, whatever their names are."""
        widest = max(len(group.heads) for group in self.groups)
        if widest == 1 and not any(group.title for group in self.groups):
            return MOST_HEADS
        fewer = WITH_DEVIATIONS * bool(self.widest.std) + FEWER * (len(self.left) > 1)
        return min(MOST_DATA_SETS, max(1, (MOST_NUMBERS - fewer) // widest))


def panels_of(block: TabularBlock, panel_size: int | None = None) -> list[range]:
    """Return which groups stand side by side: at most `panel_size`, in even panels.

    By default as many as `usual_size` says.
    """
    count = len(block.groups)
    size = -(-count // -(-count // (panel_size or block.usual_size)))
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def pages_of(block: TabularBlock, panels: Sequence[range]) -> list[list[range]]:
    """Return which panels stand in one float: as many as a page has room for, evenly."""
    lines = HEAD_LINES + sum(len(section.lines) + 1 for section in block.sections)
    most = max(1, PAGE_LINES // lines)
    size = -(-len(panels) // -(-len(panels) // most))
    return [list(panels[start : start + size]) for start in range(0, len(panels), size)]


def tabular(block: TabularBlock, panels: Sequence[range]) -> str:
    """Return the panels below each other. All groups have the same number of heads."""
    numbers = max(map(len, panels)) * len(block.groups[0].heads)
    kinds = "l" * len(block.left) + "c" * numbers
    space = "2.8pt" if numbers > CLOSE else "4.4pt"
    return "\n".join(
        [
            rf"\crossresfit{{\setlength{{\tabcolsep}}{{{space}}}%",
            rf"\begin{{tabular}}{{@{{}}{kinds}@{{}}}}",
            r"\toprule",
            "\n\\midrule\n".join("\n".join(_panel(block, panel)) for panel in panels),
            r"\bottomrule",
            r"\end{tabular}}",
        ]
    )


def _panel(block: TabularBlock, panel: range) -> Iterator[str]:
    groups = [block.groups[index] for index in panel]
    above, below = zip(*block.left, strict=True)
    if any(group.title for group in groups):
        yield from _spanning(above, [(group.title, len(group.heads)) for group in groups])
        above = ("",) * len(above)
    if any(group.spans for group in groups):
        yield from _spanning(above, [span for group in groups for span in group.spans])
        above = ("",) * len(above)
    heads = [head for group in groups for head in group.heads]
    if any(above):  # nothing is above the numbers, so both lines of the left heads stand beside
        below = tuple(" ".join(filter(None, pair)) for pair in block.left)
    yield _row(*below, *heads)
    for section in block.sections:
        yield r"\midrule"
        if section.heading:
            yield rf"\multicolumn{{{len(below) + len(heads)}}}{{@{{}}l}}{{{section.heading}}} \\"
        yield from _lines(section, block.widest, panel)


def _spanning(left: tuple[str, ...], spans: list[tuple[str, int]]) -> Iterator[str]:
    """Yield heads that span columns, and the rules below them."""
    yield _row(*left, *(rf"\multicolumn{{{width}}}{{c}}{{{head}}}" for head, width in spans))
    rules, start = [], len(left) + 1
    for _, width in spans:
        rules.append(rf"\cmidrule(lr){{{start}-{start + width - 1}}}")
        start += width
    yield "".join(rules)


def _lines(section: Section, widest: Number, panel: range) -> Iterator[str]:
    for line in section.lines:
        label, *left = line.left
        numbers = [_cell(number, widest) for index in panel for number in line.numbers[index]]
        if line.is_apart:
            yield r"\midrule"
        if line.is_spaced:
            yield r"\addlinespace[2pt]"
        yield _row(rf"\crossreslabel{{{label}}}", *left, *numbers)


def _cell(number: Number, widest: Number) -> str:
    """Return the number, padded to the shape of the widest one."""
    if not number.mean:
        return "" if number.is_blank else "--"
    form = {"best": r"\crossresbest{%s}", "second": r"\underline{%s}"}.get(number.mark, "%s")
    tie = r"\crossrestie" if number.mark == "tie" else ""
    mean = _phantom(widest.mean[len(number.mean) :]) + form % number.mean
    if not widest.std:
        return mean + tie
    room = rf"\phantom{{\crossrespm{{0.{widest.std[2:]}}}}}"
    if not number.std:
        return mean + tie + room
    if tie and len(number.std) < len(widest.std):
        # The mark stands by its number, not behind the room for a wider deviation.
        return mean + rf"\rlap{{\crossrespm{{{number.std}}}{tie}}}{room}"
    return mean + rf"\crossrespm{{{number.std}{_phantom(widest.std[len(number.std) :])}}}" + tie


def _phantom(digits: str) -> str:
    return rf"\phantom{{{digits}}}" if digits else ""


def _row(*cells: str) -> str:
    return " & ".join(cells) + r" \\"
