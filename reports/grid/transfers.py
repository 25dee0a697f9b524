"""The columns of a grid as pairs of data sets: the one that is trained on and the one tested."""

from collections.abc import Mapping
from dataclasses import dataclass

from crossres.benchmark.config.transfers import set_ids
from crossres.reports.grid.grid import Column, Grid


@dataclass(frozen=True)
class Pairs:
    """The ids of the sets in the order of a matrix, and its columns by trained and tested set."""

    trained: tuple[str, ...]
    tested: tuple[str, ...]
    columns: Mapping[tuple[str, str], Column]


def pairs_of(grid: Grid) -> Pairs | None:
    """Return the pairs of a grid with transfers from several sets to several sets.

    None without such transfers, and where two columns are of one pair, under several protocols.
    """
    columns = {set_ids(column.dataset): column for column in grid.shown}
    moved = [ids for ids in columns if ids[0] != ids[1]]
    trained, tested = ({ids[side]: None for ids in moved} for side in (0, 1))
    if len(columns) < len(grid.shown) or min(len(trained), len(tested)) < 2:
        return None
    tests = list(dict.fromkeys(test for _, test in columns))
    trainings = [name for name in tests if any(ids[0] == name for ids in columns)]
    trainings += [name for name in trained if name not in trainings]
    return Pairs(tuple(trainings), tuple(tests), columns)
