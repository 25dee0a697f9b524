"""Cost against accuracy: the front, the means, what is left out, labels that do not overlap."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossres.benchmark import load_table
from crossres.reports import build_grids
from crossres.reports.page.cost import LABEL_GAP, Costs, costs_of, pareto, short

TABLE = load_table("table1")


def costs(records) -> Costs | None:
    (grid,) = build_grids(records, TABLE)
    return costs_of(grid)


def with_cost(record, parameters=1000, flops=None, fit=10.0, memory=2**20):
    counts = {**record.counts, "parameters": parameters}
    if flops is not None:
        counts["flops_per_image"] = flops
    seconds = {**record.seconds, "fit": fit}
    return replace(record, counts=counts, seconds=seconds, peak_memory_bytes=memory)


@given(st.dictionaries(st.integers(0, 9), st.tuples(st.integers(1, 5), st.integers(0, 5))))
def test_the_front_holds_what_nothing_beats(points: dict[int, tuple[int, int]]) -> None:
    front = pareto(points)
    for row, (cost, gain) in points.items():
        beaten = any(
            rival != row and c <= cost and g >= gain and (c, g) != (cost, gain)
            for rival, (c, g) in points.items()
        )
        alike = [rival for rival, point in points.items() if point == (cost, gain)]
        assert (row in front) == (not beaten and row == min(alike))
    assert front == sorted(front, key=lambda row: points[row])


def test_costs_are_means_over_cells(recorder) -> None:
    records = [
        with_cost(recorder(TABLE, row, "caviar", seed, rank1=0.5 + row / 10), fit=fit, flops=10**9)
        for row, seed, fit in [(0, 0, 10.0), (0, 1, 20.0), (1, 0, 100.0), (1, 1, 120.0)]
    ]
    overview = costs(records)
    assert [panel.title for panel in overview.panels] == [
        "Parameters",
        "FLOPs per image",
        "Training time",
        "Peak memory",
    ]
    assert [(row.row, row.mean) for row in overview.rows] == [
        (1, pytest.approx(0.6)),
        (0, pytest.approx(0.5)),
    ]
    assert [row.costs[2] for row in overview.rows] == [("1 min 50 s", True), ("15.0 s", True)]
    # At equal cost only the better one is on the front.
    assert [row.costs[0] for row in overview.rows] == [("1 k", True), ("1 k", False)]
    assert overview.environments == 1


def test_what_not_every_cell_knows_is_left_out(recorder) -> None:
    records = [
        with_cost(recorder(TABLE, row, "caviar", seed), flops=None if (row, seed) == (1, 1) else 5)
        for row in (0, 1)
        for seed in (0, 1)
    ]
    titles = [panel.title for panel in costs(records).panels]
    assert titles == ["Parameters", "Training time", "Peak memory"]
    records.append(with_cost(recorder(TABLE, 2, "caviar", 0), flops=7))
    overview = costs(records)
    assert "FLOPs per image" in [panel.title for panel in overview.panels]
    assert {row.row: row.costs[1][0] for row in overview.rows} == {0: "5", 1: "–", 2: "7"}


def test_no_cost_is_zero(recorder) -> None:
    records = [with_cost(recorder(TABLE, row, "caviar", 0), fit=0.0, memory=0) for row in (0, 1)]
    assert [panel.title for panel in costs(records).panels] == ["Parameters"]


def test_a_row_that_lacks_a_data_set_is_left_out(recorder) -> None:
    records = [recorder(TABLE, row, "caviar", 0) for row in (0, 1, 2)]
    records += [recorder(TABLE, row, "mlr-sysu", 0) for row in (0, 2)]
    overview = costs(records)
    assert sorted(row.row for row in overview.rows) == [0, 2]
    assert overview.left_out == (TABLE.rows[1].label,)
    assert {spot.row for panel in overview.panels for spot in panel.spots} == {0, 2}


def test_one_row_has_no_picture(recorder) -> None:
    assert costs([recorder(TABLE, 0, "caviar", 0)]) is None


@pytest.mark.parametrize("spread", [0.0, 0.001, 0.4])
def test_places_are_inside_and_labels_apart(recorder, spread: float) -> None:
    records = [
        with_cost(recorder(TABLE, row, "caviar", 0, rank1=0.3 + spread * row / 10), 10 ** (4 + row))
        for row in range(11)
    ]
    for panel in costs(records).panels:
        places = sorted(spot.label_y for spot in panel.spots)
        assert all(b - a >= LABEL_GAP - 0.2 for a, b in pairwise(places))
        assert 0 < places[0] < places[-1] <= panel.bottom
        for at in [spot.x for spot in panel.spots] + [tick.at for tick in panel.x_ticks]:
            assert 0 <= at <= 100
        assert 2 <= len(panel.x_ticks) <= 6


def test_dearer_is_further_right(recorder) -> None:
    records = [
        with_cost(recorder(TABLE, row, "caviar", 0), parameters=n)
        for row, n in enumerate((1000, 10_000, 100_000))
    ]
    a, b, c = (spot.x for spot in costs(records).panels[0].spots)
    assert b - a == pytest.approx(c - b, abs=0.2)
    assert b > a


@pytest.mark.parametrize(
    ("number", "text"), [(999, "999"), (514_660, "515 k"), (23_508_032, "23.5 M"), (4.1e9, "4.1 G")]
)
def test_counts_are_short(number: float, text: str) -> None:
    assert short(number) == text
