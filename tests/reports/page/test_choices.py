"""What the switches choose from, and the drawing of all rows on all data sets."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from crossres.benchmark import Record, built_in_tables, load_table
from crossres.benchmark.records.queries import sample_of
from crossres.benchmark.stats.paired import mean_difference
from crossres.reports import build_grids
from crossres.reports.charts.axis import REACH
from crossres.reports.page import choices
from crossres.reports.page.choices import choices_of
from crossres.reports.page.dots import PANELS, dots_of
from crossres.reports.page.switches import names_of, switches_of

TABLE = load_table("table2")


@pytest.fixture
def grid(drawn: Any) -> Any:
    (built,) = build_grids(drawn.records, TABLE)
    return built


def test_each_number_is_that_of_the_records(grid: Any) -> None:
    made = choices_of(grid)
    for gallery in ("single-shot", "multi-shot"):
        for metric in ("rank1", "rank20", "mAP", "mINP"):
            for row in range(3):
                for place, column in enumerate(grid.shown):
                    values = [
                        record.metrics[gallery][metric]
                        for record in grid.cells[row, column].records
                    ]
                    score = made.numbers[gallery, metric][row][place]
                    assert score is not None
                    assert score.mean == pytest.approx(sum(values) / 3)
                    trials = {(column.name, seed): r for seed, r in
                              enumerate(grid.cells[row, column].records)}  # fmt: skip
                    sample = sample_of(trials, gallery, metric, grid.queries)
                    mean = mean_difference(sample, sample.queries)
                    assert score.interval == (mean.low, mean.high)


def test_what_was_not_run_and_one_seed(recorder: Callable[..., Record]) -> None:
    (grid,) = build_grids([recorder(TABLE, 1, "caviar", 0, rank1=0.5)], TABLE)
    made = choices_of(grid)
    (absent,), (lone,), *_ = made.numbers["single-shot", "rank1"]
    assert absent is None
    assert lone is not None
    assert (lone.mean, lone.interval, lone.std) == (0.5, None, None)
    dots = dots_of(made)
    assert dots is not None
    spots = dots.panels[0][0].spots
    assert spots[0] is None
    assert spots[1] is not None
    assert (spots[1].low, spots[1].high, spots[1].value) == (None, None, "50.0")
    assert spots[1].is_of_one_seed
    assert spots[1].text.endswith(": 50.0, one seed, no interval")


def test_intervals_stay_within_what_a_share_can_be(recorder: Callable[..., Record]) -> None:
    records = [recorder(TABLE, 0, "caviar", k, rank1=v) for k, v in enumerate((0.02, 0.9))]
    (grid,) = build_grids(records, TABLE)
    score = choices_of(grid).numbers["single-shot", "rank1"][0][0]
    assert score is not None
    assert score.interval == (0.0, 1.0)


def test_a_wide_interval_does_not_hide_the_means(recorder: Callable[..., Record]) -> None:
    values = [[0.02, 0.9], [0.45, 0.46], [0.47, 0.47]]
    records = [
        recorder(TABLE, row, "caviar", seed, rank1=value)
        for row, pair in enumerate(values)
        for seed, value in enumerate(pair)
    ]
    (grid,) = build_grids(records, TABLE)
    dots = dots_of(choices_of(grid))
    assert dots is not None
    (panel,) = dots.panels[0]
    wide = panel.spots[0]
    assert wide is not None
    assert (wide.low, wide.high) == (0.0, 100.0)  # to the edges of the drawing
    assert wide.cut == (0, 100)
    assert [spot.cut for spot in panel.spots[1:] if spot] == [(), ()]
    shown = [int(tick.text) for tick in panel.ticks]
    assert 46 - REACH - 10 < min(shown) < max(shown) < 47 + REACH + 10


def test_panels_come_a_few_at_a_time(grid: Any) -> None:
    dots = dots_of(choices_of(grid))
    assert dots is not None
    assert [len(panels) for panels in dots.panels] == [5]
    assert PANELS == 5
    assert list(dots.labels.values()) == [row.label for row in TABLE.rows]


def test_the_script_reads_json_that_no_text_can_leave(grid: Any) -> None:
    hostile = "</script><script>alert(1)</script> & <!--"
    row = replace(grid.table.rows[0], label=hostile)
    table = replace(grid.table, rows=(row, *grid.table.rows[1:]))
    text = choices_of(replace(grid, table=table)).as_json("here")
    assert "<" not in text
    assert ">" not in text
    content = json.loads(text)
    assert content["labels"]["0"] == hostile
    assert content["columns"] == [column.name for column in grid.shown]
    score = grid.score(1, grid.shown[2], "mAP", "multi-shot")
    assert content["numbers"]["multi-shot"]["mAP"]["1"][2][0] == round(100 * score.mean, 3)


def test_of_very_many_cells_only_what_the_table_shows(
    grid: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choices, "MOST_CELLS", 10)
    made = choices_of(grid)
    assert made.galleries == ("single-shot",)
    assert made.metrics == TABLE.metrics


def test_switches_offer_what_there_is(grid: Any) -> None:
    switches = switches_of([choices_of(grid)])
    assert [value for value, _ in switches.metrics] == [
        *TABLE.metrics, *(m for m in ("rank10", "rank20", "mINP"))
    ]  # fmt: skip
    assert [value for value, _ in switches.galleries] == ["", "single-shot", "multi-shot"]
    assert switches.rates == ()  # these records know of none
    assert [text for _, text in switches.sets][:2] == ["all", "CAVIAR"]
    assert [row.label for row in switches.rows] == [row.label for row in TABLE.rows]


def test_rows_have_names_for_the_address_that_are_read_and_told_apart() -> None:
    labels = [
        "Baseline + CMSR²",
        "SLD²L",
        "IR_1 + IR_1/2",
        "Ärger",
        "plain",
        "Plain †",
        "行 1",
        "†",
    ]
    names = ["baseline-cmsr2", "sld2l", "ir_1-ir_1-2", "arger", "plain", "plain-2", "行-1", "row"]
    assert [*names_of(labels)] == names
    assert names_of(["plain", "PLAIN", "Plain 2"]) == ("plain", "plain-2", "plain-2-2")
    for table in built_in_tables():  # a name is that of its label, whatever else there is
        apart = [name for row in table.lines for name in names_of([row.label])]
        assert [*names_of(row.label for row in table.lines)] == apart


def test_two_tables_share_their_switches(grid: Any, recorder: Callable[..., Record]) -> None:
    table = replace(TABLE, id="other", metrics=("mINP",), rows=TABLE.rows[1:])
    (other,) = build_grids([recorder(TABLE, 1, "mlr-viper", 0)], table)
    switches = switches_of([choices_of(grid), choices_of(other)])
    assert len(switches.rows) == 3
    assert len(switches.sets) == 6
    assert [value for value, _ in switches.metrics][: len(TABLE.metrics)] == [*TABLE.metrics]


def test_a_set_under_several_protocols_is_named_with_them(
    grid: Any, recorder: Callable[..., Record]
) -> None:
    record = recorder(TABLE, 0, "mlr-viper", 0)
    fixed = replace(record, cell=replace(record.cell, protocol="fixed-r[rate=2]"))
    table = replace(TABLE, id="fixed", protocols=("fixed-r[rate=2]",))
    (other,) = build_grids([fixed], table)
    titles = dict(switches_of([choices_of(grid), choices_of(other)]).sets)
    assert titles["mlr-viper mlr-sing"] == "MLR-VIPeR (mlr-sing)"
    assert titles["mlr-viper fixed-r[rate=2]"] == "MLR-VIPeR (fixed-r[rate=2])"
    assert "CAVIAR" in titles.values()
