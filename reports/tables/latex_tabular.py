r"""Numbers as a booktabs tabular of siunitx columns that fits a width: too many data sets become
panels below each other, for type that is shrunk until it fits cannot be read.

All widths are estimates in points for Computer Modern at 8 pt, \footnotesize in a 10 pt article.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from crossres.reports.grid.grid import Mark

POINTS_PER_CM = 28.45
GAP, WIDEST_GAP = 6.6, 11.0  # between two columns; the second where there is room
LABEL_SHARE = 0.3  # of the width; a label that is longer is broken into lines
MACROS = r"""\providecommand*{\crossrespm}[1]{{\mdseries\scriptsize$\pm$#1}}
\providecommand*{\crossrestie}{\rlap{\textsuperscript{\tiny=}}}
"""
_EM = 8.5
_DIGIT, _POINT, _WIDE, _LETTER, _NARROW = 4.25, 2.4, 6.3, 4.4, 2.9
_SMALL_DIGIT, _SMALL_PM = 4.0, 8.5  # of a deviation; the second with its point
_BOLD = 2.4  # what bold adds to a number
_COMMAND = re.compile(r"\\[A-Za-z]+|[{}$\\]")


@dataclass(frozen=True)
class Number:
    """What one cell prints: a mean and its deviation in per cent ("51.3", "3.3"), or nothing."""

    mean: str = ""
    std: str = ""
    mark: Mark = ""


@dataclass(frozen=True)
class TabularLine:
    """One row: its cells to the left of the numbers, as LaTeX, and the numbers by data set."""

    left: tuple[str, ...]
    numbers: tuple[tuple[Number, ...], ...]


@dataclass(frozen=True)
class TabularBlock:
    """One tabular: the heads of its left columns in two lines, its data sets, metrics and rows."""

    heads: tuple[tuple[str, str], ...]
    titles: tuple[str, ...]
    metrics: tuple[str, ...]
    lines: tuple[TabularLine, ...]

    @cached_property
    def left_widths(self) -> list[float]:
        """The widths in points of the columns to the left of the numbers."""
        cells = zip(self.heads, *(line.left for line in self.lines), strict=True)
        return [max(map(text_width, (*head, *column))) for head, *column in cells]

    @property
    def natural_width(self) -> float:
        """The width in points with all data sets side by side."""
        left = sum(self.left_widths) + GAP * (len(self.heads) - 1)
        return left + _width(self, _columns(self, [range(len(self.titles))]))


@dataclass(frozen=True)
class _Column:
    """What all numbers above each other need: digits before the points, and room for bold."""

    digits: int
    std_digits: int
    is_bold: bool

    @property
    def width(self) -> float:
        std = _SMALL_PM + _SMALL_DIGIT * (self.std_digits + 1) if self.std_digits else 0.0
        return _DIGIT * (self.digits + 1) + _POINT + std + _BOLD * self.is_bold


def tabular(block: TabularBlock, width: float) -> str:
    """The block for a line of `width` points, in as many panels of data sets as that takes."""
    left, label = _left(block, width)
    panels = _panels(block, width - left)
    columns = _columns(block, panels)
    gaps = len(columns) + len(block.heads) - 1
    gap = min(WIDEST_GAP, max(GAP, GAP + (width - left - _width(block, columns)) / gaps))
    kinds = label + "l" * (len(block.heads) - 1) + _kinds(columns)
    return "\n".join(
        [
            rf"{{\setlength{{\tabcolsep}}{{{gap / 2:.1f}pt}}%",
            rf"{_column_width(block, columns)}\sbox0{{%",
            rf"\begin{{tabular}}{{@{{}}{kinds}@{{}}}}",
            r"\toprule",
            "\n\\midrule\n".join(_panel(block, panel, columns) for panel in panels),
            r"\bottomrule",
            r"\end{tabular}}%",
            r"\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi}",
        ]
    )


def text_width(latex: str) -> float:
    """About how many points a line of LaTeX takes at 8 pt."""
    return sum(_sign_width(sign) for sign in _COMMAND.sub("", latex))


def _sign_width(sign: str) -> float:
    if sign.isupper() or sign in "mw+=&%":
        return _WIDE
    return _NARROW if sign in " .,:;-/|()[]'fijlrt" else _LETTER


# --- how wide, and in how many panels -------------------------------------------------------------


def _panels(block: TabularBlock, width: float) -> list[range]:
    """The data sets in the fewest panels that fit `width`, as even as can be."""
    sets = len(block.titles)
    for count in range(1, sets + 1):
        size = -(-sets // count)
        panels = [range(start, min(start + size, sets)) for start in range(0, sets, size)]
        if _width(block, _columns(block, panels)) <= width:
            break
    return panels


def _columns(block: TabularBlock, panels: Sequence[range]) -> list[_Column]:
    stacks: list[list[Number]] = [[] for _ in range(len(panels[0]) * len(block.metrics))]
    for panel in panels:
        for line in block.lines:
            numbers = [number for index in panel for number in line.numbers[index]]
            for stack, number in zip(stacks, numbers, strict=False):  # the last panel may be short
                stack.append(number)
    return [
        _Column(
            max(_digits(number.mean) for number in stack),
            max(_digits(number.std) for number in stack),
            any(number.mark == "best" for number in stack),
        )
        for stack in stacks
    ]


def _digits(number: str) -> int:
    return len(number.partition(".")[0])


def _width(block: TabularBlock, columns: Sequence[_Column]) -> float:
    """The width of the columns of numbers with the gaps before them."""
    if (wide := _wide(block, columns)) is not None:
        return len(columns) * (wide + GAP)
    head = max(map(text_width, block.metrics))
    return sum(max(column.width, head) + GAP for column in columns)


def _wide(block: TabularBlock, columns: Sequence[_Column]) -> float | None:
    """The width of all columns, where the titles above them ask for more than the numbers do."""
    share = (max(map(text_width, block.titles)) + GAP) / len(block.metrics) - GAP
    numbers = [column.width for column in columns]
    if share <= max(min(numbers), *map(text_width, block.metrics)):
        return None
    return max(share, *numbers)


def _left(block: TabularBlock, width: float) -> tuple[float, str]:
    """The width of all left columns, and how the first one is set: on a line or as a paragraph."""
    first, *others = block.left_widths
    limit, kind = LABEL_SHARE * width, "l"
    if first > limit:
        words = [word for line in block.lines for word in line.left[0].split()]
        first = max(limit, *map(text_width, words))
        kind = rf">{{\raggedright\arraybackslash}}p{{{first / _EM:.1f}em}}"
    return first + sum(others) + GAP * len(others), kind


# --- what is written ------------------------------------------------------------------------------


def _column_width(block: TabularBlock, columns: Sequence[_Column]) -> str:
    wide = _wide(block, columns)
    return "" if wide is None else rf"\sisetup{{table-column-width={wide / _EM:.1f}em}}"


def _kinds(columns: Sequence[_Column]) -> str:
    kinds = []
    for column in columns:
        post = f", table-space-text-post={{{_std('0' * column.std_digits + '.0')}}}"
        kinds.append(f"S[table-format={column.digits}.1{post if column.std_digits else ''}]")
    return "\n  " + "\n  ".join(kinds)


def _std(deviation: str) -> str:
    return rf"\crossrespm{{{deviation}}}"


def _panel(block: TabularBlock, panel: range, columns: Sequence[_Column]) -> str:
    number = len(block.metrics)
    starts = [len(block.heads) + 1 + number * k for k in range(len(panel))]
    titles = [rf"\multicolumn{{{number}}}{{c}}{{{block.titles[index]}}}" for index in panel]
    above, below = zip(*block.heads, strict=True)
    lines = [
        _row(*above, *titles),
        "".join(rf"\cmidrule(lr){{{start}-{start + number - 1}}}" for start in starts),
        _row(*below, *(f"{{{metric}}}" for _ in panel for metric in block.metrics)),
        r"\midrule",
    ]
    for line in block.lines:
        numbers = [number for index in panel for number in line.numbers[index]]
        lines.append(_row(*line.left, *map(_cell, numbers, columns)))
    return "\n".join(lines)


def _cell(number: Number, column: _Column) -> str:
    if not number.mean:
        return "{--}"
    std = _std(number.std) if number.std else ""
    if number.mark == "second":
        return _underlined(number, std, column)
    bold = r"\bfseries " if number.mark == "best" else ""
    return bold + number.mean + std + (r"\crossrestie" if number.mark == "tie" else "")


def _underlined(number: Number, std: str, column: _Column) -> str:
    """Text to siunitx, which centres it: filled up to the width of the numbers it is aligned."""
    before = r"\phantom{0}" * (column.digits - _digits(number.mean))
    missing = "0" * (column.std_digits - _digits(number.std))
    fill = rf"{{\scriptsize {missing}}}" if std else f"{{{_std(missing + '.0')}}}"
    after = rf"\phantom{fill}" if missing else ""
    return rf"{{{before}\underline{{{number.mean}}}{std}{after}}}"


def _row(*texts: str) -> str:
    return " & ".join(texts) + r" \\"
