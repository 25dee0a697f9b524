"""What stands around a table of a paper: its caption, and the notes that say how it was made."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from crossres.datasets.raw.source_name import source_words
from crossres.reports.grid.grid import BY_ROW, Grid, Mark
from crossres.reports.grid.standing import headed
from crossres.reports.tables.grades import CHANGED, changes_note, processing_note
from crossres.reports.tables.latex_tabular import Number
from crossres.reports.tables.latex_text import escape, sentence
from crossres.reports.wording import (
    ORACLE,
    backbone_words,
    gallery_words,
    grade_short,
    listed,
    metric_title,
    seeds_words,
)

MACROS = r"""\providecommand{\crossrescaption}[3]{\caption[#2]{#2 #3}\label{tab:#1}}
\providecommand{\crossresnotes}[1]{\par\smallskip
  \parbox{\linewidth}{\scriptsize\raggedright#1\strut}}
"""
MARKED: dict[Mark, str] = {
    "best": "bold, best",
    "second": "underlined, second",
    "tie": r"\textsuperscript{=}, not distinguished from the highest mean",
}
TEST = "by the paired test over seeds (5 %, Holm)"


def caption(grid: Grid, label: str, metrics: Iterable[str], where: str = "") -> str:
    """Return the macro that a paper may define: the label, the title, and what else to say.

    `metrics` are those of the table; `where` says of what queries they are, or of which part. What
    must be said of the numbers is in it in a word or two, and whole in the notes.
    """
    numbers = f"{listed([*map(metric_title, metrics)])} in per cent{where}."
    heads = [headed(text)[0] for text in grid.cautions]
    cautions = [rf"\textbf{{{sentence(head.capitalize())}}}" for head in heads]
    text = " ".join([escape(numbers), *cautions])
    return rf"\crossrescaption{{{label}}}{{{sentence(grid.title)}}}{{{text}}}"


def notes(
    grid: Grid,
    numbers: Collection[Number],
    published: Collection[Number] = (),
    *,
    has_columns: bool = False,
    has_short: bool = False,
    has_oracle: bool = False,
) -> str:
    """Return the macro with the notes of a table of these `numbers`.

    Signs are explained that occur in them. `has_columns`: the table has columns for grade and rate
    where these have something to say. `has_short`: its metrics are named by `short_metric`.
    `has_oracle`: the oracle is in it.
    """
    has_deviations = any(number.std for number in numbers)
    sentences = [
        *([sentence(grid.table.caption)] if grid.table.caption else []),
        f"{_means(grid, has_deviations)}; {escape(gallery_words(grid.table.gallery))}.",
        f"Data: {escape(source_words(grid.source))}{_protocols(grid)}. "
        f"Profile {escape(grid.profile)}: {escape(backbone_words(grid.records[0].profile))}.",
        *_marks(numbers, published),
        *(["R-k: rank-k."] if has_short and _ranks(grid) else []),
        *_grades(grid, has_columns and has_grade_column(grid)),
        *_rates(grid, has_columns and has_rate_column(grid)),
        *map(escape, filter(None, [processing_note(grid)])),
    ]
    if has_oracle:
        sentences.append(escape(ORACLE))
    if published:
        sentences.append(f"Published: {escape(', '.join(sources(grid)))}.")
    if grid.missing:
        total = len(grid.missing) + len(grid.records)
        sentences.append(rf"{len(grid.missing)} of {total} cells have not been run.")
    if any(not (n.mean or n.is_blank) for n in (*numbers, *published)):
        absent = "not measured or not published" if published else "not measured"
        sentences.append(f"--: {absent}.")
    sentences += [rf"\textbf{{{escape(text)}}}" for text in grid.cautions]
    return "\\crossresnotes{%\n" + "\n".join(sentences) + "}"


def sources(grid: Grid) -> list[str]:
    """Say where the published numbers beside these measured ones come from."""
    scores = [
        grid.score(row, column, metric)
        for row in range(len(grid.table.rows))
        for column in grid.shown
        for metric in grid.table.metrics
    ]
    return sorted({score.published.source for score in scores if score.published is not None})


def _means(grid: Grid, has_deviations: bool) -> str:
    if len(grid.seeds) == 1:
        return f"Of {escape(seeds_words(grid.seeds))}"
    means = "Mean and standard deviation" if has_deviations else "Mean"
    return f"{means} over {escape(seeds_words(grid.seeds))}"


def _protocols(grid: Grid) -> str:
    """Name the protocols that no title names, each with its data sets where they differ."""
    titles: dict[str, list[str]] = defaultdict(list)
    for column in grid.shown:
        if column.protocol != BY_ROW and not column.title.endswith(")"):
            titles[column.protocol].append(column.title)
    if not titles:
        return ""
    if len(titles) == 1:
        return f", protocol {escape(next(iter(titles)))}"
    named = [f"{protocol} ({listed(of)})" for protocol, of in titles.items()]
    return f", protocols {escape(listed(named))}"


def _marks(numbers: Iterable[Number], published: Iterable[Number]) -> list[str]:
    """Explain the marks that there are; nothing where nothing is marked."""
    there = {number.mark for number in numbers}
    words = [text for mark, text in MARKED.items() if mark in there]
    sentences = []
    if words:
        text = f"{'; '.join(words)}, {escape(TEST)}."
        sentences.append(text if text.startswith("\\") else text[0].upper() + text[1:])
    if any(number.mark for number in published):
        sentences.append("Of the published numbers the highest is bold, untested.")
    return sentences


def _grades(grid: Grid, has_column: bool) -> list[str]:
    """Say how closely methods follow their papers, and what the profile changes in them.

    Of rows that differ in it each is named, unless there is a column for that.
    """
    rows, changes = grid.table.rows, changes_note(grid)
    groups: dict[str, list[str]] = defaultdict(list)
    for index, row in enumerate(rows):
        groups[grid.methods[index].grade].append(row.label)
    sentences = []
    if has_column:
        words = [
            f"{grade_short(grade)}, {grade}" for grade in groups if grade_short(grade) != grade
        ]
        brackets = f" ({'; '.join(words)})" if words else ""
        sentences.append(f"Grade: how closely a method follows its paper{brackets}.")
        changes = changes and f"{CHANGED} {changes}"
    elif len(groups) > 1:
        named = [f"{grade}: {listed(labels)}" for grade, labels in groups.items()]
        sentences.append(f"How closely methods follow their papers: {'; '.join(named)}.")
    return [escape(text) for text in (*sentences, changes) if text]


def _rates(grid: Grid, has_column: bool) -> list[str]:
    """Say which rows are told the rates, where not all are alike in that."""
    if has_column:
        return ["Rate: given to methods that are told the rate of each query."]
    if not _has_several_rates(grid):
        return []
    told = [row.label for index, row in enumerate(grid.table.rows) if grid.uses_rate[index]]
    return [escape(f"Told the rate of each query: {listed(told)}.")]


def has_grade_column(grid: Grid) -> bool:
    """Say whether rows differ in their grades, and no published numbers take the place."""
    rows = range(len(grid.table.rows))
    several = len({(grid.methods[row].grade, grid.changed(row)) for row in rows}) > 1
    return several and not published_rows(grid)


def has_rate_column(grid: Grid) -> bool:
    """Say whether rows differ in what they are told, and no published numbers take the place."""
    return _has_several_rates(grid) and not published_rows(grid)


def _has_several_rates(grid: Grid) -> bool:
    return len(set(grid.uses_rate[: len(grid.table.rows)])) > 1


def short_metric(metric: str) -> str:
    """Return the metric as the head of a narrow column: "R-1" for rank-1."""
    return metric_title(metric).replace("Rank-", "R-")


def _ranks(grid: Grid) -> bool:
    return any(short_metric(metric) != metric_title(metric) for metric in grid.table.metrics)


def published_rows(grid: Grid) -> tuple[int, ...]:
    """Return the rows with published numbers that may stand beside the measured ones."""
    return tuple(
        row
        for row in range(len(grid.table.rows))
        if any(
            grid.score(row, column, metric).published
            for column in grid.shown
            for metric in grid.table.metrics
        )
    )
