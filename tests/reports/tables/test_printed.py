"""What papers print, apart from numbers that it may not stand beside."""

from dataclasses import replace
from typing import Any

import pytest

from crossres.benchmark import load_table
from crossres.reports import Grid, build_grids
from crossres.reports.tables.printed import Printed, printed_of
from crossres.reports.wording import set_title

TABLE = load_table("table2")


def grid_of(recorder: Any, source: str, profile: str) -> Grid:
    cells = [recorder(TABLE, row, "mlr-viper", 0, source, profile) for row in range(3)]
    (grid,) = build_grids(cells, TABLE)
    return grid


def withheld_in(grid: Grid) -> Printed | None:
    return printed_of(replace(grid.table, published=grid.withheld))


def test_it_is_nothing_where_the_numbers_stand_beside_those_measured(recorder: Any) -> None:
    grid = grid_of(recorder, "real", "paper")
    assert grid.table.published
    assert withheld_in(grid) is None


@pytest.mark.parametrize("source", ["twin:quick:2", "partial", "real"])
def test_it_is_all_that_is_printed_where_numbers_cannot_be_compared(
    recorder: Any, source: str
) -> None:
    grid = grid_of(recorder, source, "quick")
    assert not grid.table.published
    printed = withheld_in(grid)
    assert printed is not None
    by_place = {
        (TABLE.rows[row].label, set_title(dataset), metric): entry.value
        for (row, dataset, metric), entry in printed.numbers.items()
    }
    labels = {row.published: row.label for row in TABLE.rows}
    assert by_place == {
        (labels[p.row], p.dataset, p.metric): p.value
        for p in TABLE.published
        if p.row in labels and p.metric in TABLE.metrics
    }
    assert printed.sources == sorted({p.source for p in TABLE.published})
    assert [TABLE.rows[row].label for row in printed.rows] == [
        row.label for row in TABLE.rows if row.label in {label for label, _, _ in by_place}
    ]
