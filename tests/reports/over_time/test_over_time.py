"""The page of many results folders: which there are, their order, and steps beyond chance."""

import hashlib
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark import Record, load_table
from crossres.benchmark.records.commit import Commit
from crossres.benchmark.records.kept import keep_table
from crossres.benchmark.records.planned import write_run
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
from tests.reports.visit import CHROMIUM, Visit, violations

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
    assert [folder.at for folder in folders] == [0.0] * 3


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


def seeds_alone(folder: Path, seeds: Sequence[int], level: float = 0.5) -> Path:
    """A results folder of two rows with these seeds, whose rank-1 rises by 0.1 from each to the
    next; the second row is 0.3 lower.
    """
    for seed in seeds:
        for row in (0, 1):
            value = level + 0.1 * seed - 0.3 * row
            write_record(folder, make_record(TABLE, row, "caviar", seed, rank1=value))
    keep_table(folder, TABLE)
    return folder


def test_a_step_is_over_the_cells_that_both_have_and_says_so(tmp_path: Path) -> None:
    for name, seeds in (("a", (0, 1, 2)), ("b", (0,)), ("c", (0,)), ("d", (2,))):
        seeds_alone(tmp_path / name, seeds)
    (line,) = time_lines(indexed_folders([tmp_path]))
    stops = line.rows[0].stops
    assert [stop.seeds for stop in stops] == [(3, 3), (1, 1), (1, 1), (1, 1)]
    first, second = stops[1].step, stops[2].step
    assert first is not None
    assert second is not None
    assert (first.before, first.now, first.cells, first.is_whole) == (
        pytest.approx(stops[1].mean),
        pytest.approx(stops[1].mean),
        1,
        False,
    )
    assert (second.since, second.is_whole) == (1, True)
    assert stops[3].step is None
    page = write_index([tmp_path]).read_text(encoding="utf-8")
    first_mean, mean = (f"{100 * stop.mean:.1f}" for stop in stops[:2])
    assert (first_mean, mean) == ("55.8", "46.5")
    label = line.rows[0].label
    assert f"<title>{label}, a: {first_mean}, mean over 3 seeds</title>" in page
    step = f"0.0 since a (from {mean} to {mean} over the 1 cell that both have)"
    assert f"<title>{label}, b: {mean}, mean over 1 seed; {step}</title>" in page
    assert f"<title>{label}, c: {mean}, mean over 1 seed; 0.0 since b</title>" in page
    assert f"{label}, d: 65.1, mean over 1 seed; no cell in common with c</title>" in page
    assert page.count("<small>n 3</small>") == 2
    assert page.count("<small>n 1</small>") == 6


def test_a_line_has_the_slope_of_the_step_not_that_of_other_seeds(tmp_path: Path) -> None:
    seeds_alone(tmp_path / "a", (0,))
    seeds_alone(tmp_path / "b", (0, 1, 2))
    seeds_alone(tmp_path / "c", (0, 1, 2), level=0.48)
    page = write_index([tmp_path]).read_text(encoding="utf-8")
    found = re.findall(r'class="line( faint)?" points="([\d.]+),([\d.]+) ([\d.]+),([\d.]+)"', page)
    lines = [(bool(faint), *map(float, numbers)) for faint, *numbers in found]
    assert [line[0] for line in lines] == [True, False, True, False]
    for faint, _, start, _, end in lines:
        assert (start == end) if faint else (start < end)  # y grows downwards
    assert "A faint line leads to a mean over other seeds" in page


def test_rows_far_from_the_others_have_a_drawing_of_their_own(tmp_path: Path) -> None:
    for name in "ab":
        fill(tmp_path / name, (0.7, 0.3, 0.72))
    page = write_index([tmp_path]).read_text(encoding="utf-8")
    frames = page.split('<svg class="rates"')[1:]
    labels = [row.label for row in TABLE.rows]
    assert [re.findall(r"<title>(.*?), a:", frame) for frame in frames] == [
        [labels[0], labels[2]],
        [labels[1]],
    ]
    ticks = [re.findall(r'dy="4" y="[\d.]+%">(\d+)<', frame) for frame in frames]
    assert all(int(found[-1]) - int(found[0]) <= 8 for found in ticks)
    # Folders and days are said once, below the last.
    assert ['class="x days"' in frame for frame in frames] == [False, True]


def test_rows_of_one_folder_are_told_and_not_drawn(tmp_path: Path) -> None:
    fill(tmp_path / "a", (0.7,))
    fill(tmp_path / "b", (0.7, 0.3))
    page = write_index([tmp_path]).read_text(encoding="utf-8")
    assert "<summary>1 row in one folder alone</summary>" in page
    assert page.count('class="chip ') == 1
    assert page.count("<circle") == 2
    assert TABLE.rows[1].label in page.split("in one folder alone</summary>")[1]


def test_folders_have_the_day_of_their_last_run(tmp_path: Path) -> None:
    runs = (("a", 1_700_000_000.0), ("b", 1_700_000_060.0), ("c", 1_700_100_000.0))
    for name, at in runs:
        fill(tmp_path / name, (0.7,))
        request = {"table": TABLE.id}
        write_run(tmp_path / name, request, request, [], at=at, workers=1, commit=None)
    page = write_index([tmp_path]).read_text(encoding="utf-8")
    days = re.findall(r'<text class="below day"[^>]*>([^<]*)<', page)
    assert days == ["2023-11-14", "2023-11-16"]  # the second folder is of the day of the first
    assert re.findall(r"<th[^>]*>\d <small>(.)<br>([\d-]+)</small>", page) == [
        ("a", "2023-11-14"),
        ("b", "2023-11-14"),
        ("c", "2023-11-16"),
    ]


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
    assert page.count('<li><span class="no">') == 2
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
    assert '<div class="name">a<small>' in page
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
    # What is followed comes before what the folders hold, each of which takes the whole width.
    tops = (
        "(names) => names.map((name) => document.querySelector(name).getBoundingClientRect().top)"
    )
    line, table, folders = page.evaluate(tops, [".frame", ".small", "#folders"])
    assert line < table < folders
    widths = page.locator(".folders .holds").evaluate_all("(e) => e.map((x) => x.offsetWidth)")
    assert min(widths) > 0.6 * min(width, 1180)
    # A row is switched off, in drawing and table.
    drawn = "g.row.r1, table tr.r1"
    assert [page.locator(drawn).nth(k).is_visible() for k in (0, 1)] == [True, True]
    page.locator(".chip.r1 input").focus()
    page.keyboard.press("Space")
    assert [page.locator(drawn).nth(k).is_visible() for k in (0, 1)] == [False, False]
    assert page.locator("g.row.r0").is_visible()
    page.locator(".chip.r1").click()
    assert page.locator("g.row.r1").is_visible()


def test_grids_of_one_table_are_compared_by_label(root: Path) -> None:
    (grid,) = build_grids([make_record(TABLE, 0, "caviar", 0)], TABLE)
    assert grid.table.rows[0].label == "Baseline"
    (line,) = time_lines(indexed_folders([root]))
    assert [row.label for row in line.rows] == [row.label for row in TABLE.rows]


def commit_of(k: int, changed: bool | None = False) -> Commit:
    return Commit(hashlib.sha1(str(k).encode()).hexdigest(), changed)


def run_at(folder: Path, k: float, commit: Commit | None, table: str = TABLE.id) -> None:
    """Keep a run of day `k` in a results folder."""
    request, at = {"table": table}, 1_700_000_000.0 + 86_400 * k
    write_run(folder, request, request, [], at=at, workers=1, commit=commit)


def test_folders_have_the_commit_of_the_last_run_of_the_table(tmp_path: Path) -> None:
    commits = (None, commit_of(1), commit_of(2, changed=True), commit_of(3, changed=None))
    for k, commit in enumerate(commits):
        fill(tmp_path / f"f{k}", (0.7,))
        run_at(tmp_path / f"f{k}", k, commit)
    run_at(tmp_path / "f1", 1.5, commit_of(9), table="other")
    page = write_index([tmp_path]).read_text(encoding="utf-8")
    short = [commit_of(k).hash[:7] for k in range(10)]
    marked = [short[1], f"{short[2]}+", f"{short[3]}?"]
    assert re.findall(r'<text class="below commit"[^>]*>([^<]*)<', page) == marked
    lines, folders = page.split('<section id="folders"')
    heads = re.findall(r"<th[^>]*>(\d) <small>(.*?)</small>", lines)
    assert heads[0] == ("1", "f0<br>2023-11-14")
    assert [text.split("<br>")[-1] for _, text in heads[1:]] == [
        f"2023-11-{15 + k}" for k in range(3)
    ]
    assert [re.sub("<.*?>", "", text.split("<br>")[1]) for _, text in heads[1:]] == marked
    assert f'title="{commit_of(2).hash}">{short[2]}+' in lines
    label = TABLE.rows[0].label
    assert f"<title>{label}, f0: 65.2" in lines
    step = f"0.0 [−0.1, +0.1] since f1 ({short[1]})"
    assert (
        f"<title>{label}, f2 ({short[2]}+): 65.2, mean over 3 seeds; {step}, p 1.00</title>"
        in lines
    )
    # What the folder holds is as of its last run, of whatever table.
    assert short[9] in folders
    assert short[1] not in folders
    for part in (lines, folders):
        marks = (
            "Behind a commit, + says that tracked files differed from it and ? says that git did"
        )
        assert marks in part


TEXTS = """() => {
  const box = (element) => element.getBoundingClientRect();
  const texts = [...document.querySelectorAll('svg.rates .x text')].map(box);
  const seen = texts.filter((a) => a.width);
  const end = box(document.querySelector('.scroll')).top;
  const beside = (a, b) => a.left < b.right + 3 && b.left < a.right + 3;
  const meet = (a, b) => beside(a, b) && a.top < b.bottom - 2 && b.top < a.bottom - 2;
  return {
    texts: seen.length,
    overlaps: seen.filter((a, i) => seen.slice(i + 1).some((b) => meet(a, b))).length,
    outside: seen.filter((a) => a.left < 0 || a.right > innerWidth || a.bottom > end).length,
  };
}"""


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
@pytest.mark.parametrize(("count", "first"), [(2, 390), (12, 1280), (30, 1280)])
def test_commits_are_seen_where_they_have_room(
    browser: Any, tmp_path: Path, count: int, first: int
) -> None:
    for k in range(count):
        fill(tmp_path / f"f{k:02}", (0.5 + 0.01 * (k % 3),), ("caviar",))
        run_at(tmp_path / f"f{k:02}", k, commit_of(k, changed=k % 2 == 1))
    visit = Visit(browser, write_index([tmp_path]).as_uri(), 1280, "light")
    page = visit.page
    for width in (1280, 1000, 900, 800, 700, 390):
        page.set_viewport_size({"width": width, "height": 900})
        seen = page.evaluate(TEXTS)
        assert (seen["overlaps"], seen["outside"]) == (0, 0), width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if width >= first:
            assert page.locator("svg.rates .below.commit").first.is_visible()
            assert seen["texts"] == 3 * min(count, 10 if count == 30 else 12)
    assert violations(page) == []
