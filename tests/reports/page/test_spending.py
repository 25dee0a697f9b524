"""Time, energy and size of rows in words: means, sums, and nothing where nothing was measured."""

from dataclasses import replace
from typing import Any

import pytest

from crossres.benchmark import Record, load_table
from crossres.benchmark.records.record import read_record, write_record
from crossres.reports import build_grids
from crossres.reports.page.spending import (
    NOT_MEASURED,
    Energy,
    Spending,
    hours_text,
    per_image,
    spending_of,
    watt_hours,
)
from tests.reports.conftest import make_record

TABLE = load_table("table2")


def spent(records: list[Record]) -> Spending:
    (grid,) = build_grids(records, TABLE)
    (spending,) = spending_of(grid)
    return spending


def record(seed: int, **energy: Any) -> Record:
    return replace(make_record(TABLE, 0, "caviar", seed), energy=energy)


def test_times_are_means_and_core_hours_a_sum() -> None:
    slow = record(1)
    seconds = {**slow.seconds, "fit": 100.0, "total": 7200.0}
    slow = replace(slow, seconds=seconds, counts={**slow.counts, "query_images": 600})
    first = record(0)
    first = replace(
        first, counts={**first.counts, "query_images": 600, "flops_per_image": 5 * 10**6}
    )
    spending = spent([first, slow])
    (row,) = spending.rows
    assert (row.cells, row.training, row.embedding) == (2, "1 min 06 s", "1 ms")
    assert (row.parameters, row.flops) == ("1.23 M", "–")  # one of its cells lacks the count
    assert row.core_hours == "2.01"
    assert row.energies == (Energy(NOT_MEASURED),)
    assert (spending.hardware, spending.is_measured) == (("cpu",), False)


def test_energy_is_that_of_the_cells_of_which_it_is_known() -> None:
    whole = record(0, cpu={"fit": 3000.0, "embed": 600.0}, own_share={"fit": 0.99, "embed": 0.97})
    assert spent([whole]).rows[0].energies == (Energy("1 Wh"),)
    half = record(1, cpu={"fit": 6000.0, "embed": 1200.0}, own_share={"fit": 0.5, "embed": 0.4})
    assert spent([half]).rows[0].energies == (Energy("2 Wh", "45 % own"),)
    # An interrupted training: of its first part nothing is known, so nothing is said of the cell.
    rest = record(2, cpu={"embed": 900.0})
    assert spent([whole, rest]).rows[0].energies == (Energy("1 Wh", "of 1 cell"),)
    assert spent([rest]).rows[0].energies == (Energy(NOT_MEASURED),)


def test_a_gpu_has_a_column_of_its_own() -> None:
    both = record(0, cpu={"fit": 3600.0, "embed": 0.0}, gpu={"fit": 7_200_000.0, "embed": 0.0})
    spending = spent([both, replace(make_record(TABLE, 1, "caviar", 0))])
    assert spending.hardware == ("cpu", "gpu")
    assert spending.rows[0].energies == (Energy("1 Wh"), Energy("2 kWh"))
    assert spending.rows[1].energies == (Energy(NOT_MEASURED), Energy(NOT_MEASURED))


def test_words() -> None:
    assert [per_image(s) for s in (1.5, 0.00321, 0.00085)] == ["1.5 s", "3.21 ms", "850 µs"]
    assert [watt_hours(j) for j in (36.0, 16200.0, 3.6e9)] == ["0.01 Wh", "4.5 Wh", "1,000 kWh"]
    assert [hours_text(h) for h in (0.009, 0.0123, 250.0)] == ["< 0.01", "0.0123", "250"]


def test_a_record_keeps_its_energy_and_others_are_as_they_were(tmp_path: Any) -> None:
    measured = record(0, cpu={"fit": 1.5, "embed": 0.25}, own_share={"fit": 1.0})
    path = write_record(tmp_path, measured)
    assert read_record(path) == measured
    without = write_record(tmp_path, record(1))
    assert '"energy"' not in without.read_text(encoding="utf-8")
    assert read_record(without).energy == {}
    for energy in ({"cpu": {"fit": -1.0}}, {"memory": {"fit": 1.0}}, {"own_share": {"fit": 1.2}}):
        with pytest.raises(ValueError, match="energy"):
            write_record(tmp_path, replace(measured, energy=energy))
