"""A grid as text: tidy CSV for programs, Markdown for pages, a coloured table for the terminal.

The CSV holds fractions (design: files hold fractions); the tables for people hold per cent.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table as RichTable
from rich.text import Text

from reports.grid import Column, Grid, Score
from reports.standing import cautions
from reports.words import (
    TIE,
    backbone_words,
    duration,
    gallery_words,
    grade_short,
    metric_title,
    percent,
    rate_words,
    seeds_words,
    source_words,
)

MOST_NOTES = 5
_MARKUP = re.compile(r"[\\`*_<>|\[\]~&$#]")
# Where a line begins that would be of a list, or a rule.
_LIST = re.compile(r"^(\d+(?=[.)]\s)|(?=[-+]\s|[-=]+$))")
_FORMULA = ("=", "+", "-", "@")  # how a text begins that a spreadsheet would compute
TRAINING = ("Training identities / images", "Training time")
CSV_COLUMNS = (
    "row",
    "grade",
    "rate_given",
    "dataset",
    "protocol",
    "metric",
    "gallery",
    "source",
    "profile",
    "caution",
    "n",
    "mean",
    "std",
    "values",
    "published",
    "keys",
)


def to_csv(grids: Iterable[Grid]) -> str:
    """All grids as tidy CSV, one line per row, data set, metric and gallery rule.

    mean, std, values and published are fractions; `values` and `keys` are "seed=..." joined by
    ";"; empty means not measured (std: fewer than two seeds) or not published. `caution` is what
    must be said of a number wherever it appears; empty for real data. A label that a spreadsheet
    would take for a formula has a blank before it.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for grid in grids:
        writer.writerows(_csv_lines(grid))
    return out.getvalue()


def _csv_lines(grid: Grid) -> Iterator[list[str]]:
    for (row, column, metric, gallery), score in sorted(
        grid.scores.items(), key=lambda item: (item[0][0], grid.columns.index(item[0][1]))
    ):
        if not score.n and score.published is None:
            continue
        method = grid.methods[row]
        label = grid.table.rows[row].label
        safe = f" {label}" if label.startswith(_FORMULA) else label
        about = [safe, method.grade, str(grid.told[row]).lower()]
        where = [*about, column.dataset, column.protocol, metric, gallery]
        caution = " ".join(cautions(grid.cells[row, column].records))
        yield [*where, grid.source, grid.profile, caution, str(score.n), *_csv_numbers(score)]


def _csv_numbers(score: Score) -> list[str]:
    return [
        "" if score.mean is None else repr(score.mean),
        "" if score.std is None else repr(score.std),
        ";".join(f"{s}={v!r}" for s, v in zip(score.seeds, score.values, strict=True)),
        "" if score.published is None else repr(round(score.published.value / 100, 10)),
        ";".join(f"{s}={k}" for s, k in zip(score.seeds, score.keys, strict=True)),
    ]


def mean_std(score: Score) -> str:
    """ "56.8 ± 2.6", "56.8" for a single seed, "–" for a cell that has not been run."""
    if score.mean is None:
        return "–"
    return percent(score.mean) + ("" if score.std is None else f" ± {percent(score.std)}")


def published_text(score: Score) -> str:
    """The published value as printed, in per cent, or nothing."""
    return "" if score.published is None else f"{score.published.value:.1f}"


def facts(grid: Grid) -> str:
    """One line: how the numbers of this grid were made."""
    start = backbone_words(grid.records[0].profile)
    said = (
        f"{source_words(grid.source)}, profile {grid.profile} ({start}), "
        f"{seeds_words(grid.seeds)}, {gallery_words(grid.table.gallery)}"
    )
    return said if grid.is_mixed else f"{said}; {method_words(grid, 0)}"


def method_words(grid: Grid, row: int) -> str:
    """ "grade: our reading, query's rate not used": what a table says of the method of a row."""
    return f"grade: {grid.methods[row].grade}, query's rate {rate_words(grid.told[row])}"


# --- Markdown -------------------------------------------------------------------------------------


def to_markdown(grids: Sequence[Grid]) -> str:
    """All grids as Markdown tables; best bold, second in italics, published in own columns."""
    return "\n".join(_markdown(grid) for grid in grids)


def markdown(text: str) -> str:
    """Text that Markdown shows as it is, within a table, too."""
    line = " ".join(_MARKUP.sub(r"\\\g<0>", text).split())
    return _LIST.sub(r"\1\\", line)


def _markdown(grid: Grid) -> str:
    about = f"{markdown(facts(grid))}. Mean ± standard deviation, per cent."
    lines = [f"## {markdown(grid.title)}", "", about]
    if grid.table.caption:
        lines += ["", markdown(grid.table.caption)]
    for caution in grid.cautions:
        lines += ["", f"> **{markdown(caution)}**"]
    named = ["Data set", "Row", *(["Grade", "Rate"] if grid.is_mixed else [])]
    head = [*named, *_heads(grid), *(TRAINING if grid.table.is_by_row else []), "Seeds"]
    lines += ["", _pipe(head), _pipe([*["---"] * len(named), *["---:"] * (len(head) - len(named))])]
    for column in grid.shown:
        lines += [_pipe(_markdown_row(grid, row, column)) for row in range(len(grid.table.rows))]
    lines += ["", f"Best in bold, second in italics, per data set; = is {TIE}."]
    notes = [f"- {markdown(note)}" for note in problems(grid)]
    lines += ["", *notes, ""] if notes else [""]
    return "\n".join(lines)


def _heads(grid: Grid) -> list[str]:
    heads = []
    for metric in grid.table.metrics:
        heads.append(metric_title(metric))
        if published_somewhere(grid, metric):
            heads.append(f"{metric_title(metric)} published")
    return heads


def published_somewhere(grid: Grid, metric: str) -> bool:
    """Whether the metric has a published value in any column that is shown."""
    return any(grid.has_published(column, metric) for column in grid.shown)


def _markdown_row(grid: Grid, row: int, column: Column) -> list[str]:
    texts = [markdown(column.title), markdown(grid.table.rows[row].label)]
    if grid.is_mixed:
        texts += [grid.methods[row].grade, rate_words(grid.told[row])]
    for metric in grid.table.metrics:
        score = grid.score(row, column, metric)
        wrap = {"best": "**", "second": "*"}.get(score.mark, "")
        texts.append(f"{wrap}{mean_std(score)}{wrap}{' =' if score.mark == 'tie' else ''}")
        if published_somewhere(grid, metric):
            texts.append(published_text(score))
    return [*texts, *training_texts(grid, row, column), _seeds_done(grid, row, column)]


def training_texts(grid: Grid, row: int, column: Column) -> list[str]:
    """["60 / 480", "31 s"] where rows have protocols of their own: training set and time."""
    if not grid.table.is_by_row:
        return []
    found = grid.training(row, column)
    if found is None:
        return ["–", "–"]
    return [f"{found.identities:.0f} / {found.images:.0f}", duration(found.mean_seconds)]


def _seeds_done(grid: Grid, row: int, column: Column) -> str:
    cells = grid.cells[row, column]
    done = len(cells.records)
    return f"{done}" if not cells.missing else f"{done} of {done + len(cells.missing)}"


def _pipe(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"


def problems(grid: Grid) -> list[str]:
    """What a reader must know before trusting the numbers: gaps, leftovers, notes."""
    found = []
    if grid.missing:
        total = len(grid.missing) + len(grid.records)
        found.append(f"{len(grid.missing)} of {total} cells have not been run.")
    if grid.empty:
        found.append(f"Nothing measured on {', '.join(column.title for column in grid.empty)}.")
    if grid.unmatched:
        found.append(f"{len(grid.unmatched)} records match no row of this table.")
    return [*found, *grid.notes]


# --- terminal -------------------------------------------------------------------------------------


def print_grid(grid: Grid, console: Console) -> None:
    """Print one grid: what must be said of its numbers, the table, then what is missing.

    Made to fit 80 columns with three metrics, two of them with published values.
    """
    for caution in grid.cautions:
        console.print(Panel(Text(caution, style="bold yellow"), border_style="yellow"))
    table = RichTable(
        title=Text(grid.title, style="table.title"),
        caption=Text(facts(grid), style="table.caption"),
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
    )
    table.add_column("Method")
    if grid.is_mixed:
        table.add_column("Grade", no_wrap=True)
        table.add_column("Rate", no_wrap=True)
    for metric in grid.table.metrics:
        table.add_column(metric_title(metric), justify="right", no_wrap=True)
        if published_somewhere(grid, metric):
            table.add_column("publ.", justify="right", style="dim", header_style="dim")
    for head in TRAINING if grid.table.is_by_row else ():
        table.add_column(head, justify="right")
    table.add_column("n", justify="right", no_wrap=True)
    for column in grid.shown:
        table.add_row(Text(column.title, style="bold cyan"))
        for row in range(len(grid.table.rows)):
            table.add_row(*_terminal_row(grid, row, column))
        table.add_section()
    console.print(table)
    said = problems(grid)
    for problem in said[:MOST_NOTES]:
        console.print(Text(problem, style="yellow"))
    if len(said) > MOST_NOTES:
        console.print(Text(f"… and {len(said) - MOST_NOTES} more notes in the report"))


def _terminal_row(grid: Grid, row: int, column: Column) -> list[Text]:
    texts = [Text(grid.table.rows[row].label)]
    if grid.is_mixed:
        method = grid.methods[row]
        told = "given" if grid.told[row] else ""
        texts += [Text(grade_short(method.grade)), Text(told)]
    for metric in grid.table.metrics:
        score = grid.score(row, column, metric)
        style = {"best": "bold green", "second": "underline", "tie": "green"}.get(score.mark, "")
        texts.append(Text(mean_std(score).replace("± ", "±"), style=style))
        if published_somewhere(grid, metric):
            texts.append(Text(published_text(score)))
    texts += [Text(text) for text in training_texts(grid, row, column)]
    return [*texts, Text(_seeds_done(grid, row, column).replace(" of ", "/"))]
