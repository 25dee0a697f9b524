"""Results by the down-sampling rate of the queries, drawn and in numbers."""

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark import Record, load_table
from crossres.benchmark.records.record import write_record
from crossres.reports import build_grids
from crossres.reports.page.choices import choices_of
from crossres.reports.page.rates import by_rate_of
from crossres.reports.tables.csv import to_csv
from crossres.reports.tables.latex import to_latex
from crossres.reports.write import write_report
from tests.reports.conftest import make_record
from tests.reports.page.test_report_browser import OVERLAPS
from tests.reports.visit import CHROMIUM, Visit

TABLE = load_table("table2")


def rated(record: Record, values: dict[int, float]) -> Record:
    """The record with rank-1 and mAP (half of that) at these rates."""
    at_rates = {f"rank1@{rate}": value for rate, value in values.items()}
    at_rates |= {f"mAP@{rate}": value / 2 for rate, value in values.items()}
    at_rates |= {f"valid_queries@{rate}": 60 for rate in values}
    metrics = {rule: {**of_rule, **at_rates} for rule, of_rule in record.metrics.items()}
    return replace(record, metrics=metrics)


def records() -> list[Record]:
    """Two sets; rank-1 falls by 0.1 a rate, and rises by 0.1 a row and 0.01 a seed."""
    return [
        rated(
            make_record(TABLE, row, dataset, seed),
            {rate: 0.8 + 0.1 * row + 0.01 * seed - 0.1 * rate for rate in (2, 3, 4)},
        )
        for dataset in ("mlr-market", "mlr-viper")
        for row in range(3)
        for seed in range(3)
    ]


def test_each_set_has_a_drawing_and_the_numbers_of_its_rates() -> None:
    (grid,) = build_grids(records(), TABLE)
    market, viper = by_rate_of(choices_of(grid))
    assert (market.column.dataset, viper.column.dataset) == ("mlr-market", "mlr-viper")
    assert market.rates == (2, 3, 4)
    assert market.metrics == ("rank1", "mAP")
    assert [tick.text for tick in market.x_ticks] == ["2", "3", "4"]
    for row, line in enumerate(market.rows):
        rank1, average = line.scores
        expected = [0.81 + 0.1 * row - 0.1 * rate for rate in (2, 3, 4)]
        assert [score.mean for score in rank1] == pytest.approx(expected)
        assert [score.mean for score in average] == pytest.approx([e / 2 for e in expected])
        assert [score.n for score in rank1] == [3, 3, 3]
    baseline = market.lines[0]
    assert [spot.text.split(" [")[0] for spot in baseline.spots] == [
        f"Baseline: {mean}" for mean in ("61.0", "51.0", "41.0")
    ]
    assert [spot.text.rpartition("] ")[2] for spot in baseline.spots] == [
        f"(rate {rate})" for rate in (2, 3, 4)
    ]
    heights = [spot.y for spot in baseline.spots]
    assert heights == sorted(heights)  # from the top of the drawing down, as rank-1 falls
    assert len(baseline.band.split()) == 2 * 3


def test_records_of_older_versions_and_of_a_single_rate_have_none() -> None:
    (grid,) = build_grids([make_record(TABLE, 0, "mlr-viper", 0)], TABLE)
    assert by_rate_of(choices_of(grid)) == ()
    (grid,) = build_grids([rated(make_record(TABLE, 0, "mlr-viper", 0), {3: 0.5})], TABLE)
    assert by_rate_of(choices_of(grid)) == ()


def test_rates_are_marked_where_the_table_shows_them() -> None:
    for metrics, is_marked in ((TABLE.metrics, False), (("rank1@4",), True)):
        (grid,) = build_grids(records(), replace(TABLE, metrics=metrics))
        scores = [grid.score(row, grid.shown[0], "rank1@4") for row in range(3)]
        assert any(score.mark for score in scores) == is_marked


def test_a_table_may_show_rates_as_its_metrics() -> None:
    table = replace(TABLE, metrics=("rank1@2", "rank1@4"))
    (grid,) = build_grids(records(), table)
    latex = to_latex([grid])
    assert "Rank-1 at rate 2" in latex
    assert "61.0" in latex
    assert "41.0" in latex
    lines = list(csv.DictReader(io.StringIO(to_csv([grid]))))
    assert {line["metric"] for line in lines if line["query_rate"] == "4"} == {"rank1", "mAP"}
    assert not any(line["metric"].startswith("valid_queries") for line in lines)


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
@pytest.mark.parametrize("width", [1280, 390])
def test_it_is_drawn_without_texts_on_each_other(browser: Any, tmp_path: Path, width: int) -> None:
    for record in records():
        write_record(tmp_path, record)
    page = Visit(browser, write_report(tmp_path, [TABLE])[0].as_uri(), width, "light").page
    drawings = page.locator("svg.rates")
    assert drawings.count() == 2
    assert [drawings.nth(k).evaluate(OVERLAPS) for k in range(2)] == [[], []]
    assert drawings.first.locator("text").first.evaluate("t => getComputedStyle(t).fontSize") == (
        "11.5px"  # laid out anew at any width, not shrunk
    )
    assert page.get_by_role("link", name="By resolution").count() == 1
