"""Tables of several protocols, drawn across them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark import Record, load_table
from crossres.benchmark.records.cell import key_of
from crossres.benchmark.records.record import write_record
from crossres.datasets.protocols import canonical_text
from crossres.reports import build_grids
from crossres.reports.page.protocols import BOTTOM, TOP, across_of
from crossres.reports.write import write_report
from tests.reports.conftest import make_record
from tests.reports.page.test_report_browser import OVERLAPS
from tests.reports.visit import CHROMIUM, Visit


def under(record: Record, protocol: str) -> Record:
    cell = replace(record.cell, protocol=canonical_text(record.cell.dataset, protocol))
    return replace(record, cell=cell, key=key_of(cell, record.profile, record.digests["manifest"]))


def records_of(name: str) -> list[Record]:
    """Rank-1 falls by 0.05 from protocol to protocol, and by 0.01 from seed to seed."""
    table = load_table(name)
    return [
        under(
            make_record(
                table, row, "mlr-market", seed, rank1=0.7 - 0.1 * row - 0.05 * k - seed / 100
            ),
            protocol,
        )
        for row in range(len(table.rows))
        for k, protocol in enumerate(table.protocols)
        for seed in range(3)
    ]


def test_rates_stand_in_proportion_and_are_joined() -> None:
    (grid,) = build_grids(records_of("rates"), load_table("rates"))
    (plot,) = across_of(grid)
    assert plot.title == "MLR-Market-1501"
    assert [tick.text for tick in plot.x_ticks] == ["2", "3", "4", "6", "8"]
    places = [tick.at for tick in plot.x_ticks]
    assert places[3] - places[2] == pytest.approx(2 * (places[1] - places[0]), abs=0.2)
    for series in plot.series:
        assert series.line.split() == [f"{spot.x},{spot.y}" for spot in series.spots]
        heights = [spot.y for spot in series.spots]
        assert heights == sorted(heights)  # lower and lower, as y grows downwards
        assert all(spot.high < spot.y < spot.low for spot in series.spots)
        assert all(0 <= spot.x <= 100 and TOP <= spot.y <= BOTTOM for spot in series.spots)
    assert "Plain: 69.0 (fixed-r[rate=2])" in plot.summary


def test_protocols_stand_side_by_side_and_are_not_joined() -> None:
    table = load_table("protocols")
    (grid,) = build_grids(records_of("protocols"), table)
    (plot,) = across_of(grid)
    assert [tick.text for tick in plot.x_ticks] == list(table.protocols)
    assert {series.line for series in plot.series} == {""}
    assert len({series.spots[0].x for series in plot.series}) == 1
    shifts = [series.spots[0].shift for series in plot.series]
    assert shifts == sorted(set(shifts))


def test_tables_of_one_protocol_have_none(drawn: Any) -> None:
    (grid,) = build_grids(drawn.records, drawn.table)
    assert across_of(grid) == ()


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
def test_it_is_drawn_without_texts_on_each_other(browser: Any, tmp_path: Path) -> None:
    for record in [*records_of("rates"), *records_of("protocols")]:
        write_record(tmp_path, record)
    tables = [load_table("rates"), load_table("protocols")]
    page = Visit(browser, write_report(tmp_path, tables)[0].as_uri(), 1280, "light").page
    drawings = page.locator("svg.across")
    assert drawings.count() == 2
    assert [drawings.nth(k).evaluate(OVERLAPS) for k in range(2)] == [[], []]
