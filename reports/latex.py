r"""A grid as a booktabs table in the paper's layout: data sets side by side, metrics beneath them.

Measured and published numbers are two tabulars of one float, so that they never share a column.
Ready to \input; docs/latex.md says what the document needs.
"""

from collections.abc import Sequence

from reports.grid import Grid, Score
from reports.latex_tabular import MACROS, POINTS_PER_CM, Block, Line, Number, tabular
from reports.text import training_texts
from reports.words import (
    TIE,
    backbone_words,
    gallery_words,
    grade_short,
    is_twin,
    metric_title,
    percent,
    seeds_words,
    slug,
    source_words,
)

GRADES = (("Grade", ""), ("Rate", ""))
TRAINING = (("Training", "ids / images"), ("Training", "time"))
PAGE = 17.0  # cm: what two-column journals leave for a table across the page
COLUMN = 8.5  # cm: what they leave in a column
HEADER = r"""% Written by crossres; \input it where the table is to stand. The preamble needs:
%   \usepackage[utf8]{inputenc}  % in a LaTeX older than 2018
%   \usepackage{booktabs}
%   \usepackage{siunitx}   % version 3 (2021) or newer
%   \usepackage{graphicx}  % shrinks a table that is wider than the line all the same
% Define \crossrespm (a deviation) and \crossrestie (a tie) before to print these another way.
"""
_ESCAPES = {
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
    "<": r"$<$",
    ">": r"$>$",
    "|": r"$|$",
    '"': "''",
    "\u00b1": r"$\pm$",
    "\u00b2": r"\textsuperscript{2}",
    "\u00b3": r"\textsuperscript{3}",
    "\u00d7": r"$\times$",
    "\u2212": r"$-$",
    "\u2013": "--",
    "\u2014": "---",
    "\u2192": r"$\rightarrow$",
    "\u2264": r"$\leq$",
    "\u2265": r"$\geq$",
    "\u00a0": "~",
    "\n": " ",
}


def to_latex(grids: Sequence[Grid]) -> str:
    r"""All grids as LaTeX, one table float each, for a text PAGE wide.

    A table that fits a column of COLUMN is a `table`; a wider one a `table*`, which goes across the
    page where the document has two columns, and is a `table` where it has one.
    """
    return HEADER + MACROS + "".join("\n" + _float(grid) for grid in grids)


def escape(text: str) -> str:
    """Text as LaTeX prints it literally; the signs that reports use become mathematics."""
    return "".join(_ESCAPES.get(sign, sign) for sign in text)


def _float(grid: Grid) -> str:
    blocks = [_measured(grid)]
    if _sources(grid):
        blocks.append(_published(grid))
    narrow = max(block.natural_width for block in blocks) <= COLUMN * POINTS_PER_CM
    kind, width = ("table", COLUMN) if narrow else ("table*", PAGE)
    tabulars = [tabular(block, width * POINTS_PER_CM) for block in blocks]
    lines = [
        rf"\begin{{{kind}}}[htbp]",
        r"\centering",
        rf"\caption{{{_caption(grid)}}}",
        rf"\label{{tab:{slug(grid.table.id, grid.source, grid.profile)}}}",
        r"\smallskip",
        r"\footnotesize\sisetup{mode=match, reset-text-series=false}",
        "\n\\par\\medskip\n".join(tabulars),
        rf"\end{{{kind}}}",
    ]
    return "\n".join(lines) + "\n"


def _caption(grid: Grid) -> str:
    title = grid.title
    means = "Mean and standard deviation over" if len(grid.seeds) > 1 else "Values of"
    start = backbone_words(grid.records[0].profile)
    said = [
        escape(title) + ("" if title.endswith((".", "!", "?")) else "."),
        f"{means} {escape(seeds_words(grid.seeds))}, per cent;",
        f"{escape(gallery_words(grid.table.gallery))}, profile {escape(grid.profile)}",
        f"({escape(start)}), {escape(source_words(grid.source))}.",
        rf"Best in bold, second \underline{{underlined}}, per column; \textsuperscript{{=}} is "
        rf"{escape(TIE)}.",
    ]
    if grid.is_mixed:
        said.append(
            "Grade: how closely a method follows its paper "
            "(faithful, faithful structure, our reading); Rate: the query's rate is given."
        )
    if sources := _sources(grid):
        said.append(f"Published: {escape(', '.join(sources))}.")
    said += [rf"\textbf{{{escape(caution)}}}" for caution in grid.cautions]
    if grid.missing:
        total = len(grid.missing) + len(grid.records)
        said.append(rf"{len(grid.missing)} of {total} cells have not been run.")
    return "\n".join(said)


def _measured(grid: Grid) -> Block:
    head = (r"\textit{Measured}", rf"\textit{{{_on(grid.source)}}}")
    heads = [head, *(GRADES if grid.is_mixed else ()), *(TRAINING if _shows_training(grid) else ())]
    lines = []
    for row in range(len(grid.table.rows)):
        numbers = tuple(
            tuple(_number(grid.score(row, column, metric)) for metric in grid.table.metrics)
            for column in grid.shown
        )
        lines.append(Line((_row_label(grid, row), *map(escape, _about(grid, row))), numbers))
    return Block(
        tuple(heads),
        tuple(escape(column.title) for column in grid.shown),
        tuple(escape(metric_title(metric)) for metric in grid.table.metrics),
        tuple(lines),
    )


def _on(source: str) -> str:
    if source == "partial":
        return "on partial data"
    return "on twins" if is_twin(source) else ""


def _shows_training(grid: Grid) -> bool:
    """Whether rows differ in what they are trained on, and one data set leaves room to say it."""
    return grid.table.is_by_row and len(grid.shown) == 1


def _about(grid: Grid, row: int) -> list[str]:
    """What stands between the label and the numbers of a row."""
    method, is_told = grid.methods[row], grid.told[row]
    grade = [grade_short(method.grade), "given" if is_told else ""] if grid.is_mixed else []
    return grade + (training_texts(grid, row, grid.shown[0]) if _shows_training(grid) else [])


def _published(grid: Grid) -> Block:
    columns = [c for c in grid.shown if any(grid.has_published(c, m) for m in grid.table.metrics)]
    metrics = [m for m in grid.table.metrics if any(grid.has_published(c, m) for c in columns)]
    lines = []
    for row in range(len(grid.table.rows)):
        scores = [[grid.score(row, column, metric) for metric in metrics] for column in columns]
        if any(score.published for part in scores for score in part):
            numbers = tuple(tuple(map(_printed, part)) for part in scores)
            lines.append(Line((_row_label(grid, row),), numbers))
    return Block(
        ((r"\textit{Published}", ""),),
        tuple(escape(column.title) for column in columns),
        tuple(escape(metric_title(metric)) for metric in metrics),
        tuple(lines),
    )


def _sources(grid: Grid) -> list[str]:
    """Where the published numbers beside these measured ones come from."""
    scores = [
        grid.score(row, column, metric)
        for row in range(len(grid.table.rows))
        for column in grid.shown
        for metric in grid.table.metrics
    ]
    return sorted({score.published.source for score in scores if score.published is not None})


def _row_label(grid: Grid, row: int) -> str:
    return grid.table.rows[row].latex or escape(grid.table.rows[row].label)


def _number(score: Score) -> Number:
    if score.mean is None:
        return Number()
    std = "" if score.std is None else percent(score.std)
    return Number(percent(score.mean), std, score.mark)


def _printed(score: Score) -> Number:
    return Number() if score.published is None else Number(f"{score.published.value:.1f}")
