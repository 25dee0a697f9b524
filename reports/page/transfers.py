"""A row of a table on all pairs of data sets: by the one that is trained on and the one tested."""

from dataclasses import dataclass

from crossres.benchmark.config.transfers import is_transfer
from crossres.reports.grid.grid import Column, Grid, Score
from crossres.reports.grid.transfers import Pairs, pairs_of
from crossres.reports.wording import set_title


@dataclass(frozen=True)
class Pair:
    """One place of a matrix; `column` None: the table has no such column."""

    column: Column | None
    score: Score

    @property
    def is_itself(self) -> bool:
        """Whether the tested set is the one that is trained on."""
        return self.column is not None and not is_transfer(self.column.dataset)


@dataclass(frozen=True)
class Matrix:
    """One row of the table: for each set that is trained on its title, and its pairs by test."""

    row: int
    label: str
    lines: tuple[tuple[str, tuple[Pair, ...]], ...]


@dataclass(frozen=True)
class Transfers:
    """The titles of the tested sets, and the matrix of each row that was run, of one metric."""

    metric: str
    tested: tuple[str, ...]
    matrices: tuple[Matrix, ...]


def transfers_of(grid: Grid) -> Transfers | None:
    """Return the matrices of a grid by the table's first metric; None where it has no `Pairs`."""
    pairs = pairs_of(grid)
    if pairs is None:
        return None
    return Transfers(
        grid.table.metrics[0],
        tuple(map(set_title, pairs.tested)),
        tuple(
            _matrix(grid, row, pairs)
            for row in range(len(grid.table.rows))
            if any(grid.cells[row, column].records for column in grid.shown)
        ),
    )


def _matrix(grid: Grid, row: int, pairs: Pairs) -> Matrix:
    def pair(column: Column | None) -> Pair:
        metric = grid.table.metrics[0]
        return Pair(column, Score() if column is None else grid.score(row, column, metric))

    lines = tuple(
        (set_title(trained), tuple(pair(pairs.columns.get((trained, to))) for to in pairs.tested))
        for trained in pairs.trained
    )
    return Matrix(row, grid.table.rows[row].label, lines)
