"""Commands on a results folder use the tables and claims that it keeps, unless others are named."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark import Row, load_table
from crossres.benchmark.config.claims import load_claims
from crossres.benchmark.records.kept import keep_claims, keep_table
from crossres.benchmark.records.record import write_record
from crossres.cli import run
from tests.reports.conftest import draw_results, make_record

TABLE2 = load_table("table2")
# Rows that built-in tables have, too, so that a report of these could be made of the records.
MINE = replace(
    TABLE2,
    id="mine",
    title="A table of mine",
    rows=tuple(replace(row, label=f"My {row.label}") for row in TABLE2.rows),
    datasets=("mlr-viper",),
    published=(),
    reference=None,
)
CLAIM = (
    '[[claims]]\nid = "one"\nsection = "ours"\ntext = "Mine is better."\ntable = "{}"\n'
    'metric = "rank1"\nleft = "My Baseline + CMSR² + MR²L"\nright = ["My Baseline"]\n'
    'direction = "higher"\n'
)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    draw_results(folder, MINE)
    keep_table(folder, MINE)
    return folder


def answer(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    assert run([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def names(written: Any) -> set[str]:
    return {Path(path).name.partition("-twin")[0] for path in written["written"]}


def test_a_report_is_that_of_the_table_it_was_made_for(results: Path, capsys) -> None:
    styles = {"mine.tex", "mine.compact.tex", "mine.transposed.tex"}
    files = {"index.html", *styles, "mine.csv", "mine.md", "mine"}
    assert names(answer(capsys, "report", results)) == files
    page = (results / "report" / "index.html").read_text(encoding="utf-8")
    assert page.count("<article id=") == 1
    assert "not run" not in page.split("<footer>")[0]
    assert "table2.tex" in names(answer(capsys, "report", results, "--table", "table2"))
    keep_table(results, replace(MINE, id="second", rows=MINE.rows[:1]))
    assert {"mine.tex", "second.tex"} <= names(answer(capsys, "report", results))


def test_a_folder_that_keeps_none_shows_the_built_in_tables(results: Path, capsys) -> None:
    (results / "tables" / "mine.toml").unlink()
    written = names(answer(capsys, "report", results))
    assert "table2.tex" in written
    assert "table4.tex" not in written  # of which no cell has a record


def test_what_is_shown_is_the_table_as_it_was_run_last(results: Path, capsys) -> None:
    """More seeds and sets than the table's are shown; rows that are gone are listed, not lost."""
    write_record(results, make_record(MINE, 0, "mlr-viper", 7))
    write_record(results, make_record(MINE, 0, "caviar", 0))
    keep_table(results, replace(MINE, rows=MINE.rows[:2]))
    answer(capsys, "report", results)
    page = (results / "report" / "index.html").read_text(encoding="utf-8")
    assert "3 records outside the tables" in page
    assert "4 of 5" not in page
    assert 'id="runs"' in page
    assert "seed 7" in page
    assert "CAVIAR" in page


def test_claims_about_a_table_of_ones_own(results: Path, tmp_path: Path, capsys) -> None:
    """By the id of the kept table, or by the path of a table file; kept ones without --claims."""
    table_file = results / "tables" / "mine.toml"
    for table in ("mine", str(table_file)):
        (tmp_path / "c.toml").write_text(CLAIM.format(table), encoding="utf-8")
        (result,) = answer(capsys, "claims", results, "--claims", tmp_path / "c.toml")["results"]
        assert [(c["claim"]["table"], c["verdict"]) for c in result["claims"]] == [
            ("mine", "holds")
        ]
    keep_claims(results, "c", load_claims(tmp_path / "c.toml"))
    (result,) = answer(capsys, "claims", results)["results"]
    assert [c["claim"]["id"] for c in result["claims"]] == ["one"]
    answer(capsys, "report", results)
    page = (results / "report" / "index.html").read_text(encoding="utf-8")
    assert "Mine is better." in page


def test_the_gate_names_rows_as_the_folder_does(results: Path, tmp_path: Path, capsys) -> None:
    write_record(results, make_record(replace(MINE, rows=(Row("x", "plain"),)), 0, "mlr-pku", 0))
    baseline = tmp_path / "b.json"
    assert answer(capsys, "baseline", results, "--out", baseline)["cells"] == 9
    assert run(["check", str(results), "--baseline", str(baseline), "--json"]) in (0, 1, 2)
    rows = {test["row"] for test in json.loads(capsys.readouterr().out)["tests"]}
    assert {row.label for row in MINE.rows} <= rows


def test_a_comparison_names_rows_as_the_folders_do(results: Path, tmp_path: Path, capsys) -> None:
    second = tmp_path / "other"
    for row in range(3):
        write_record(second, make_record(MINE, row, "mlr-viper", 0, rank1=0.1 + 0.2 * row))
    comparison = answer(capsys, "report", results, "--against", second)
    assert {pair["row"] for pair in comparison["pairs"]} == {row.label for row in MINE.rows}
