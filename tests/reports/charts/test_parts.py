"""One drawing that fails costs no report: its reason stands in its place, and is logged."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest

import crossres.reports.charts.pdf
import crossres.reports.comparison.page
import crossres.reports.page.page
import crossres.reports.write
from crossres.benchmark import load_table
from crossres.benchmark.compare.folders import compare_folders
from crossres.benchmark.records.record import write_record
from crossres.reports.charts.axis import round_step
from crossres.reports.comparison.page import to_page
from crossres.reports.comparison.queries import queries_of
from crossres.reports.page.page import _PARTS
from crossres.reports.write import print_table, write_report
from tests.reports.conftest import draw_results

TABLE = load_table("table1")
REASON = "no <step> for 600 points"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return draw_results(tmp_path / "results", load_table("table2"), datasets=("caviar",)).folder


def fail(*_: object, **__: object) -> None:
    raise StopIteration(REASON)


@pytest.mark.parametrize("parts", [4, 6, 12])
def test_round_steps_divide_any_span(parts: int) -> None:
    for span in (0.5, 6, 7, 59, 600, 601, 5999, 123456.7):
        step = round_step(span, parts)
        assert span / step <= parts
        assert str(step).strip("0") in ("1", "2", "5")
        smaller = {"1": step / 2, "2": step / 2, "5": step / 2.5}[str(step)[0]]
        assert step == 1 or span / smaller > parts


def test_gaps_with_an_interval_of_thousands_of_points_are_drawn(recorder, tmp_path: Path) -> None:
    """Two seeds with gaps that scatter much: the interval of the mean is thirteen times wider."""
    rank1 = {(0, 0): 0.02, (0, 1): 0.98, (1, 0): 0.97, (1, 1): 0.03}
    for (row, seed), value in rank1.items():
        write_record(tmp_path, recorder(TABLE, row, "mlr-viper", seed, rank1=value))
    page = write_report(tmp_path, [TABLE])[0].read_text(encoding="utf-8")
    assert 'class="gaps' in page
    assert "could not be drawn" not in page


@pytest.mark.usefixtures("parts_may_fail")
@pytest.mark.parametrize("part", [part for part in _PARTS if part.make], ids=lambda p: p.field)
def test_each_part_of_the_page_may_fail(part, folder, monkeypatch, caplog) -> None:
    broken = tuple(replace(p, make=fail) if p is part else p for p in _PARTS)
    monkeypatch.setattr(crossres.reports.page.page, "_PARTS", broken)
    with caplog.at_level(logging.WARNING, "crossres.reports.charts.parts"):
        page = write_report(folder)[0].read_text(encoding="utf-8")
    title = f"{part.name} of Variants of MSIFLA, twin"
    assert page.count("no &lt;step&gt; for 600 points") == 2  # in its place, and under "Left out"
    assert title in page
    assert page.count('<td class="num measured') == 9  # the table with its numbers is there
    assert [record.getMessage().startswith(title) for record in caplog.records] == [True]
    assert str(folder) not in page


@pytest.mark.usefixtures("parts_may_fail")
def test_each_file_and_each_template_may_fail(folder, monkeypatch, caplog) -> None:
    before = {path.name for path in write_report(folder)}
    for module, name in (
        (crossres.reports.write, "to_latex"),
        (crossres.reports.write, "to_csv"),
        (crossres.reports.write, "to_markdown"),
        (crossres.reports.write, "evaluate_claims"),
        (crossres.reports.write, "print_grid"),
        (crossres.reports.charts.pdf, "_cmc"),
        (crossres.reports.page.page, "overview_of"),
        (crossres.reports.page.page, "numbers_of"),
        (crossres.reports.page.page, "counts_of"),
        (crossres.reports.page.page, "_setups"),
    ):
        monkeypatch.setattr(module, name, fail)
    with caplog.at_level(logging.WARNING, "crossres.reports.charts.parts"):
        paths = write_report(folder)
        print_table(folder)
    lost = {"table2.csv", "table2.md", "table2-twin-quick-1-quick-cmc.pdf"}
    # Without an answer nobody knows that there is nothing to say by rate.
    assert {path.name for path in paths} == (before - lost) | {"table2.by-rate.tex"}
    assert not any((folder / "report" / name).exists() for name in lost)
    assert not (folder / "report" / "figures" / "table2-twin-quick-1-quick-cmc.pdf").exists()
    assert "could not be drawn" in (folder / "report" / "table2.tex").read_text()
    page = paths[0].read_text(encoding="utf-8")
    assert page.count("could not be drawn") >= 8
    assert 'id="files"' in page
    assert len(caplog.records) == 10 + 3  # LaTeX in four styles


@pytest.mark.usefixtures("parts_may_fail")
def test_a_drawing_of_a_comparison_may_fail(tmp_path, monkeypatch) -> None:
    a, b = (
        draw_results(tmp_path / name, TABLE, f"twin:quick:{number}", ("caviar",), (0, 1))
        for number, name in enumerate("ab")
    )
    comparison = compare_folders(a.folder, b.folder)
    monkeypatch.setattr(crossres.reports.comparison.page, "_block", fail)
    assert "no &lt;step&gt; for 600 points" in to_page(comparison, queries_of(comparison))


def test_a_fault_in_a_drawing_fails_a_test(folder, monkeypatch) -> None:
    monkeypatch.setattr(crossres.reports.page.page, "numbers_of", fail)
    with pytest.raises(AssertionError, match="the flat table could not be drawn"):
        write_report(folder)
