"""A grid as text: tidy CSV for programs, Markdown for pages, a coloured table for the terminal.

The CSV holds fractions (design: files hold fractions); the tables for people hold per cent.
"""

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table as RichTable
from rich.text import Text

from crossres.reports.grid.grid import Column, Grid
from crossres.reports.tables.cells import (
    MOST_NOTES,
    TRAINING,
    facts,
    mean_std,
    problems,
    published_somewhere,
    published_text,
    seeds_measured,
    training_texts,
)
from crossres.reports.tables.grades import CHANGED, changes_note, grade_mark, processing_note
from crossres.reports.wording import (
    ORACLE,
    metric_title,
)

# --- Markdown -------------------------------------------------------------------------------------


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
        for row in grid.lines:
            style = "dim italic" if row == grid.oracle else None
            table.add_row(*_terminal_row(grid, row, column), style=style)
        table.add_section()
    console.print(table)
    if grid.is_mixed and (note := changes_note(grid)):  # else it stands in the caption
        console.print(Text(f"{CHANGED} {note}", style="dim"))
    if processing := processing_note(grid):
        console.print(Text(processing))
    if grid.oracle is not None:
        console.print(Text(ORACLE, style="dim"))
    notes = problems(grid)
    for problem in notes[:MOST_NOTES]:
        console.print(Text(problem, style="yellow"))
    if len(notes) > MOST_NOTES:
        console.print(Text(f"… and {len(notes) - MOST_NOTES} more notes in the report"))


def _terminal_row(grid: Grid, row: int, column: Column) -> list[Text]:
    texts = [Text(grid.table.lines[row].label)]
    if grid.is_mixed:
        rate = "given" if grid.uses_rate[row] else ""
        texts += [Text(grade_mark(grid, row)), Text(rate)]
    for metric in grid.table.metrics:
        score = grid.score(row, column, metric)
        style = {"best": "bold green", "second": "underline", "tie": "green"}.get(score.mark, "")
        texts.append(Text(mean_std(score).replace("± ", "±"), style=style))
        if published_somewhere(grid, metric):
            texts.append(Text(published_text(score)))
    texts += [Text(text) for text in training_texts(grid, row, column)]
    return [*texts, Text(seeds_measured(grid, row, column).replace(" of ", "/"))]
