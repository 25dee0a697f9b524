"""Marks: nothing is bold that chance could have put first, and ties are marked as ties."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from crossres.benchmark import Record, load_table
from crossres.reports import build_grids
from crossres.reports.grid.marks import marks


def row(*values: float, column: str = "a") -> dict[tuple[str, int], float]:
    return {(column, seed): value for seed, value in enumerate(values)}


FAR = (row(0.50, 0.52, 0.51, 0.51), row(0.80, 0.83, 0.80, 0.81), row(0.65, 0.67, 0.66, 0.665))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (FAR, ["", "best", "second"]),
        ((row(0.5, 0.6, 0.4), row(0.55, 0.5, 0.6)), ["tie", "tie"]),
        ((*FAR, row(0.81, 0.80, 0.82, 0.81)), ["", "tie", "", "tie"]),
        ((*FAR[:2], row(0.50, 0.53, 0.505, 0.51)), ["", "best", ""]),  # nobody leads the rest
        ((row(0.5), row(0.9)), ["", ""]),  # one seed: nothing can be said
        ((row(0.5, 0.6), {}), ["", ""]),
        ((*FAR, row(0.7)), ["", "", "", ""]),  # one seed: neither a tie nor beaten
        ((*FAR, row(0.81, 0.80, 0.82, 0.81), row(0.1)), ["", "tie", "", "tie", ""]),
        ((row(0.5, 0.6), row(0.5, 0.6)), ["tie", "tie"]),
        ((row(0.5, 0.5, 0.5), {("a", 0): 0.9}, row(0.7, 0.7, 0.7)), ["", "", ""]),  # no common two
        ((row(0.5, 0.5), row(0.6, 0.6)), ["tie", "tie"]),  # equal gaps are no certainty
        ((), []),
    ],
)
def test_marks(rows, expected) -> None:
    assert marks(rows).get("a", [""] * len(rows)) == expected


def test_a_column_stands_for_itself() -> None:
    calm = [row(0.50, 0.52, 0.54, 0.51), row(0.60, 0.62, 0.65, 0.61)]
    assert marks(calm)["a"] == ["second", "best"]
    wild = [
        cells | row(*values, column="b")
        for cells, values in zip(calm, [(0.2, 0.9, 0.5, 0.4), (0.9, 0.2, 0.5, 0.4)], strict=True)
    ]
    assert marks(wild) == {"a": ["second", "best"], "b": ["tie", "tie"]}


def test_the_pairs_of_all_columns_are_corrected_together() -> None:
    near = [row(0.50, 0.52, 0.54, 0.51), row(0.53, 0.56, 0.56, 0.54)]
    assert stats.ttest_rel(list(near[0].values()), list(near[1].values())).pvalue < 0.05 / 4
    assert marks(near)["a"] == ["second", "best"]
    columns = {c: [row(*values.values(), column=c) for values in near] for c in "abcdefghijklmnop"}
    many = [{k: v for rows in columns.values() for k, v in rows[i].items()} for i in (0, 1)]
    assert set(map(tuple, marks(many).values())) == {("tie", "tie")}


def test_among_equals_every_row_is_a_tie_in_ninety_five_per_cent() -> None:
    rng = np.random.default_rng(3)
    lost = 0
    for _ in range(200):
        table = [
            {(c, s): float(v) for c in "abc" for s, v in enumerate(rng.normal(0.5, 0.03, 3))}
            for _ in range(6)
        ]
        lost += any(mark != "tie" for of in marks(table).values() for mark in of)
    assert lost / 200 <= 0.05 + 3 * (0.05 * 0.95 / 200) ** 0.5


def test_marks_stand_in_the_right_column(recorder: Callable[..., Record]) -> None:
    table = load_table("table2")
    values = {("caviar", 0): 0.4, ("caviar", 1): 0.6, ("mlr-viper", 0): 0.9, ("mlr-viper", 1): 0.2}
    records = [
        recorder(table, row, name, seed, rank1=value + (seed % 2) / 1000 * (row + 1))
        for (name, row), value in values.items()
        for seed in range(4)
    ]
    (grid,) = build_grids(records, table)
    by_cell = {
        (column.dataset, row): grid.score(row, column, "rank1").mark
        for column in grid.shown
        for row in range(3)
    }
    assert by_cell == {
        ("caviar", 0): "second", ("caviar", 1): "best", ("caviar", 2): "",
        ("mlr-viper", 0): "best", ("mlr-viper", 1): "second", ("mlr-viper", 2): "",
    }  # fmt: skip
    single = [replace(record) for record in records if record.cell.seed == 0]
    (alone,) = build_grids(single, table)
    assert {score.mark for score in alone.scores.values()} == {""}
