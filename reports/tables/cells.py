"""What a cell of any table says, in words."""

from crossres.datasets.base.words import counted
from crossres.datasets.raw.source_name import source_words
from crossres.reports.grid.grid import Column, Grid, Score
from crossres.reports.tables.grades import method_words
from crossres.reports.wording import (
    backbone_words,
    duration,
    gallery_words,
    percent,
    seeds_words,
)

MOST_NOTES = 5
MOST_REASONS = 2


TRAINING = ("Training identities / images", "Training time")


def mean_std(score: Score) -> str:
    """Return "56.8 ± 2.6", "56.8" for a single seed, "–" for a cell that has not been run."""
    if score.mean is None:
        return "–"
    return percent(score.mean) + ("" if score.std is None else f" ± {percent(score.std)}")


def published_text(score: Score) -> str:
    """Return the published value as printed, in per cent, or nothing."""
    return "" if score.published is None else f"{score.published.value:.1f}"


def facts(grid: Grid) -> str:
    """Return one line: how the numbers of this grid were made."""
    start = backbone_words(grid.records[0].profile)
    line = (
        f"{source_words(grid.source)}, profile {grid.profile} ({start}), "
        f"{seeds_words(grid.seeds, grid.fewest_seeds)}, {gallery_words(grid.table.gallery)}"
    )
    return line if grid.is_mixed else f"{line}; {method_words(grid, 0)}"


def published_somewhere(grid: Grid, metric: str) -> bool:
    """Say whether the metric has a published value in any column that is shown."""
    return any(grid.has_published(column, metric) for column in grid.shown)


def training_texts(grid: Grid, row: int, column: Column) -> list[str]:
    """Return ["60 / 480", "31 s"] where rows have protocols of their own: training set and time."""
    if not grid.table.is_by_row:
        return []
    training = grid.training(row, column)
    if training is None:
        return ["–", "–"]
    return [f"{training.identities:.0f} / {training.images:.0f}", duration(training.mean_seconds)]


def seeds_measured(grid: Grid, row: int, column: Column) -> str:
    """Write how many seeds were run: "3", "2 of 3", or "–" for an oracle that a set lacks."""
    cells = grid.cells[row, column]
    count = len(cells.records)
    if not count and not cells.missing and row == grid.oracle:
        return "–"
    return f"{count}" if not cells.missing else f"{count} of {count + len(cells.missing)}"


def problems(grid: Grid) -> list[str]:
    """Say what a reader must know before trusting the numbers: gaps, leftovers, notes."""
    sentences = []
    if grid.missing:
        total = len(grid.missing) + len(grid.records)
        sentences.append(f"{len(grid.missing)} of {total} cells have not been run.")
    if grid.empty:
        sentences.append(f"Nothing measured on {', '.join(column.title for column in grid.empty)}.")
    if grid.unmatched:
        reasons = "; ".join(grid.obstacles[:MOST_REASONS])
        count = counted(len(grid.unmatched), "record")
        sentences.append(f"No row of this table is that of {count} here: {reasons}.")
    return [*sentences, *grid.notes]
