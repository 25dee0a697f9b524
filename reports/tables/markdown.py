"""Tables as Markdown, for READMEs and pull requests."""

import re
from collections.abc import Sequence

from crossres.reports.grid.grid import Column, Grid, Mark
from crossres.reports.grid.rates import metrics_by_rate, rates_on
from crossres.reports.tables.cells import (
    TRAINING,
    facts,
    mean_std,
    problems,
    published_somewhere,
    published_text,
    seeds_measured,
    training_texts,
)
from crossres.reports.tables.grades import (
    changes_by_rows,
    changes_note,
    grade_words,
    processing_note,
)
from crossres.reports.wording import ORACLE, TIE, metric_title, rate_words

MARKS: dict[Mark, str] = {
    "best": "best in bold",
    "second": "second in italics",
    "tie": f"= is {TIE}",
}
_MARKUP = re.compile(r"[\\`*_<>|\[\]~&$#]")
# Where a line begins that would be of a list, or a rule.
_LIST = re.compile(r"^(\d+(?=[.)]\s)|(?=[-+]\s|[-=]+$))")


def to_markdown(grids: Sequence[Grid]) -> str:
    """Return all grids as Markdown: best bold, second in italics, published in own columns.

    Where metrics are known by the rate of the queries, a second table has them.
    """
    return "\n".join(_markdown(grid) for grid in grids)


def markdown(text: str) -> str:
    """Write text that Markdown shows as it is, within a table, too."""
    line = " ".join(_MARKUP.sub(r"\\\g<0>", text).split())
    return _LIST.sub(r"\1\\", line)


def _markdown(grid: Grid) -> str:
    how = f"{markdown(facts(grid))}. Mean ± standard deviation, per cent."
    lines = [f"## {markdown(grid.title)}", "", how]
    if grid.table.caption:
        lines += ["", markdown(grid.table.caption)]
    for caution in grid.cautions:
        lines += ["", f"> **{markdown(caution)}**"]
    names = ["Data set", "Row", *(["Grade", "Rate"] if grid.is_mixed else [])]
    head = [*names, *_heads(grid), *(TRAINING if grid.table.is_by_row else []), "Seeds"]
    lines += ["", _pipe(head), _pipe([*["---"] * len(names), *["---:"] * (len(head) - len(names))])]
    for column in grid.shown:
        lines += [_pipe(_markdown_row(grid, row, column)) for row in grid.lines]
    if marks := _marks(grid):
        lines += ["", marks]
    if processing := processing_note(grid):
        lines += ["", markdown(processing)]
    if grid.oracle is not None:
        lines += ["", ORACLE]
    if note := changes_note(grid):
        lines += ["", f"{markdown(note)} In brackets: the method's own value."]
        by_rows = [f"{rows}: {changes}" for rows, changes in changes_by_rows(grid)]
        lines += ["", *(f"- {markdown(line)}" for line in by_rows)]
    lines += _by_rate(grid)
    notes = [f"- {markdown(note)}" for note in problems(grid)]
    lines += ["", *notes, ""] if notes else [""]
    return "\n".join(lines)


def _marks(grid: Grid) -> str:
    """Explain the marks that there are; "" where nothing is marked."""
    there = {score.mark for score in grid.scores.values()}
    words = [text for mark, text in MARKS.items() if mark in there]
    return f"Per data set: {'; '.join(words)}." if words else ""


def _by_rate(grid: Grid) -> list[str]:
    """Return a table of the metrics that are known by the rate of the queries; [] without any."""
    rates = {column: rates_on(grid, column) for column in grid.shown}
    every = sorted({rate for of_column in rates.values() for rate in of_column})
    if not every:
        return []
    names = [f"{metric}@{rate}" for metric in metrics_by_rate(grid) for rate in every]
    head = ["Data set", "Row", *map(metric_title, names)]
    lines = ["", "### By down-sampling rate of the queries", ""]
    lines += [_pipe(head), _pipe([*["---"] * 2, *["---:"] * len(names)])]
    for column in grid.shown:
        for row, chosen in enumerate(grid.table.rows if rates[column] else ()):
            texts = [mean_std(grid.score(row, column, name)) for name in names]
            lines.append(_pipe([markdown(column.title), markdown(chosen.label), *texts]))
    return lines


def _heads(grid: Grid) -> list[str]:
    heads = []
    for metric in grid.table.metrics:
        heads.append(metric_title(metric))
        if published_somewhere(grid, metric):
            heads.append(f"{metric_title(metric)} published")
    return heads


def _markdown_row(grid: Grid, row: int, column: Column) -> list[str]:
    label = markdown(grid.table.lines[row].label)
    texts = [markdown(column.title), f"*{label}*" if row == grid.oracle else label]
    if grid.is_mixed:
        texts += [grade_words(grid, row), rate_words(grid.uses_rate[row])]
    for metric in grid.table.metrics:
        score = grid.score(row, column, metric)
        wrap = {"best": "**", "second": "*"}.get(score.mark, "")
        texts.append(f"{wrap}{mean_std(score)}{wrap}{' =' if score.mark == 'tie' else ''}")
        if published_somewhere(grid, metric):
            texts.append(published_text(score))
    return [*texts, *training_texts(grid, row, column), seeds_measured(grid, row, column)]


def _pipe(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"
