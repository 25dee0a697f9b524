"""A grid as a coloured table for the terminal, in per cent, whatever the width.

No name of a row is ever cut. Where not all columns have room, those beside the metrics are left out
first, then the metrics are shown in blocks one below the other; names are wrapped, not shortened.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
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
from crossres.reports.wording import ORACLE, listed, metric_title

GAP = 2  # signs between two columns
LEAST_NAME = 16  # signs of a name beside which another column may stand
# What is beside the metrics, in the order in which it is left out, in the words that say so.
RATE, GRADE, OF_TRAINING = "rate", "grade", "training"
PUBLISHED, SEEDS = "published values", "numbers of seeds"
LEFT_OUT_FIRST = (RATE, GRADE, OF_TRAINING, PUBLISHED, SEEDS)


@dataclass(frozen=True)
class _Side:
    """A column beside the names: its head, and its texts in the order of `_places`.

    `kind`: which of LEFT_OUT_FIRST it is; "" for a metric.
    """

    head: str
    texts: tuple[Text, ...]
    kind: str = ""
    is_number: bool = True

    @property
    def width(self) -> int:
        """Signs of its widest text; only heads are broken, between words."""
        return max(cell_len(text) for text in (*self.head.split(), *map(str, self.texts)))


def print_grid(grid: Grid, console: Console) -> None:
    """Print one grid: what must be said of its numbers, the table, then what is missing."""
    for caution in grid.cautions:
        console.print(Panel(Text(caution, style="bold yellow"), border_style="yellow"))
    console.print(Text(grid.title, style="table.title"))
    labels = [grid.table.lines[row].label for row in grid.lines]
    titles = [column.title for column in grid.shown]
    widest = max(map(cell_len, (*labels, *titles)))
    name_width, blocks = _blocks(_sides(grid), widest, console.width)
    for block in blocks:
        console.print(_table(grid, block, name_width), "", sep="\n")
    shown = {side.kind for block in blocks for side in block}
    for note in _notes(grid, shown):
        console.print(note)


def _places(grid: Grid) -> Iterator[tuple[int, Column]]:
    return ((row, column) for column in grid.shown for row in grid.lines)


# --- columns --------------------------------------------------------------------------------------


def _sides(grid: Grid) -> list[_Side]:
    """Return all columns beside the names, as the widest terminal shows them."""
    places = list(_places(grid))
    sides = []
    if grid.is_mixed:
        grades = tuple(Text(grade_mark(grid, row)) for row, _ in places)
        sides.append(_Side("Grade", grades, GRADE, False))
    if grid.is_mixed and any(grid.uses_rate):
        rates = tuple(Text("given" if grid.uses_rate[row] else "") for row, _ in places)
        sides.append(_Side("Rate", rates, RATE, False))
    for metric in grid.table.metrics:
        sides.append(_Side(metric_title(metric), tuple(_scores(grid, metric))))
        if published_somewhere(grid, metric):
            printed = (published_text(grid.score(*place, metric)) for place in places)
            sides.append(_Side("publ.", tuple(map(Text, printed)), PUBLISHED))
    if grid.table.is_by_row:
        of_training = zip(*(training_texts(grid, *place) for place in places), strict=True)
        for head, texts in zip(TRAINING, of_training, strict=True):
            sides.append(_Side(head, tuple(map(Text, texts)), OF_TRAINING))
    counts = (seeds_measured(grid, *place).replace(" of ", "/") for place in places)
    return [*sides, _Side("n", tuple(map(Text, counts)), SEEDS)]


def _scores(grid: Grid, metric: str) -> Iterator[Text]:
    styles = {"best": "bold green", "second": "underline", "tie": "green"}
    for row, column in _places(grid):
        score = grid.score(row, column, metric)
        yield Text(mean_std(score).replace("± ", "±"), style=styles.get(score.mark, ""))


# --- what fits ------------------------------------------------------------------------------------


def _blocks(sides: list[_Side], widest: int, width: int) -> tuple[int, list[list[_Side]]]:
    """Return the signs for names, and the columns beside them, in one block or in several.

    Names longer than half of the width are wrapped there rather than that a column is left out;
    before the metrics are broken into blocks, those longer than a third are.
    """
    name = min(widest, width // 2)
    chosen = sides
    for kind in ("", *LEFT_OUT_FIRST):
        chosen = [side for side in chosen if side.kind != kind or not kind]
        if name + _taken(chosen) <= width:
            return name, [chosen]
    least = min(widest, max(LEAST_NAME, width // 3))
    if least + _taken(chosen) <= width:
        return width - _taken(chosen), [chosen]
    blocks: list[list[_Side]] = [[]]
    for side in chosen:
        if blocks[-1] and least + _taken([*blocks[-1], side]) > width:
            blocks.append([])
        blocks[-1].append(side)
    room = width - max(map(_taken, blocks))
    return max(1, min(widest, room)), blocks


def _taken(sides: Sequence[_Side]) -> int:
    return sum(GAP + side.width for side in sides)


def _table(grid: Grid, sides: Sequence[_Side], name_width: int) -> RichTable:
    table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("Method", width=name_width, overflow="fold")
    for side in sides:
        style = "dim" if side.kind == PUBLISHED else ""
        table.add_column(
            Text(side.head, style=style),
            justify="right" if side.is_number else "left",
            style=style,
            width=side.width,
            overflow="fold",
        )
    lines = iter(zip(*(side.texts for side in sides), strict=True))
    for column in grid.shown:
        table.add_row(Text(column.title, style="bold cyan"))
        for row in grid.lines:
            of_row = "dim italic" if row == grid.oracle else None
            table.add_row(Text(grid.table.lines[row].label), *next(lines), style=of_row)
        table.add_section()
    return table


# --- below the table ------------------------------------------------------------------------------


def _notes(grid: Grid, shown: set[str]) -> Iterator[Text]:
    """Yield how the numbers were made, what the marks mean, what is not shown, what is missing."""
    yield Text(facts(grid), style="table.caption")
    if grid.is_mixed and (note := changes_note(grid)):  # else it stands in the caption
        yield Text(f"{CHANGED} {note}" if GRADE in shown else note, style="dim")
    if processing := processing_note(grid):
        yield Text(processing)
    if grid.oracle is not None:
        yield Text(ORACLE, style="dim")
    present = {side.kind for side in _sides(grid)}
    if narrow := [kind for kind in LEFT_OUT_FIRST if kind in present - shown]:
        yield Text(f"Left out for lack of width: {listed(narrow)}.", style="dim")
    notes = problems(grid)
    yield from (Text(problem, style="yellow") for problem in notes[:MOST_NOTES])
    if len(notes) > MOST_NOTES:
        yield Text(f"… and {len(notes) - MOST_NOTES} more notes in the report")
