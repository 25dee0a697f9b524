"""The page of many results folders: which there are, their order, and steps beyond chance."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark import Record, load_table
from crossres.benchmark.records.kept import keep_table
from crossres.benchmark.records.record import write_record
from crossres.benchmark.stats.paired import difference
from crossres.benchmark.stats.ranking import holm
from crossres.datasets import InputError
from crossres.reports import build_grids
from crossres.reports.over_time.folders import indexed_folders, titles
from crossres.reports.over_time.page import write_index
from crossres.reports.over_time.time_line import time_lines
from crossres.reports.write import write_report
from tests.reports.conftest import make_record
from tests.reports.page.test_accessibility import violations
from tests.reports.visit import CHROMIUM, Visit

TABLE = replace(load_table("table2"), datasets=("caviar", "mlr-viper"), published=())
# rank-1 of each row in three folders, before the seeds scatter: the second row falls, then rises.
LEVELS = ((0.50, 0.50, 0.50), (0.60, 0.40, 0.60), (0.70, 0.70, 0.70))
SCATTER = (0.0, 0.011, -0.008)


def fill(folder: Path, levels: tuple[float, ...], datasets: tuple[str, ...] = ()) -> Path:
    """A results folder of three rows and seeds with this rank-1 (mAP is 0.93 of it)."""
    for row, level in enumerate(levels):
        for dataset in datasets or TABLE.datasets:
            for seed, scatter in enumerate(SCATTER):
                value = level + scatter * (1 + row / 10) + 0.001 * row * seed
                write_record(folder, make_record(TABLE, row, dataset, seed, rank1=value))
    keep_table(folder, TABLE)
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three results folders in one, of which the second has a report, and things that are none."""
    root = tmp_path_factory.mktemp("results")
    for k, name in enumerate(("a", "b/run", "c/run")):
        fill(root / name, tuple(row[k] for row in LEVELS))
    write_report(root / "b" / "run")
    (root / "notes").mkdir()
    (root / "notes" / "x.txt").write_text("nothing\n")
    return root


def test_folders_are_those_with_records_wherever_they_lie(root: Path) -> None:
    folders = indexed_folders([root])
    assert [str(f.path.relative_to(root)) for f in folders] == ["a", "b/run", "c/run"]
    assert list(titles(folders).values()) == ["a", "b/run", "c/run"]
    again = indexed_folders([root / "c", root, root / "a"])
    assert len(again) == 3
    assert [folder.date for folder in folders] == ["", "", ""]


def test_steps_are_the_paired_differences_corrected_for_all(root: Path) -> None:
    folders = indexed_folders([root])
    (line,) = time_lines(folders)
    assert line.metric == "mAP"
    assert line.datasets == ("CAVIAR", "MLR-VIPeR")
    grids = [folder.grids[0] for folder in folders]
    expected, steps = [], []
    for row in line.rows:
        at = [r.label for r in TABLE.rows].index(row.label)
        samples = [grid.sample(at, "mAP") for grid in grids]
        for now, before in zip(samples[1:], samples, strict=False):
            gap = difference(now, before)
            assert gap is not None
            expected.append(gap)
        steps += [stop.step for stop in row.stops[1:]]
        assert row.stops[0].step is None
        assert [stop.mean for stop in row.stops] == pytest.approx(
            [sum(sample.values()) / len(sample) for sample in samples]
        )
    assert [step.change for step in steps] == expected
    assert [step.p for step in steps] == holm([gap.p for gap in expected])
    told = [(step.beyond_chance, step.change.effect > 0) for step in steps]
    assert told == [(False, False)] * 2 + [(True, False), (True, True)] + [(False, False)] * 2


def test_one_seed_says_nothing_about_chance(tmp_path: Path) -> None:
    for name, value in (("a", 0.5), ("b", 0.9)):
        write_record(tmp_path / name, make_record(TABLE, 0, "caviar", 0, rank1=value))
        keep_table(tmp_path / name, TABLE)
    (line,) = time_lines(indexed_folders([tmp_path]))
    step = line.rows[0].stops[1].step
    assert step is not None
    assert (step.p, step.beyond_chance) == (None, False)


def test_means_are_over_what_all_folders_have(tmp_path: Path) -> None:
    fill(tmp_path / "a", (0.5, 0.6, 0.7))
    fill(tmp_path / "b", (0.5, 0.6, 0.7), ("mlr-viper",))
    (line,) = time_lines(indexed_folders([tmp_path]))
    assert line.datasets == ("MLR-VIPeR",)
    assert all(len(row.stops) == 2 for row in line.rows)
    assert all(row.stops[0].mean == row.stops[1].mean for row in line.rows)


def test_other_data_and_other_profiles_are_lines_of_their_own(
    recorder: Callable[..., Record], tmp_path: Path
) -> None:
    for name, source, profile in (
        ("a", "twin:quick:1", "quick"),
        ("b", "twin:quick:2", "quick"),
        ("c", "twin:quick:1", "smoke"),
    ):
        write_record(tmp_path / name, recorder(TABLE, 0, "caviar", 0, source, profile))
    assert time_lines(indexed_folders([tmp_path])) == []


def test_a_folder_that_cannot_be_read_is_listed_with_its_reason(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "a", tmp_path / "a")
    (tmp_path / "broken" / "records").mkdir(parents=True)
    (tmp_path / "broken" / "records" / "x.json").write_text("{")
    page = write_index([tmp_path]).read_text(encoding="utf-8")
    assert page.count('<tr><td class="num">') == 2
    assert "no usable records" in page


@pytest.mark.parametrize("name", ["", "nothing"])
def test_no_results_folder_at_all_is_one_clear_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as caught:
        write_index([tmp_path / name])
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_page_lies_above_the_folders_and_links_to_their_reports(root: Path) -> None:
    path = write_index([root])
    assert path == root / "index.html"
    first = path.read_bytes()
    assert write_index([root]).read_bytes() == first
    page = path.read_text(encoding="utf-8")
    assert '<a href="b/run/report/index.html">b/run</a>' in page
    assert ">a</th>" in page
    beside = write_index([root / "a", root / "b"])
    assert beside == root / "index.html"
    assert write_index([root], root / "x" / "all.html").parent == root / "x"
    assert 'href="../b/run/report/index.html"' in (root / "x" / "all.html").read_text()
    shutil.rmtree(root / "x")


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_it_is_seen(browser: Any, root: Path, width: int, scheme: str) -> None:
    visit = Visit(browser, write_index([root]).as_uri(), width, scheme)
    page = visit.page
    assert visit.messages == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("svg.rates path.down").count() == 1
    assert page.locator("svg.rates path.up").count() == 1
    assert page.locator("svg.rates circle").count() == 7
    assert page.locator("td .down").get_attribute("title").startswith("−")
    assert violations(page) == []


def test_grids_of_one_table_are_compared_by_label(root: Path) -> None:
    (grid,) = build_grids([make_record(TABLE, 0, "caviar", 0)], TABLE)
    assert grid.table.rows[0].label == "Baseline"
    (line,) = time_lines(indexed_folders([root]))
    assert [row.label for row in line.rows] == [row.label for row in TABLE.rows]
