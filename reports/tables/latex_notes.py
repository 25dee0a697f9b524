"""What stands around a table of a paper: its caption, and the notes that say how it was made."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import get_args

from crossres.datasets.raw.source_name import source_words
from crossres.methods.interface.option_kinds import OptionKind
from crossres.reports.grid.grid import BY_ROW, Column, Grid, Mark
from crossres.reports.grid.standing import headed
from crossres.reports.tables.grades import CHANGED, processing_note
from crossres.reports.tables.latex_tabular import Number
from crossres.reports.tables.latex_text import escape, sentence
from crossres.reports.wording import (
    ARROW,
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
    has_pairs: bool = False,
    columns: Sequence[Column] | None = None,
) -> str:
    """Return the macro with the notes of a table of these `numbers`.

    Signs are explained that occur in them. `has_columns`: the table has columns for grade and rate
    where these have something to say. `has_short`: its metrics are named by `short_metric`.
    `has_oracle`: the oracle is in it. `has_pairs`: it is a matrix of sets for each row. `columns`
    of the grid are those that it shows (default: all that are shown).
    """
    columns = grid.shown if columns is None else columns
    has_deviations = any(number.std for number in numbers)
    sentences = [
        *([sentence(grid.table.caption)] if grid.table.caption else []),
        f"{_means(grid, has_deviations)}; {escape(gallery_words(grid.table.gallery))}.",
        f"Data: {escape(source_words(grid.source))}{_protocols(columns)}. "
        f"Profile {escape(grid.profile)}: {escape(backbone_words(grid.records[0].profile))}.",
        *(["Below each other: trained on; side by side: tested on."] if has_pairs else []),
        *_marks(numbers, published),
        *(["R-k: rank-k."] if has_short and _ranks(grid) else []),
        *_grades(grid, has_columns and has_grade_column(grid), has_oracle),
        *_rates(grid, has_columns and has_rate_column(grid)),
        *map(escape, filter(None, [processing_note(grid)])),
    ]
    if has_oracle:
        sentences.append(escape(ORACLE))
    if published:
        sentences.append(f"Published: {escape(', '.join(sources(grid)))}.")
    if missing := sum(column in columns for _, column, _ in grid.missing):
        total = missing + len({record.key for c in columns for record in grid.records_on(c)})
        sentences.append(rf"{missing} of {total} cells have not been run.")
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
    return f"{means} over {escape(seeds_words(grid.seeds, grid.fewest_seeds))}"


def _protocols(columns: Iterable[Column]) -> str:
    """Name the protocols that no title names, each with its data sets where they differ.

    Of transfers to one set, which is what has the protocol, the set alone.
    """
    titles: dict[str, dict[str, None]] = defaultdict(dict)
    for column in columns:
        if column.protocol != BY_ROW and not column.title.endswith(")"):
            tested = column.title.partition(ARROW)[2] or column.title
            titles[column.protocol][tested] = None
    if not titles:
        return ""
    if len(titles) == 1:
        return f", protocol {escape(next(iter(titles)))}"
    named = [f"{protocol} ({listed([*of])})" for protocol, of in titles.items()]
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


def _grades(grid: Grid, has_column: bool, has_oracle: bool) -> list[str]:
    """Say how closely methods follow their papers, and what the profile changes in which of them.

    Of rows that differ in it each is named, unless there is a column for that; the most by what
    they are not.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for index, row in enumerate(grid.table.rows):
        groups[grid.methods[index].grade].append(row.label)
    sentences = []
    if has_column:
        words = [
            f"{grade_short(grade)}, {grade}" for grade in groups if grade_short(grade) != grade
        ]
        sentences.append(
            f"Grade, closeness to the paper: {'; '.join(words)}."
            if words
            else "Grade: closeness to the paper."
        )
    elif len(groups) > 1:
        ordered = sorted(groups.items(), key=lambda group: len(group[1]))
        named = [f"{grade}, {listed(labels)}" for grade, labels in ordered[:-1]]
        last = ordered[-1]
        named.append(f"{last[0]}, {listed(last[1]) if len(last[1]) == 1 else 'the others'}")
        sentences.append(f"Grades: {'; '.join(named)}.")
    sentences.append(_changes(grid, has_column, has_oracle))
    return [escape(text) for text in sentences if text]


def _changes(grid: Grid, has_column: bool, has_oracle: bool) -> str:
    """Say what the profile changes in methods, all kinds together; "" where nothing.

    With a column for grades a mark there tells of which rows.
    """
    lines = [row for row in grid.lines if has_oracle or row != grid.oracle]
    labels: dict[bool, list[str]] = {True: [], False: []}
    for row in lines:
        labels[bool(grid.changed(row))].append(grid.table.lines[row].label)
    sets = {grid.changed(row) for row in lines if grid.changed(row)}
    if not sets:
        return ""
    *kinds, last = [kind for kind in get_args(OptionKind) if any(kind in of for of in sets)]
    joint = " and " if len(sets) == 1 else " or "
    changed = joint.join([", ".join(kinds), last]) if kinds else last
    if has_column:
        return f"{CHANGED} With {grid.profile_name}'s {changed}."
    if not labels[False]:
        rows = "all rows"
    elif len(labels[False]) < len(labels[True]):
        rows = f"all rows but {listed(labels[False])}"
    else:
        rows = listed(labels[True])
    return f"Profile {grid.profile_name} changes the {changed} of {rows}."


def _rates(grid: Grid, has_column: bool) -> list[str]:
    """Say which rows are told the rates, where not all are alike in that."""
    if has_column:
        return ["Rate: given to methods that are told the rate of each query."]
    if not _has_several_rates(grid):
        return []
    labels = [row.label for index, row in enumerate(grid.table.rows) if grid.uses_rate[index]]
    return [escape(f"Told the rate of each query: {listed(labels)}.")]


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
