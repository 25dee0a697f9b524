r"""A grid as a booktabs table in the paper's layout: data sets side by side, metrics beneath them.

Measured and published numbers are two tabulars of one float, so that they never share a column.
Ready to \input; the document needs booktabs and graphicx.
"""

from collections.abc import Callable, Sequence

from reports.grid import Column, Grid, Score
from reports.words import (
    TIE,
    TWIN_BANNER,
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

INLINE_COLUMNS = 8  # up to here "51.3 ± 3.3" fits beside each other in 17 cm; beyond it is stacked
HEADER = (
    "% Written by crossres; \\input it in a document that loads booktabs and graphicx.\n"
    "% A table wider than the line is shrunk to the line.\n"
)
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
    r"""All grids as LaTeX, one table float each."""
    return HEADER + "".join("\n" + _float(grid) for grid in grids)


def escape(text: str) -> str:
    """Text as LaTeX prints it literally; the signs that reports use become mathematics."""
    return "".join(_ESCAPES.get(sign, sign) for sign in text)


def _float(grid: Grid) -> str:
    parts = [_measured(grid)]
    if any(grid.has_published(c, m) for c in grid.shown for m in grid.table.metrics):
        parts += [r"\par\medskip", _published(grid)]
    label = f"tab:{slug(grid.table.id, grid.source, grid.profile)}"
    lines = [
        r"\begin{table}[htbp]",
        r"\centering",
        rf"\caption{{{_caption(grid)}}}",
        rf"\label{{{label}}}",
        r"\smallskip",
        r"\footnotesize",
        *parts,
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _caption(grid: Grid) -> str:
    table = grid.table
    means = "Mean and standard deviation over" if len(grid.seeds) > 1 else "Values of"
    start = backbone_words(grid.records[0].profile)
    said = [
        f"{escape(table.title)}.",
        f"{means} {escape(seeds_words(grid.seeds))}, per cent;",
        f"{escape(gallery_words(table.gallery))}, profile {escape(grid.profile)}",
        f"({escape(start)}), {escape(source_words(grid.source))}.",
        rf"Best in bold, second \underline{{underlined}}, per column; \textsuperscript{{=}} is "
        rf"{escape(TIE)}.",
    ]
    if grid.is_mixed:
        said.append(
            "Grade: how closely a method follows its paper "
            "(faithful, faithful structure, our reading); Rate: the query's rate is given."
        )
    if _is_wide(grid):
        said.append("R-$k$ is Rank-$k$.")
    if is_twin(grid.source):
        said.append(rf"\textbf{{{escape(TWIN_BANNER)}}}")
    if grid.missing:
        total = len(grid.missing) + len(grid.records)
        said.append(rf"{len(grid.missing)} of {total} cells have not been run.")
    return "\n".join(said)


def _measured(grid: Grid) -> str:
    columns = [(column, metric) for column in grid.shown for metric in grid.table.metrics]
    head = "Measured on twins" if is_twin(grid.source) else "Measured"
    stacked = _is_wide(grid)
    about = ["Grade", "Rate"] if grid.is_mixed else []
    lines = []
    for row, (method, is_told) in enumerate(zip(grid.methods, grid.told, strict=True)):
        scores = [grid.score(row, column, metric) for column, metric in columns]
        told = "given" if is_told else ""
        left = [_row_label(grid, row), *([grade_short(method.grade), told] if about else [])]
        lines += (
            _stacked(left, scores)
            if stacked
            else [_line(*left, *(_inline(score) for score in scores))]
        )
    return _tabular([rf"\textit{{{head}}}", *about], columns, lines, stacked)


def _published(grid: Grid) -> str:
    columns = [
        (column, metric)
        for column in grid.shown
        for metric in grid.table.metrics
        if grid.has_published(column, metric)
    ]
    lines = []
    for row in range(len(grid.table.rows)):
        scores = [grid.score(row, column, metric) for column, metric in columns]
        if any(score.published for score in scores):
            lines.append(_line(_row_label(grid, row), *(_printed(score) for score in scores)))
    sources = {s.published.source for s in grid.scores.values() if s.published is not None}
    head = escape(f"Published ({', '.join(sorted(sources))})")
    return _tabular([rf"\textit{{{head}}}"], columns, lines, _is_wide(grid))


def _row_label(grid: Grid, row: int) -> str:
    return grid.table.rows[row].latex or escape(grid.table.rows[row].label)


def _inline(score: Score) -> str:
    if score.mean is None:
        return "--"
    spread = "" if score.std is None else rf"{{\scriptsize$\,\pm\,${percent(score.std)}}}"
    return _marked(score) + spread


def _stacked(left: Sequence[str], scores: Sequence[Score]) -> list[str]:
    """Two lines: the means, and the standard deviations small beneath them."""
    means = [_marked(score) if score.mean is not None else "--" for score in scores]
    spreads = [
        "" if score.std is None else rf"\scriptsize$\pm$\,{percent(score.std)}" for score in scores
    ]
    if not any(spreads):
        return [_line(*left, *means)]
    below = [""] * len(left)
    return [_line(*left, *means) + "[-1pt]", _line(*below, *spreads) + r"[3pt]"]


def _marked(score: Score) -> str:
    text = percent(score.mean or 0.0)
    wraps: dict[str, Callable[[str], str]] = {
        "best": lambda t: rf"\textbf{{{t}}}",
        "second": lambda t: rf"\underline{{{t}}}",
        "tie": lambda t: rf"{t}\textsuperscript{{=}}",
    }
    return wraps.get(score.mark, str)(text)


def _printed(score: Score) -> str:
    return "--" if score.published is None else f"{score.published.value:.1f}"


def _line(*texts: str) -> str:
    return " & ".join(texts) + r" \\"


def _is_wide(grid: Grid) -> bool:
    """Whether means and deviations must be stacked and the metrics' names shortened."""
    return len(grid.shown) * len(grid.table.metrics) > INLINE_COLUMNS


def _tabular(
    left: Sequence[str], columns: Sequence[tuple[Column, str]], lines: Sequence[str], short: bool
) -> str:
    """One tabular with the heads of its left columns, shrunk when wider than the line."""
    groups = _groups(columns, len(left) + 1)
    titles = [rf"\multicolumn{{{width}}}{{c}}{{{escape(c.title)}}}" for c, _, width in groups]
    rules = [rf"\cmidrule(lr){{{first}-{first + width - 1}}}" for _, first, width in groups]
    heads = [(c, m, width) for c, _, width in groups for m in _metrics(columns, c)]
    body = [
        rf"\begin{{tabular}}{{@{{}}{'l' * len(left)}{'c' * len(columns)}@{{}}}}",
        r"\toprule",
        _line(*left, *titles),
        "".join(rules),
        _line(*[""] * len(left), *(_metric(m, c, width, short) for c, m, width in heads)),
        r"\midrule",
        *lines,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    fit = r"\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi"
    return "\n".join([r"{\setlength{\tabcolsep}{3pt}\sbox0{%", *body, r"}%", fit + "}"])


def _groups(columns: Sequence[tuple[Column, str]], start: int) -> list[tuple[Column, int, int]]:
    """(column, first tabular column, width) of each data set."""
    groups: list[tuple[Column, int, int]] = []
    for position, (column, _) in enumerate(columns, start=start):
        if groups and groups[-1][0] == column:
            last, first, width = groups.pop()
            groups.append((last, first, width + 1))
        else:
            groups.append((column, position, 1))
    return groups


def _metrics(columns: Sequence[tuple[Column, str]], wanted: Column) -> list[str]:
    return [metric for column, metric in columns if column == wanted]


def _metric(metric: str, column: Column, width: int, short: bool) -> str:
    """A metric's head, at least as wide as its share of the data set's title above it."""
    title = metric_title(metric)
    text = escape(title.replace("Rank-", "R-") if short else title)
    share = 0.5 * len(column.title) / width - 0.7
    return rf"\makebox[{share:.1f}em]{{{text}}}" if share > 0.5 * len(text) + 0.4 else text
