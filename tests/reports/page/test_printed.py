"""What papers print, apart from numbers that it may not stand beside."""

from typing import Any

import pytest

from crossres.benchmark import load_table
from crossres.reports import Grid, build_grids
from crossres.reports.page.printed import printed_of

TABLE = load_table("table2")


def grid_of(recorder: Any, source: str, profile: str) -> Grid:
    cells = [recorder(TABLE, row, "mlr-viper", 0, source, profile) for row in range(3)]
    (grid,) = build_grids(cells, TABLE)
    return grid


def test_it_is_nothing_where_the_numbers_stand_beside_those_measured(recorder: Any) -> None:
    grid = grid_of(recorder, "real", "paper")
    assert grid.table.published
    assert printed_of(grid) is None


@pytest.mark.parametrize("source", ["twin:quick:2", "partial", "real"])
def test_it_is_all_that_is_printed_where_numbers_cannot_be_compared(
    recorder: Any, source: str
) -> None:
    grid = grid_of(recorder, source, "quick")
    assert not grid.table.published
    printed = printed_of(grid)
    assert printed is not None
    by_place = {
        (line.label, title, metric): entry.value
        for line in printed.rows
        for title, of_set in zip(printed.datasets, line.by_set, strict=True)
        for metric, entry in zip(printed.metrics, of_set, strict=True)
        if entry is not None
    }
    labels = {row.published: row.label for row in TABLE.rows}
    assert by_place == {
        (labels[p.row], p.dataset, p.metric): p.value
        for p in TABLE.published
        if p.row in labels and p.metric in TABLE.metrics
    }
    assert printed.sources == tuple(sorted({p.source for p in TABLE.published}))
