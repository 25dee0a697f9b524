r"""A grid as a booktabs table in the paper's layout: data sets side by side, metrics beneath them.

Measured and published numbers are two tabulars of one float, so that they never share a column.
Ready to \input; docs/latex.md says what the document needs.
"""

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from crossres.datasets.raw.source_name import CUSTOM, is_twin, source_words
from crossres.reports.grid.grid import Column, Grid, Score
from crossres.reports.tables.cells import training_texts
from crossres.reports.tables.grades import CHANGED, changes_note, grade_mark, processing_note
from crossres.reports.tables.latex_tabular import (
    MACROS,
    Number,
    TabularBlock,
    TabularLine,
    tabular,
)
from crossres.reports.wording import (
    ORACLE,
    TIE,
    backbone_words,
    gallery_words,
    metric_title,
    percent,
    seeds_words,
    slug,
)

GRADES = (("Grade", ""), ("Rate", ""))
TRAINING = (("Training", "ids / images"), ("Training", "time"))
COLUMN = 8.5  # cm: what two-column journals leave in a column
MOST_IN_COLUMN = 3  # numbers side by side in a table that fits it
HEADER = r"""% Written by crossres; \input it where the table is to stand. The preamble needs:
%   \usepackage[utf8]{inputenc}  % in a LaTeX older than 2018
%   \usepackage{booktabs}
%   \usepackage{graphicx}  % shrinks a table that is wider than the line
% To print deviations, ties or the best another way, define these macros before:
"""
_ASCII = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "`": r"\textasciigrave{}",
    "<": r"$<$",
    ">": r"$>$",
    "|": r"$|$",
    '"': "''",
    "[": "{[}",  # bare, and * likewise, it would be the optional argument of \\ or \midrule
    "]": "{]}",
    "*": "{*}",
    "\n": " ",
}


JOINING = ("-", "'", ",")  # two of them side by side would be another sign
DOTLESS = {"i": r"\i", "j": r"\j"}
ABOVE = 230  # the combining class of marks over a letter
_UNIT = re.compile(r".[\u0300-\u036f]*", re.DOTALL)
_DATA = tomllib.loads((Path(__file__).parent / "signs.toml").read_text(encoding="utf-8"))
_SIGNS: dict[str, str] = _DATA["signs"]
_MARKS: dict[str, str] = _DATA["marks"]


def to_latex(grids: Sequence[Grid], panel_size: int | None = None) -> str:
    r"""Return all grids as LaTeX, one table float each, for a page with about 17 cm of text.

    `panel_size` is the greatest number of data sets side by side; further ones stand in panels
    below (by default as many as fit the page). A table of at most MOST_IN_COLUMN numbers a line is
    a `table`; a wider one a `table*`, which goes across the page where the document has two
    columns, and is a `table` where it has one.
    """
    return HEADER + MACROS + "".join("\n" + _float(grid, panel_size) for grid in grids)


def unset(reason: str) -> str:
    """Say what stands in the file in place of tables that could not be drawn, for all to see."""
    return rf"{HEADER}\fbox{{\parbox{{0.9\linewidth}}{{{escape(reason)}}}}}" + "\n"


def escape(text: str) -> str:
    """Write text for LaTeX to print literally; signs not in signs.toml stand as their numbers."""
    pieces: list[str] = []
    for unit in _UNIT.findall(unicodedata.normalize("NFC", text)):
        piece = _piece(unit)
        joins = piece in JOINING and pieces and pieces[-1].endswith(piece)
        pieces.append(f"{{}}{piece}" if joins else piece)
    return "".join(pieces)


def _piece(unit: str) -> str:
    """Return one sign with the marks that stand on it."""
    if unit in _SIGNS:
        return _SIGNS[unit]
    if unit.isascii():
        return _ASCII.get(unit, unit)
    letter, *marks = list(unicodedata.normalize("NFD", unit))
    if len(marks) == 1 and marks[0] in _MARKS and letter.isascii() and letter.isalpha():
        is_above = unicodedata.combining(marks[0]) == ABOVE
        return f"{_MARKS[marks[0]]}{{{DOTLESS.get(letter, letter) if is_above else letter}}}"
    return "".join(_piece(sign) if sign.isascii() else _number_of(sign) for sign in unit)


def _number_of(sign: str) -> str:
    return rf"\texttt{{U+{ord(sign):04X}}}"


def _float(grid: Grid, panel_size: int | None) -> str:
    blocks = [_measured(grid)]
    if _sources(grid):
        blocks.append(_published(grid))
    numbers = len(grid.shown) * len(grid.table.metrics)
    is_narrow = numbers <= MOST_IN_COLUMN and not _shows_training(grid)
    kind = "table" if is_narrow else "table*"
    lines = [
        rf"\begin{{{kind}}}[htbp]",
        r"\centering",
        rf"\caption{{{_caption(grid)}}}",
        rf"\label{{tab:{slug(grid.table.id, grid.source, grid.profile)}}}",
        r"\smallskip",
        r"\footnotesize",
        "\n\\par\\medskip\n".join(tabular(block, panel_size) for block in blocks),
        rf"\end{{{kind}}}",
    ]
    return "\n".join(lines) + "\n"


def _caption(grid: Grid) -> str:
    means = "Mean and standard deviation over" if len(grid.seeds) > 1 else "Values of"
    start = backbone_words(grid.records[0].profile)
    sentences = [
        *map(_sentence, filter(None, (grid.title, grid.table.caption))),
        f"{means} {escape(seeds_words(grid.seeds))}, per cent;",
        f"{escape(gallery_words(grid.table.gallery))}, profile {escape(grid.profile)}",
        f"({escape(start)}), {escape(source_words(grid.source))}.",
        rf"Best in bold, second \underline{{underlined}}, per column; \textsuperscript{{=}} is "
        rf"{escape(TIE)}.",
    ]
    if grid.is_mixed:
        sentences.append(
            "Grade: how closely a method follows its paper "
            "(faithful, faithful structure, our reading); Rate: whether it knows the query's rate."
        )
    if note := changes_note(grid):
        sentences.append(escape(f"{CHANGED} {note}" if grid.is_mixed else note))
    if processing := processing_note(grid):
        sentences.append(escape(processing))
    if grid.oracle is not None:
        sentences.append(escape(ORACLE))
    if sources := _sources(grid):
        sentences.append(f"Published: {escape(', '.join(sources))}.")
    sentences += [rf"\textbf{{{escape(caution)}}}" for caution in grid.cautions]
    if grid.missing:
        total = len(grid.missing) + len(grid.records)
        sentences.append(rf"{len(grid.missing)} of {total} cells have not been run.")
    return "\n".join(sentences)


def _sentence(text: str) -> str:
    return escape(text) + ("" if text.endswith((".", "!", "?")) else ".")


def _measured(grid: Grid) -> TabularBlock:
    head = (r"\textit{Measured}", rf"\textit{{{_on(grid.source)}}}")
    heads = [head, *(GRADES if grid.is_mixed else ()), *(TRAINING if _shows_training(grid) else ())]
    lines = []
    for row in grid.lines:
        numbers = tuple(
            tuple(_number(grid.score(row, column, metric)) for metric in grid.table.metrics)
            for column in grid.shown
        )
        left = (_row_label(grid, row), *map(escape, _beside_label(grid, row)))
        lines.append(TabularLine(left, numbers, is_apart=row == grid.oracle))
    return TabularBlock(
        tuple(heads),
        tuple(map(_title, grid.shown)),
        tuple(escape(metric_title(metric)) for metric in grid.table.metrics),
        tuple(lines),
    )


def _title(column: Column) -> str:
    """Return the data set, with its protocol on a line of its own."""
    name, bracket, protocol = column.title.partition(" (")
    return rf"\shortstack{{{escape(name)}\\({escape(protocol)}}}" if bracket else escape(name)


def _on(source: str) -> str:
    if source in ("partial", CUSTOM):
        return f"on {source} data"
    return "on twins" if is_twin(source) else ""


def _shows_training(grid: Grid) -> bool:
    """Say whether rows differ in their training data, and one data set leaves room to say it."""
    return grid.table.is_by_row and len(grid.shown) == 1


def _beside_label(grid: Grid, row: int) -> list[str]:
    """Say what stands between the label and the numbers of a row."""
    uses_rate = grid.uses_rate[row]
    grade = [grade_mark(grid, row), "given" if uses_rate else ""] if grid.is_mixed else []
    return grade + (training_texts(grid, row, grid.shown[0]) if _shows_training(grid) else [])


def _published(grid: Grid) -> TabularBlock:
    columns = [c for c in grid.shown if any(grid.has_published(c, m) for m in grid.table.metrics)]
    metrics = [m for m in grid.table.metrics if any(grid.has_published(c, m) for c in columns)]
    lines = []
    for row in range(len(grid.table.rows)):
        scores = [[grid.score(row, column, metric) for metric in metrics] for column in columns]
        if any(score.published for part in scores for score in part):
            numbers = tuple(tuple(map(_printed, part)) for part in scores)
            lines.append(TabularLine((_row_label(grid, row),), numbers))
    return TabularBlock(
        ((r"\textit{Published}", ""),),
        tuple(map(_title, columns)),
        tuple(escape(metric_title(metric)) for metric in metrics),
        tuple(lines),
    )


def _sources(grid: Grid) -> list[str]:
    """Say where the published numbers beside these measured ones come from."""
    scores = [
        grid.score(row, column, metric)
        for row in range(len(grid.table.rows))
        for column in grid.shown
        for metric in grid.table.metrics
    ]
    return sorted({score.published.source for score in scores if score.published is not None})


def _row_label(grid: Grid, row: int) -> str:
    line = grid.table.lines[row]
    if row == grid.oracle:
        return rf"\textit{{{escape(line.label) if line.latex is None else line.latex}}}"
    latex = line.latex
    if latex is None:
        return escape(line.label)
    return f"{{}}{latex}" if latex.startswith(("[", "*")) else latex


def _number(score: Score) -> Number:
    if score.mean is None:
        return Number()
    std = "" if score.std is None else percent(score.std)
    return Number(percent(score.mean), std, score.mark)


def _printed(score: Score) -> Number:
    return Number() if score.published is None else Number(f"{score.published.value:.1f}")
