"""Two results folders held against each other: the sentence, the page as seen, the command."""

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import crossres
from crossres.benchmark import Record, load_table
from crossres.benchmark.compare.folders import compare_folders
from crossres.benchmark.records.commit import Commit
from crossres.benchmark.records.planned import write_run
from crossres.benchmark.records.record import write_record
from crossres.datasets.base.errors import InputError
from crossres.reports.comparison.json import against_json
from crossres.reports.comparison.page import to_page, write_against
from crossres.reports.comparison.queries import queries_of
from crossres.reports.comparison.sentence import verdict
from crossres.reports.comparison.terminal import print_against
from tests.reports.visit import CHROMIUM, Visit

Recorder = Callable[..., Record]
TABLE2 = load_table("table2")
SETS = ("caviar", "mlr-viper")


def written(folder: Path, records: list[Record]) -> Path:
    for record in records:
        write_record(folder, record)
    return folder


@pytest.fixture
def records(recorder: Recorder) -> list[Record]:
    """Three rows x two data sets x three seeds."""
    return [
        recorder(TABLE2, row, dataset, seed)
        for row in range(3)
        for dataset in SETS
        for seed in range(3)
    ]


def rerun(record: Record, **digests: str) -> Record:
    """The same cell run a second time: the same bits in another time."""
    seconds = {**record.seconds, "total": 2 * record.seconds["total"]}
    return replace(record, seconds=seconds, digests={**record.digests, **digests})


def changed(record: Record, by: float) -> Record:
    """Made by other code: other bits, and all metrics moved."""
    metrics = {
        rule: {
            name: value if name == "valid_queries" else min(1.0, max(0.0, value + by))
            for name, value in values.items()
        }
        for rule, values in record.metrics.items()
    }
    digests = dict.fromkeys(("weights", "embeddings", "code"), "a" * 64)
    return replace(record, metrics=metrics, digests={**record.digests, **digests})


@pytest.fixture
def moved(records: list[Record]) -> list[Record]:
    """The first row is surely worse, the second moved to and fro, the third the same."""
    shifts = {0: (-0.05, -0.052, -0.048), 1: (0.03, -0.03, 0.006), 2: (0.0, 0.0, 0.0)}
    return [
        changed(record, by) if (by := shifts[index // 6][record.cell.seed]) else rerun(record)
        for index, record in enumerate(records)
    ]


@pytest.fixture
def folders(tmp_path: Path, records: list[Record], moved: list[Record]) -> tuple[Path, Path]:
    return written(tmp_path / "before", records), written(tmp_path / "after", moved)


def sentence(tmp_path: Path, a: list[Record], b: list[Record]) -> str:
    return verdict(
        compare_folders(written(tmp_path / "x", a), written(tmp_path / "y", b)).comparison
    )


def test_equal_folders(tmp_path: Path, records: list[Record]) -> None:
    b = [rerun(record) for record in records]
    assert sentence(tmp_path, records, b) == "All 18 common cells are bit-equal."


def test_equal_in_spite_of_other_code(tmp_path: Path, records: list[Record]) -> None:
    b = [rerun(records[0], code="b" * 64), *map(rerun, records[1:16])]
    assert sentence(tmp_path, records, b) == (
        "All 16 common cells are bit-equal (1 of them in spite of different code); "
        "2 cells are only in A."
    )


def test_copied_records_are_no_second_run(tmp_path: Path, records: list[Record]) -> None:
    a = written(tmp_path / "a", records)
    copies = compare_folders(a, Path(shutil.copytree(a, tmp_path / "b")))
    assert verdict(copies.comparison) == (
        "All 18 common cells are bit-equal (all of them copies of one record, not run twice)."
    )
    assert against_json(copies, queries_of(copies))["copied"] == 18
    assert 'id="costs"' not in to_page(copies, queries_of(copies))
    half = compare_folders(a, written(tmp_path / "c", [rerun(records[0]), *records[1:]]))
    assert "17 of them copies of one record" in verdict(half.comparison)
    assert [(c.pairs, c.seconds) for c in half.comparison.costs] == [(1, 2.0), (1, 2.0)]


def test_other_cells_and_the_rows_that_differ(folders: tuple[Path, Path]) -> None:
    assert verdict(compare_folders(*folders).comparison) == (
        "12 of 18 common cells have different weights, made with different code; 1 of 3 rows "
        "differs beyond chance (Baseline); largest mean change −5.0 points of Rank-1 (Baseline)."
    )


def test_same_metrics_of_other_weights(tmp_path: Path, records: list[Record]) -> None:
    b = [changed(records[0], 0.0), *records[1:3], *map(rerun, records[3:])]
    assert sentence(tmp_path, records, b) == (
        "1 of 18 common cells has different weights, made with different code; "
        "2 are copies of one record, not run twice; no metric of any row differs."
    )


def test_one_seed_says_nothing_of_chance(tmp_path: Path, records: list[Record]) -> None:
    text = sentence(tmp_path, records[:1], [changed(records[0], 0.1)])
    assert "with one seed, chance cannot be assessed" in text


def test_json_holds_the_whole(folders: tuple[Path, Path]) -> None:
    comparison = compare_folders(*folders)
    answer = against_json(comparison, queries_of(comparison))
    content = json.loads(json.dumps(answer, allow_nan=False))
    assert (content["a"], content["b"]) == ("before", "after")
    assert content["same_key"] == {"bit-equal": 6, "same metrics": 0, "other metrics": 12}
    assert len(content["pairs"]) == 18
    first = [g for g in content["gaps"] if (g["row"], g["dataset"]) == ("Baseline", None)]
    assert {g["metric"]: g["verdict"] for g in first} == dict.fromkeys(TABLE2.metrics, "worse")
    assert first[0]["b"] - first[0]["a"] == pytest.approx(-0.05)


def test_terminal(folders: tuple[Path, Path]) -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    comparison = compare_folders(*folders)
    print_against(comparison, queries_of(comparison), console)
    text = console.export_text()
    assert "TWIN DATA" in text
    assert max(map(len, text.splitlines())) <= 80
    [line, *_] = [line for line in text.splitlines() if line.startswith("Baseline ")]
    assert "−5.0" in line
    assert line.rstrip().endswith("worse")
    assert "1 more row equal" in text


def test_each_side_is_named_with_its_last_run(folders: tuple[Path, Path]) -> None:
    commit = Commit("0123456789abcdef0123456789abcdef01234567", changed=True)
    request = {"table": "table2"}
    write_run(folders[1], request, request, [], at=1_700_000_000.0, workers=1, commit=commit)
    comparison = compare_folders(*folders)
    queries = queries_of(comparison)
    line = "B was last run on 2023-11-14, commit 0123456789ab, with changes"
    assert f"{line}." in to_page(comparison, queries)
    console = Console(width=80, record=True, file=io.StringIO())
    print_against(comparison, queries, console)
    text = console.export_text()
    assert f"\n{line}\n" in text
    assert "A was" not in text
    assert against_json(comparison, queries)["last_runs"] == [
        None,
        {"at": 1_700_000_000.0, "commit": {"hash": commit.hash, "changed": True}},
    ]
    # Of other tables than those that are compared nothing is said.
    assert compare_folders(*folders, [replace(TABLE2, id="other")]).last_runs == (None, None)


def test_page_is_the_same_again_and_names_no_path(folders: tuple[Path, Path]) -> None:
    compared = [compare_folders(*folders) for _ in range(2)]
    page, again = (to_page(comparison, queries_of(comparison)) for comparison in compared)
    assert page == again
    assert str(folders[0].parent) not in page
    assert "TWIN DATA" in page


def test_only_the_table_asked_for(tmp_path: Path, records: list[Record]) -> None:
    a, b = written(tmp_path / "a", records), written(tmp_path / "b", records)
    of_table1 = compare_folders(a, b, [load_table("table1")])
    assert [of_table1.comparison.rows, len(of_table1.comparison.pairs)] == [("MSIFLA",), 6]
    shared = written(tmp_path / "shared", records[6:12])
    with pytest.raises(InputError, match="none of its 6 records belongs to the tables named"):
        compare_folders(a, shared, [load_table("table1")])


def test_what_cannot_be_compared(tmp_path: Path, recorder: Recorder) -> None:
    a = written(tmp_path / "a", [recorder(TABLE2, 0, "caviar", 0)])
    b = written(tmp_path / "b", [recorder(TABLE2, 0, "caviar", 1)])
    (tmp_path / "empty" / "records").mkdir(parents=True)
    for folder, words in (
        (a, "the same folder"),
        (tmp_path / "a" / ".." / "a", "the same folder"),
        (b, "no cell in common"),
        (tmp_path / "none", "no results there"),
        (tmp_path / "empty", "no usable records"),
    ):
        with pytest.raises(InputError, match=words):
            compare_folders(a, folder)


# --- the page as seen -----------------------------------------------------------------------------


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_page_opens_quietly_and_fits(
    browser: Any, folders: tuple[Path, Path], width: int, scheme: str
) -> None:
    comparison = compare_folders(*folders)
    address = write_against(folders[0], comparison, queries_of(comparison))[0].as_uri()
    visit = Visit(browser, address, width, scheme)
    page = visit.page
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert "1 of 3 rows differs beyond chance" in page.locator(".answer").inner_text()
    rows = page.locator("#gaps table").first.locator("tbody tr")
    assert rows.count() == 3  # the mean, and the two rows that are not equal
    assert "worse" in rows.nth(1).inner_text()
    assert (visit.messages, visit.requests) == ([], [address])


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
@pytest.mark.parametrize("width", [390, 320])
def test_on_a_phone_a_verdict_is_seen_beside_its_numbers(
    browser: Any, folders: tuple[Path, Path], width: int
) -> None:
    comparison = compare_folders(*folders)
    address = write_against(folders[0], comparison, queries_of(comparison))[0].as_uri()
    page = Visit(browser, address, width, "light").page
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    for cell in page.locator(".verdicts .interval").all():  # as wide as few seeds make it
        cell.evaluate("cell => { cell.textContent = '[−12.5, +10.5]'; }")
    page.locator(".verdicts .verdict-of").last.evaluate(
        "e => { e.textContent = 'indistinguishable'; }"
    )
    rows = page.locator(".verdicts tbody tr")
    assert rows.count() > 3
    for row in rows.all():
        name, gap, verdict = (
            row.locator(at).bounding_box() for at in (".row", ".gap", ".verdict-of")
        )
        assert name["y"] + name["height"] <= gap["y"] + 1
        assert verdict["y"] - gap["y"] < 30
        assert verdict["x"] + verdict["width"] <= width
        for value in row.locator("td:not(.strip)").all():
            place = value.bounding_box()
            assert 0 <= place["x"] <= place["x"] + place["width"] <= width
    for box in page.locator(".scroll:has(.verdicts)").all():
        assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
    explained = page.get_by_text("Means are over the common seeds").bounding_box()
    assert rows.first.bounding_box()["y"] < explained["y"]
    assert (
        page.locator(".verdicts .gap")
        .first.evaluate("e => getComputedStyle(e, '::before').content")
        .startswith('"B − A')
    )
    head = page.locator(".verdicts th[scope=col]").first  # still there for readers who hear it
    assert head.evaluate("head => head.checkVisibility()")


# --- through the command line ---------------------------------------------------------------------

MINE = """
id = "mine"
datasets = ["mlr-viper"]
metrics = ["rank1", "mAP"]
seeds = [0, 1]

[[rows]]
label = "Plain"
method = "plain"

[[rows]]
label = "PCB"
method = "pcb"
"""


def test_two_runs_with_another_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, more in (("six", ""), ("four", "options = { parts = 4 }\n")):
        (tmp_path / f"{name}.toml").write_text(MINE + more, encoding="utf-8")
        table, out, cache = tmp_path / f"{name}.toml", tmp_path / name, tmp_path / "cache"
        run = ["run", table, "--profile", "smoke", "--jobs", "1", "--out", out, "--cache", cache]
        assert crossres.main([*map(str, run), "--json"]) == 0
    capsys.readouterr()
    report = ["report", str(tmp_path / "six"), "--against", str(tmp_path / "four")]
    assert crossres.main([*report, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["same_key"] == {"bit-equal": 2, "same metrics": 0, "other metrics": 0}
    [change] = [
        change for change in content["changes_other_key"] if change["change"]["kind"] == "option"
    ]
    assert change["change"] == {"kind": "option", "name": "parts", "a": "6", "b": "4"}
    assert (change["rows"], change["cells"]) == (["PCB"], 2)
    assert {g["row"] for g in content["gaps"] if g["verdict"] == "equal"} >= {"Plain"}
    beside = ("against.html", "against-queries")
    assert content["written"] == [str(tmp_path / "six" / "report" / name) for name in beside]
    assert {flips["row"] for flips in content["flips"]} == {"PCB"}
    assert content["remarks"] == []
    assert crossres.main(report) == 0
    assert "2 more cells were run differently" in " ".join(capsys.readouterr().out.split())
    assert crossres.main([*report[:3], str(tmp_path / "nowhere")]) == 2
    assert "nowhere: no results there" in capsys.readouterr().err
