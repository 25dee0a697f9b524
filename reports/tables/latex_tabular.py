r"""Numbers as a booktabs tabular: data sets side by side, in panels below each other.

Every number has one decimal, so cells that are padded to one shape align on the point in plain `c`
columns. TeX measures what depends on widths: long labels break, and a table that is wider than the
line all the same is shrunk to it.
"""

from dataclasses import dataclass
from functools import cached_property

from crossres.reports.grid.grid import Mark

# What fits 17 cm in \footnotesize side by side: data sets, and numbers, of which there are fewer
# where they have deviations, and where more than a label stands to their left.
MOST_DATA_SETS, MOST_NUMBERS, FEWER = 5, 12, 3
MACROS = r"""\providecommand*{\crossrespm}[1]{{\mdseries\scriptsize$\pm$#1}}
\providecommand*{\crossrestie}{\rlap{\textsuperscript{\tiny=}}}
\providecommand*{\crossresbest}[1]{\sbox0{#1}\makebox[\wd0][r]{\bfseries#1}}
\providecommand*{\crossreslabel}[1]{\sbox0{#1}\ifdim\wd0>.3\linewidth
  \parbox[t]{.3\linewidth}{\raggedright\strut#1\strut}\else#1\fi}
\providecommand*{\crossresfit}[1]{\sbox0{#1}\ifdim\wd0>\linewidth
  \resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi}
"""


@dataclass(frozen=True)
class Number:
    """What one cell prints: a mean and its deviation in per cent ("51.3", "3.3"), or nothing."""

    mean: str = ""
    std: str = ""
    mark: Mark = ""


@dataclass(frozen=True)
class TabularLine:
    """One row: its cells to the left of the numbers, as LaTeX, and the numbers by data set.

    `is_apart`: below a rule.
    """

    left: tuple[str, ...]
    numbers: tuple[tuple[Number, ...], ...]
    is_apart: bool = False


@dataclass(frozen=True)
class TabularBlock:
    """One tabular: the heads of its left columns in two lines, its data sets, metrics and rows."""

    heads: tuple[tuple[str, str], ...]
    titles: tuple[str, ...]
    metrics: tuple[str, ...]
    lines: tuple[TabularLine, ...]

    @cached_property
    def widest(self) -> Number:
        """The most digits that any mean and any deviation has, as a number of zeros."""
        numbers = [n for line in self.lines for part in line.numbers for n in part]
        mean = max((len(number.mean) for number in numbers), default=0)
        std = max((len(number.std) for number in numbers), default=0)
        return Number("0" * mean, "0" * std)


def tabular(block: TabularBlock, panel_size: int | None = None) -> str:
    """Return the block with at most `panel_size` data sets side by side, in even panels.

    By default as many data sets as fit a page of two columns, whatever their names are.
    """
    numbers = MOST_NUMBERS - FEWER * (bool(block.widest.std) + (len(block.heads) > 1))
    usual = min(MOST_DATA_SETS, max(1, numbers // len(block.metrics)))
    sets = len(block.titles)
    size = -(-sets // -(-sets // (panel_size or usual)))
    panels = [range(start, min(start + size, sets)) for start in range(0, sets, size)]
    kinds = "l" * len(block.heads) + "c" * (size * len(block.metrics))
    return "\n".join(
        [
            r"\crossresfit{\setlength{\tabcolsep}{4.4pt}%",
            rf"\begin{{tabular}}{{@{{}}{kinds}@{{}}}}",
            r"\toprule",
            "\n\\midrule\n".join(_panel(block, panel) for panel in panels),
            r"\bottomrule",
            r"\end{tabular}}",
        ]
    )


def _panel(block: TabularBlock, panel: range) -> str:
    span = len(block.metrics)
    starts = [len(block.heads) + 1 + span * index_in_panel for index_in_panel in range(len(panel))]
    titles = [rf"\multicolumn{{{span}}}{{c}}{{{block.titles[index]}}}" for index in panel]
    above, below = zip(*block.heads, strict=True)
    lines = [
        _row(*above, *titles),
        "".join(rf"\cmidrule(lr){{{start}-{start + span - 1}}}" for start in starts),
        _row(*below, *(metric for _ in panel for metric in block.metrics)),
        r"\midrule",
    ]
    for line in block.lines:
        label, *left = line.left
        numbers = [_cell(number, block.widest) for index in panel for number in line.numbers[index]]
        if line.is_apart:
            lines.append(r"\midrule")
        lines.append(_row(rf"\crossreslabel{{{label}}}", *left, *numbers))
    return "\n".join(lines)


def _cell(number: Number, widest: Number) -> str:
    """Return the number, padded to the shape of the widest one."""
    if not number.mean:
        return "--"
    form = {"best": r"\crossresbest{%s}", "second": r"\underline{%s}"}.get(number.mark, "%s")
    tie = r"\crossrestie" if number.mark == "tie" else ""
    mean = _phantom(widest.mean[len(number.mean) :]) + form % number.mean
    if not widest.std:
        return mean + tie
    if not number.std:
        return mean + tie + rf"\phantom{{\crossrespm{{0.{widest.std[2:]}}}}}"
    return mean + rf"\crossrespm{{{number.std}{_phantom(widest.std[len(number.std) :])}}}" + tie


def _phantom(text: str) -> str:
    return rf"\phantom{{{text}}}" if text else ""


def _row(*texts: str) -> str:
    return " & ".join(texts) + r" \\"
