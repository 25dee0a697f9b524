"""The same queries in two results folders: which flips there are, on the page and in JSON."""

import io
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from crossres.benchmark import load_table
from crossres.benchmark.compare.evaluations import FLIPS
from crossres.benchmark.compare.folders import compare_folders
from crossres.benchmark.records.artifacts import artifact_path, write_artifact
from crossres.benchmark.records.record import Record, record_path, write_record
from crossres.datasets import draw
from crossres.reports.comparison.json import against_json
from crossres.reports.comparison.page import to_page, write_against
from crossres.reports.comparison.queries import FOLDER, PairQueries, queries_of
from crossres.reports.comparison.terminal import print_against
from tests.reports.conftest import draw_results, make_record
from tests.reports.page.test_accessibility import LOOKS
from tests.reports.rankings import FAR, QUERIES, add_rankings
from tests.reports.visit import CHROMIUM, Visit, violations

TABLE = replace(load_table("table2"), datasets=("mlr-viper",))
RATES = np.arange(QUERIES) % 3 + 2
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")


@dataclass(frozen=True)
class TwoFolders:
    """Folder B has other ranks than A in its first two rows, and is A itself in the third."""

    a: Path
    b: Path
    records: tuple[Record, ...]

    def ranks(self, folder: Path, row: int, seed: int) -> np.ndarray:
        """The ranks (12,) of the first true matches."""
        path = artifact_path(folder, self.records[2 * row + seed].key)
        ranks: np.ndarray = np.load(path)["first_ranks"]
        return ranks

    def flips(
        self, row: int, seeds: tuple[int, ...] = (0, 1), rate: int | None = None
    ) -> list[int]:
        """How many queries are of each of FLIPS."""
        counts = np.zeros(4, int)
        for seed in seeds:
            of_rate = rate == RATES if rate else np.ones(QUERIES, bool)
            a, b = (self.ranks(folder, row, seed) == 1 for folder in (self.a, self.b))
            counts += [(x & of_rate).sum() for x in (a & b, ~a & b, a & ~b, ~a & ~b)]
        return [int(number) for number in counts]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> TwoFolders:
    """Three rows, one data set and two seeds in each; not to be changed by a test."""
    a = tmp_path_factory.mktemp("before")
    drawn = draw_results(a, TABLE, seeds=(0, 1))
    add_rankings(a, drawn.records)
    b = tmp_path_factory.mktemp("after")
    shutil.copytree(a, b, dirs_exist_ok=True)
    for record in drawn.records[:4]:
        write_record(b, altered(record))
        with np.load(artifact_path(b, record.key)) as opened:
            arrays = {name: opened[name] for name in opened.files}
        ranks = np.random.default_rng(draw("after", record.key)).choice([1, 1, 3, FAR], QUERIES)
        arrays["first_ranks"] = ranks.astype(np.int32)
        arrays["scores_multi-shot"][:, 0] = ranks == 1
        arrays["scores_multi-shot"][:, 4] = 1 / ranks
        write_artifact(b, record.key, arrays)
    return TwoFolders(a, b, drawn.records)


def altered(record: Record) -> Record:
    """The record of the same cell with other numbers, of other code."""
    metrics = {
        rule: {
            name: value * 0.9 if name != "valid_queries" else value for name, value in of.items()
        }
        for rule, of in record.metrics.items()
    }
    digests = dict.fromkeys(("weights", "embeddings", "code"), "a" * 64)
    return replace(record, metrics=metrics, digests={**record.digests, **digests})


def read(a: Path, b: Path, **how: bool) -> PairQueries:
    return queries_of(compare_folders(a, b), **how)


def test_flips_by_row_set_and_rate(two: TwoFolders) -> None:
    queries = read(two.a, two.b)
    assert queries.rows == tuple(
        row.label for row in TABLE.rows[:2]
    )  # nothing differs in the third
    assert queries.remarks == ()
    for row, label in enumerate(queries.rows):
        over_sets = queries.over_sets(label)
        assert [flips.rate for flips in over_sets] == [2, 3, 4, None]
        for flips in over_sets:
            assert list(flips.counts) == list(FLIPS)
            assert list(flips.counts.values()) == two.flips(row, rate=flips.rate)
        on_sets = [
            flips for flips in queries.flips if (flips.row, flips.dataset) == (label, "mlr-viper")
        ]
        assert [flips.counts for flips in on_sets] == [flips.counts for flips in over_sets]
    (content,) = [json.loads(s.texts[s.name]) for s in queries.browser.sets if s.seed == 1]
    assert content["pairs"] == list(queries.rows)
    assert [row["label"] for row in content["rows"]] == [two.a.name, two.b.name] * 2
    assert content["rows"][3]["ranks"] == two.ranks(two.b, 1, 1).tolist()


def test_terminal_json_and_page_have_the_same_counts(two: TwoFolders) -> None:
    folders = compare_folders(two.a, two.b)
    queries = queries_of(folders)
    console = Console(file=io.StringIO(), width=100)
    print_against(folders, queries, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    page = to_page(folders, queries)
    numbers = two.flips(0)
    assert [*map(str, numbers)] == next(
        line.split()[-4:]
        for line in text.splitlines()
        if line.startswith("Baseline") and " all " in line
    )
    assert "".join(f'<td class="num">{number}</td>' for number in numbers) in page
    caution = "above that are of the single-shot gallery may say otherwise"
    assert caution in " ".join(text.split())
    assert caution in page
    content = against_json(folders, queries)
    assert content["flips"][3] == {
        "row": "Baseline", "dataset": None, "protocol": None, "rate": None,
        "counts": dict(zip(FLIPS, numbers, strict=True)), "gallery": "multi-shot",
    }  # fmt: skip


def test_what_is_missing_is_said_in_a_line(two: TwoFolders, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(two.b, other)
    first = two.records[0]  # tested on another split: another cell, with another key
    record_path(other, first.key).unlink()
    moved = altered(make_record(TABLE, 0, "mlr-viper", 0, manifest="another split"))
    write_record(other, moved)
    assert moved.digests["manifest"] != first.digests["manifest"]
    shutil.copy(artifact_path(other, first.key), artifact_path(other, moved.key))
    old = artifact_path(other, two.records[2].key)
    with np.load(old) as opened:  # as older versions wrote them
        kept = {n: opened[n] for n in opened.files if not n.startswith(("ranked", "first"))}
    write_artifact(other, two.records[2].key, kept)
    folders = compare_folders(two.a, other)
    queries = queries_of(folders)
    assert queries.remarks == (
        "1 of 4 pairs of cells whose metrics differ was tested on other queries in B than in A "
        "(another split, data seed or twin), which cannot be compared one by one",
        "1 of 4 pairs of cells whose metrics differ has no usable rankings in both folders, as "
        "cells of older versions; run them again",
    )
    assert list(queries.over_sets("Baseline")[-1].counts.values()) == two.flips(0, (1,))
    page = to_page(folders, queries)
    assert all(f"{remark[0].upper()}{remark[1:]}." in page for remark in queries.remarks)


def test_without_any_queries_the_page_has_no_script(two: TwoFolders, tmp_path: Path) -> None:
    equal, old = tmp_path / "equal", tmp_path / "old"
    shutil.copytree(two.a, equal)
    shutil.copytree(two.b, old)
    shutil.rmtree(old / "artifacts")
    for folder in (equal, old):
        folders = compare_folders(two.a, folder)
        queries = queries_of(folders)
        assert (queries.browser.sets, queries.flips) == ([], ())
        assert len(queries.remarks) == (folder == old)
        assert "<script" not in to_page(folders, queries)


def test_the_files_of_an_earlier_comparison_go(two: TwoFolders, tmp_path: Path) -> None:
    shutil.copytree(two.a, tmp_path / "a")
    (tmp_path / "a" / "report" / "queries").mkdir(parents=True)
    of_report = tmp_path / "a" / "report" / "queries" / "x.js"
    of_report.write_text("")
    page, beside = written(tmp_path / "a", two.b)
    assert sorted(path.name for path in beside.iterdir()) == [
        f"mlr-viper-mlr-sing-seed{seed}{part}.js" for seed in (0, 1) for part in ("-0", "")
    ]
    assert written(tmp_path / "a", two.b, embedded=True) == [page]
    assert not beside.exists()
    assert of_report.exists()


def written(a: Path, b: Path, **how: bool) -> list[Path]:
    folders = compare_folders(a, b)
    return write_against(a, folders, queries_of(folders, **how))


# --- as seen --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page_file(two: TwoFolders) -> Path:
    return written(two.a, two.b)[0]


def opened(visit: Visit) -> Any:
    page = visit.page
    page.locator("#queries").scroll_into_view_if_needed()
    page.locator(".answers").wait_for()
    page.wait_for_function(
        "() => [...document.querySelectorAll('#queries img')].every(i => i.naturalWidth > 0)"
    )
    return page


def counts(page: Any) -> list[int]:
    """Those of all rates: rescued, broken, never right, always right."""
    return [int(t) for t in page.locator(".versus tbody tr").last.locator("td").all_inner_texts()]


@needs_chromium
def test_rows_are_looked_at_one_after_the_other(
    browser: Any, page_file: Path, two: TwoFolders
) -> None:
    visit = Visit(browser, page_file.as_uri(), 1280, "light")
    page = opened(visit)
    answers = page.locator(".answers > li h2")
    assert [text.split() for text in answers.all_inner_texts()] == [
        [two.a.name, "(A)"],
        [two.b.name, "(B)"],
    ]
    for row, label in enumerate([row.label for row in TABLE.rows[:2]]):
        page.get_by_label("Row", exact=True).select_option(label=label)
        both, rescued, broken, never = two.flips(row, (0,))
        assert counts(page) == [rescued, broken, never, both]
        assert page.locator(".versus circle[data-query]").count() == QUERIES
    page.get_by_label("Seed").select_option("1")
    page.wait_for_function("() => document.querySelector('#queries-link').href.includes('seed=1')")
    both, rescued, broken, never = two.flips(1, (1,))  # the row stays
    assert counts(page) == [rescued, broken, never, both]
    page.get_by_role("button", name="all: broken by B").click()
    assert page.locator("#queries-count").inner_text() == f"1 of {broken}"
    page.get_by_label("Order").select_option(label="largest loss of B first")
    page.keyboard.press("ArrowRight")
    shown = page.locator(".asked dd").first.inner_text()
    a, b = (two.ranks(folder, 1, 1) for folder in (two.a, two.b))
    lost = np.flatnonzero((a == 1) & (b > 1))
    second = lost[np.lexsort((lost, (1 / b - 1 / a)[lost].round(3)))][1 % len(lost)]
    assert shown == f"query/{second:04d}_c{second % 3}.jpg"
    link = page.locator("#queries-link").get_attribute("href")
    again = opened(Visit(browser, page_file.as_uri() + link, 1280, "light"))
    again.wait_for_function(f"() => document.querySelector('.asked dd')?.innerText === '{shown}'")
    assert again.get_by_label("Row", exact=True).input_value() == TABLE.rows[1].label
    assert visit.messages == []
    assert all(url.startswith(("file:", "data:")) for url in visit.requests)


@needs_chromium
@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_axe_finds_nothing(browser: Any, page_file: Path, width: int, scheme: str) -> None:
    visit = Visit(browser, page_file.as_uri(), width, scheme)
    page = opened(visit)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []
    assert visit.messages == []


@needs_chromium
def test_a_single_file_needs_nothing_beside_it(
    browser: Any, two: TwoFolders, tmp_path: Path
) -> None:
    shutil.copytree(two.a, tmp_path / "a")
    (page_file,) = written(tmp_path / "a", two.b, embedded=True)
    alone = Path(shutil.copy(page_file, tmp_path / "alone.html"))
    visit = Visit(browser, alone.as_uri(), 390, "dark")
    page = opened(visit)
    assert page.locator(".answers > li").count() == 2
    assert [url for url in visit.requests if not url.startswith("data:")] == [alone.as_uri()]
    assert FOLDER not in [path.name for path in alone.parent.iterdir()]
