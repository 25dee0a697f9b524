"""All numbers of a report as one flat table: a line per row and data set, for the page to sort.

Every cell is its text and the value that it is sorted by; the page's script only compares.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from crossres.benchmark.config.tables import Row
from crossres.reports import wording as words
from crossres.reports.grid.grid import Column, Grid, Mark, Score
from crossres.reports.tables.cells import published_text
from crossres.reports.tables.grades import processing_words


@dataclass(frozen=True)
class NumberHead:
    """A column's title, and what it is, in a sentence."""

    title: str
    about: str = ""


@dataclass(frozen=True)
class NumberEntry:
    """One cell: `value` is what it is sorted by; None, where nothing is known, comes last.

    A score has a `spread`, the standard deviation over the seeds, and the key of its first record.
    """

    text: str
    value: float | None = None
    spread: str = ""
    key: str = ""
    mark: Mark = ""
    title: str = ""
    is_published: bool = False


@dataclass(frozen=True)
class NumberRow:
    """One row of a table on one of its data sets; `facets` are what it may be filtered by."""

    row: Row
    label: str
    dataset: str
    facets: Mapping[str, str]
    entries: tuple[NumberEntry, ...]


@dataclass(frozen=True)
class Numbers:
    """The flat table; `facets` names the choices of each filter that has more than one."""

    heads: tuple[NumberHead, ...]
    lines: tuple[NumberRow, ...]
    facets: Mapping[str, tuple[str, ...]]


def numbers_of(grids: Sequence[Grid]) -> Numbers:
    """Return every grid's lines in the order of the page.

    Lines with neither records nor published numbers, and columns that no line fills, are left out.
    """
    metrics = list(dict.fromkeys(metric for grid in grids for metric in grid.table.metrics))
    lines = [
        _line(grid, row, column, metrics)
        for grid in grids
        for column in grid.shown
        for row in grid.lines
        if grid.cells[row, column].records or _is_published(grid, row, column)
    ]
    heads = _heads(metrics)
    filled = [any(line.entries[index].text for line in lines) for index in range(len(heads))]
    return Numbers(
        tuple(head for head, some in zip(heads, filled, strict=True) if some),
        tuple(_narrowed(line, filled) for line in lines),
        _facets(lines),
    )


def _is_published(grid: Grid, row: int, column: Column) -> bool:
    return any(grid.score(row, column, metric).published for metric in grid.table.metrics)


def _heads(metrics: Sequence[str]) -> list[NumberHead]:
    heads = []
    for metric in metrics:
        title = words.metric_title(metric)
        heads += [
            NumberHead(title, about="mean ± standard deviation over the seeds, per cent"),
            NumberHead(f"{title} published", about="as printed in a paper, per cent"),
            NumberHead(f"{title} Δ", about="measured minus published, percentage points"),
        ]
    return [
        *heads,
        NumberHead("Seeds", about="measured"),
        NumberHead("Training", about="mean time of training"),
        NumberHead("Peak memory", about="mean, of the process, without a GPU's"),
        NumberHead("Parameters", about="that are trained"),
    ]


def _line(grid: Grid, row: int, column: Column, metrics: Sequence[str]) -> NumberRow:
    scores = [entry for metric in metrics for entry in _scores(grid.score(row, column, metric))]
    facets = {
        "table": grid.table.id,
        "run": f"{words.source_words(grid.source)}, {grid.profile}",
        "data set": column.title,
        "post-processing": processing_words(grid, row) or "none",
    }
    return NumberRow(
        grid.table.lines[row],
        grid.table.lines[row].label,
        column.title,
        facets,
        (*scores, *_costs(grid, row, column)),
    )


def _scores(score: Score) -> list[NumberEntry]:
    """Write measured, published, and their difference."""
    printed = score.published
    measured = NumberEntry("")
    if score.mean is not None:
        spread = "" if score.std is None else words.percent(score.std)
        measured = NumberEntry(
            words.percent(score.mean), score.mean, spread, score.keys[0], score.mark
        )
    published = NumberEntry("")
    if printed is not None:
        published = NumberEntry(
            published_text(score), printed.value, title=printed.source, is_published=True
        )
    gap = NumberEntry("")
    if score.mean is not None and printed is not None:
        points = 100 * score.mean - printed.value
        gap = NumberEntry(words.signed(points), points)
    return [measured, published, gap]


def _costs(grid: Grid, row: int, column: Column) -> list[NumberEntry]:
    records = grid.cells[row, column].records
    missing = len(grid.cells[row, column].missing)
    count = len(records)
    seeds = NumberEntry(f"{count} of {count + missing}" if missing else f"{count}", count)
    if not records:
        return [seeds, NumberEntry(""), NumberEntry(""), NumberEntry("")]
    seconds = statistics.fmean(record.seconds["fit"] for record in records)
    memory = statistics.fmean(record.peak_memory_bytes for record in records)
    size = statistics.fmean(record.counts["parameters"] for record in records)
    return [
        seeds,
        NumberEntry(words.duration(seconds), seconds),
        NumberEntry(words.memory(memory), memory),
        NumberEntry(f"{size:,.0f}", size),
    ]


def _narrowed(line: NumberRow, filled: Sequence[bool]) -> NumberRow:
    entries = tuple(entry for entry, some in zip(line.entries, filled, strict=True) if some)
    return replace(line, entries=entries)


def _facets(lines: Sequence[NumberRow]) -> dict[str, tuple[str, ...]]:
    names = dict.fromkeys(name for line in lines for name in line.facets)
    choices_of = {name: tuple(dict.fromkeys(line.facets[name] for line in lines)) for name in names}
    return {name: choices for name, choices in choices_of.items() if len(choices) > 1}
