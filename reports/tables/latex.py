r"""A grid as a booktabs table for a paper, in one of four styles.

Measured and published numbers are two sections of one tabular, whose columns so have one width.
Ready to \input; docs/latex.md says what the document needs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from crossres.datasets.raw.source_name import CUSTOM, is_twin
from crossres.reports.grid.grid import Column, Grid, Score
from crossres.reports.grid.rates import metrics_by_rate, rates_on
from crossres.reports.grid.transfers import Pairs, pairs_of
from crossres.reports.tables.cells import training_texts
from crossres.reports.tables.grades import grade_mark
from crossres.reports.tables.latex_notes import (
    MACROS as AROUND,
)
from crossres.reports.tables.latex_notes import (
    caption,
    has_grade_column,
    has_rate_column,
    notes,
    published_rows,
    short_metric,
)
from crossres.reports.tables.latex_published import BLANK, published_numbers
from crossres.reports.tables.latex_tabular import (
    MACROS,
    MOST_HEADS,
    Group,
    Number,
    Section,
    TabularBlock,
    TabularLine,
    pages_of,
    panels_of,
    tabular,
)
from crossres.reports.tables.latex_text import escape, row_label
from crossres.reports.wording import ARROW, metric_title, percent, set_title, slug

TRAINING = (("Training", "ids / images"), ("Training", "time"))
MOST_TRANSPOSED = 12  # rows with deviations
MOST_MATRIX_LINES = 40  # on a page with notes
MOST_LINES = 24  # in a journal's column, where labels take two
MOST_IN_COLUMN = {True: 3, False: 6}  # numbers side by side in a journal's column; with deviations?
Place = tuple[int, Column, str]
"""A row, a column of the grid and a metric."""
LINE_END = r"\\"
PUBLISHED = r"\textit{Published}"
HEADER = r"""% Written by crossres; \input it where the table is to stand. The preamble needs:
%   \usepackage[utf8]{inputenc}  % in a LaTeX older than 2018
%   \usepackage{booktabs}
%   \usepackage{graphicx}  % shrinks a table that is wider than the line
% To print caption, notes, deviations, ties or the best another way, define these macros before:
"""


def to_latex(grids: Sequence[Grid], panel_size: int | None = None, style: str = "full") -> str:
    r"""Return all grids as LaTeX, a table float each, for a page with about 17 cm of text.

    `style` is one of STYLES; grids that cannot be printed so (by rate, where no rate is known) are
    left out, and where that is so of all, nothing is returned. `panel_size` is the greatest number
    of data sets (transposed: of rows) side by side; further ones stand in panels below (by default
    as many as fit the page), and in further floats where a page is full. A table of a few numbers
    a line is a `table`; a wider one a `table*`, which goes across the page where the document has
    two columns, and is a `table` where it has one.
    """
    floats = [text for grid in grids for text in _floats(grid, panel_size, style)]
    return HEADER + AROUND + MACROS + "".join(f"\n{text}" for text in floats) if floats else ""


def unset(reason: str) -> str:
    """Say what stands in the file in place of tables that could not be drawn, for all to see."""
    return rf"{HEADER}\fbox{{\parbox{{0.9\linewidth}}{{{escape(reason)}}}}}" + "\n"


def _floats(grid: Grid, panel_size: int | None, style: str) -> list[str]:
    """Return the floats of a grid: one, or as many as its panels need pages."""
    block = STYLES[style](grid)
    if block is None:
        return []
    pages = pages_of(block, panels_of(block, panel_size))
    label = slug(grid.table.id, grid.source, grid.profile, *([] if style == "full" else [style]))
    metrics, queries = _of_what(grid, style)
    below = notes(
        grid,
        *_by_origin(block),
        has_columns=style == "full",
        has_short=style == "compact",
        has_oracle=grid.oracle is not None and style != "by-rate",
        has_pairs=style == "transposed" and _matrix_of(grid) is not None,
        columns=_with_rates(grid) if style == "by-rate" else grid.shown,
    )
    floats = []
    for part, panels in enumerate(pages, start=1):
        where = queries if len(pages) == 1 else f"{queries}, part {part} of {len(pages)}"
        parts = [
            rf"\begin{{{_kind(grid, block)}}}[htbp]",
            r"\centering",
            caption(grid, label if part == 1 else f"{label}-{part}", metrics, where),
            r"\smallskip",
            r"\footnotesize",
            tabular(block, panels),
            below,
            rf"\end{{{_kind(grid, block)}}}",
        ]
        floats.append("\n".join(parts) + "\n")
    return floats


def _kind(grid: Grid, block: TabularBlock) -> str:
    """Return the environment: in a journal's column, or across both."""
    numbers = len(block.groups) * len(block.groups[0].heads)
    most = MOST_IN_COLUMN[bool(block.widest.std)]
    lines = sum(len(section.lines) for section in block.sections)
    is_narrow = numbers <= most and lines <= MOST_LINES and not _shows_training(grid)
    return "table" if is_narrow else "table*"


def _of_what(grid: Grid, style: str) -> tuple[Sequence[str], str]:
    """Return the metrics of a style, and of which queries they are."""
    if style == "by-rate":
        return metrics_by_rate(grid), " by the down-sampling rate of the queries"
    return grid.table.metrics, ""


def _by_origin(block: TabularBlock) -> tuple[list[Number], list[Number]]:
    """Return the measured numbers, and the published ones."""
    measured, published = (
        [
            number
            for section in block.sections
            if (section.heading == PUBLISHED) == is_published
            for line in section.lines
            for part in line.numbers
            for number in part
        ]
        for is_published in (False, True)
    )
    return measured, published


# --- styles: rows below each other ---------------------------------------------------------------


def _full(grid: Grid) -> TabularBlock:
    """Data sets side by side, metrics beneath them, and what is to be said of each row."""
    heads = [
        *([("Grade", "")] if has_grade_column(grid) else []),
        *([("Rate", "")] if has_rate_column(grid) else []),
        *(TRAINING if _shows_training(grid) else []),
    ]
    return _by_rows(grid, _number, metric_title, heads)


def _beside(grid: Grid, row: int) -> list[str]:
    """Say what stands between the label and the numbers of a row in the full style."""
    return [
        *([grade_mark(grid, row)] if has_grade_column(grid) else []),
        *(["given" if grid.uses_rate[row] else ""] if has_rate_column(grid) else []),
        *(training_texts(grid, row, grid.shown[0]) if _shows_training(grid) else []),
    ]


def _compact(grid: Grid) -> TabularBlock:
    """Data sets side by side, metrics beneath them, means alone."""
    return _by_rows(grid, _mean, short_metric)


def _by_rows(
    grid: Grid,
    number: Callable[[Score], Number],
    title: Callable[[str], str],
    heads: Sequence[tuple[str, str]] = (),
) -> TabularBlock:
    metrics = grid.table.metrics
    measured = tuple(
        TabularLine(
            (_row_label(grid, row), *map(escape, _beside(grid, row) if heads else ())),
            tuple(
                tuple(number(grid.score(row, column, metric)) for metric in metrics)
                for column in grid.shown
            ),
            is_apart=row == grid.oracle,
        )
        for row in grid.lines
    )
    sections = [Section("", measured)]
    if rows := published_rows(grid):
        printed = _printed(grid, rows)
        lines = tuple(
            TabularLine(
                (_row_label(grid, row), *("" for _ in heads)),
                tuple(
                    tuple(printed[row, column, metric] for metric in metrics)
                    for column in grid.shown
                ),
            )
            for row in rows
        )
        sections.append(Section(PUBLISHED, lines))
    titles = tuple(escape(title(metric)) for metric in metrics)
    groups = tuple(Group(_title(column), titles) for column in grid.shown)
    return TabularBlock((_corner(grid), *heads), groups, tuple(sections))


def _by_rate(grid: Grid) -> TabularBlock | None:
    """Data sets side by side, beneath them metrics, beneath these the rates; means alone."""
    columns = _with_rates(grid)
    if not columns:
        return None
    every = sorted({rate for column in columns for rate in rates_on(grid, column)})
    metrics = metrics_by_rate(grid)
    spans = tuple((f"{escape(metric_title(metric))} at rate", len(every)) for metric in metrics)
    group = Group("", tuple(map(str, every)) * len(metrics), spans)
    lines = tuple(
        TabularLine(
            (_row_label(grid, row),),
            tuple(
                tuple(
                    _mean(grid.score(row, column, f"{metric}@{rate}"))
                    for metric in metrics
                    for rate in every
                )
                for column in columns
            ),
        )
        for row in range(len(grid.table.rows))
    )
    groups = tuple(replace(group, title=_title(column)) for column in columns)
    return TabularBlock((_corner(grid),), groups, (Section("", lines),))


def _with_rates(grid: Grid) -> list[Column]:
    """Return the columns that the style by rate has: those whose queries have rates."""
    return [column for column in grid.shown if rates_on(grid, column)]


# --- styles: rows side by side -------------------------------------------------------------------


def _transposed(grid: Grid) -> TabularBlock:
    """Data sets with their metrics below each other, a column for each row of the table.

    Where there are many rows, their means alone, so that it stays on one page. Of transfers from
    several sets to several sets, a matrix for each row.
    """
    if (pairs := _matrix_of(grid)) is not None:
        return _matrix(grid, pairs)
    number = _number if len(grid.lines) <= MOST_TRANSPOSED else _mean
    places = [(column, metric) for column in grid.shown for metric in grid.table.metrics]
    measured = {
        (row, column, metric): number(grid.score(row, column, metric))
        for row in grid.lines
        for column, metric in places
    }
    sections = [Section("", _placed(grid, places, measured))]
    if rows := published_rows(grid):
        printed = _printed(grid, rows)
        known = [(c, m) for c, m in places if any(printed[row, c, m].mean for row in rows)]
        sections.append(Section(PUBLISHED, _placed(grid, known, printed)))
    groups = tuple(Group("", (rf"\crossreshead{{{_row_label(grid, row)}}}",)) for row in grid.lines)
    kind, where = _corner(grid)
    left = ("Data set" if kind == "Method" else kind, where)
    return TabularBlock((left, ("Metric", "")), groups, tuple(sections))


def _matrix_of(grid: Grid) -> Pairs | None:
    """Return the pairs of sets that stand in matrices; None where there are none.

    Nor where all matrices together would not fit a page, or beside published numbers.
    """
    pairs = pairs_of(grid)
    if pairs is None or published_rows(grid):
        return None
    return pairs if len(grid.lines) * (len(pairs.trained) + 1) <= MOST_MATRIX_LINES else None


def _matrix(grid: Grid, pairs: Pairs) -> TabularBlock:
    """Return the sets that are trained on below each other, those tested side by side, by row."""
    metrics = grid.table.metrics
    titles = tuple(escape(metric_title(metric)) for metric in metrics)
    groups = tuple(
        Group("", (set_head,)) if len(metrics) == 1 else Group(set_head, titles)
        for set_head in (escape(set_title(tested)) for tested in pairs.tested)
    )

    def numbers(row: int, ids: tuple[str, str]) -> tuple[Number, ...]:
        column = pairs.columns.get(ids)
        if column is None:
            return tuple(BLANK for _ in metrics)
        return tuple(_number(grid.score(row, column, metric)) for metric in metrics)

    sections = tuple(
        Section(
            rf"\textit{{{_row_label(grid, row)}}}",
            tuple(
                TabularLine(
                    (escape(set_title(trained)),),
                    tuple(numbers(row, (trained, tested)) for tested in pairs.tested),
                )
                for trained in pairs.trained
            ),
        )
        for row in grid.lines
    )
    return TabularBlock((("Training set", _corner(grid)[1]),), groups, sections)


def _placed(
    grid: Grid, places: Sequence[tuple[Column, str]], numbers: Mapping[Place, Number]
) -> tuple[TabularLine, ...]:
    """Return a line for each data set and metric; the first of a data set names it."""
    lines: list[TabularLine] = []
    has_room = len(grid.lines) <= MOST_HEADS  # one panel
    before = None
    for column, metric in places:
        title = "" if column == before else escape(column.title)
        lines.append(
            TabularLine(
                (title, escape(metric_title(metric))),
                tuple((numbers.get((row, column, metric), BLANK),) for row in grid.lines),
                is_spaced=bool(title and lines) and has_room,
            )
        )
        before = column
    return tuple(lines)


STYLES: dict[str, Callable[[Grid], TabularBlock | None]] = {
    "full": _full,
    "compact": _compact,
    "transposed": _transposed,
    "by-rate": _by_rate,
}


# --- cells ---------------------------------------------------------------------------------------


def _corner(grid: Grid) -> tuple[str, str]:
    """Return the head above the labels, in two lines: what kind of numbers there are."""
    kind = r"\textit{Measured}" if published_rows(grid) else "Method"
    return kind, rf"\textit{{{where}}}" if (where := _on(grid.source)) else ""


def _on(source: str) -> str:
    if source in ("partial", CUSTOM):
        return f"on {source} data"
    return "on twins" if is_twin(source) else ""


def short_set(title: str) -> str:
    """Return the title of a data set without what most of them begin with."""
    return title.removeprefix("MLR-")


def _title(column: Column) -> str:
    """Return the data set, in lines of their own what is trained on and the protocol."""
    name, bracket, protocol = column.title.partition(" (")
    trained, arrow, tested = name.partition(ARROW)
    lines = [name]
    if arrow:  # in short: two full names are too wide for five columns
        lines = [f"{short_set(trained)}{arrow}".rstrip(), short_set(tested)]
    texts = [escape(line) for line in [*lines, *([f"({protocol}"] if bracket else [])]]
    return texts[0] if len(texts) == 1 else rf"\shortstack{{{LINE_END.join(texts)}}}"


def _shows_training(grid: Grid) -> bool:
    """Say whether rows differ in their training data, and one data set leaves room to say it."""
    return grid.table.is_by_row and len(grid.shown) == 1


def _row_label(grid: Grid, row: int) -> str:
    line = grid.table.lines[row]
    if row == grid.oracle:
        return rf"\textit{{{escape(line.label) if line.latex is None else line.latex}}}"
    return row_label(line)


def _number(score: Score) -> Number:
    if score.mean is None:
        return Number()
    std = "" if score.std is None else percent(score.std)
    return Number(percent(score.mean), std, score.mark)


def _mean(score: Score) -> Number:
    return replace(_number(score), std="")


def _printed(grid: Grid, rows: Sequence[int]) -> dict[Place, Number]:
    """Return the published numbers of these rows."""
    numbers: dict[Place, Number] = {}
    for column in grid.shown:
        for metric in grid.table.metrics:
            entries = [grid.score(row, column, metric).published for row in rows]
            values = published_numbers([None if e is None else e.value for e in entries])
            numbers |= {(row, column, metric): n for row, n in zip(rows, values, strict=True)}
    return numbers
