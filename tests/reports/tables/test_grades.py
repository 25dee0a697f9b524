"""What tables say of their methods: grade, what the profile changes in them, the query's rate."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from crossres.benchmark import Record, Row, load_table
from crossres.benchmark.records.record import write_record
from crossres.reports import Grid, build_grids, to_csv, to_latex, to_markdown
from crossres.reports.tables.cells import facts
from crossres.reports.tables.grades import (
    changes_note,
    changes_text,
    departures_by_rows,
    grade_mark,
    grade_words,
)
from crossres.reports.tables.markdown import markdown
from crossres.reports.write import print_table, write_report

ROWS = (Row("Ours", "msifla"), Row("Plain", "plain"), Row("Panning", "vpfa"))
TABLE = replace(load_table("table2"), id="mixed", rows=ROWS, published=())
CHANGE = "quick's head and losses"
OPTIONS = 'part_head "bnneck" ("none"), test_normalise "whole" ("network"), label_smoothing 0 (0.1)'
EXPECTED = [
    ("Ours", f"faithful structure with {CHANGE}", "false"),
    ("Plain", f"control with {CHANGE}", "false"),
    ("Panning", f"faithful structure with {CHANGE}", "true"),
]


@pytest.fixture
def records(recorder: Callable[..., Record]) -> list[Record]:
    return [recorder(TABLE, row, "caviar", 0) for row in range(3)]


@pytest.fixture
def grid(records: list[Record]) -> Grid:
    (table2,) = build_grids(records, TABLE)
    return table2


def test_csv_says_it_of_every_number(grid: Grid) -> None:
    lines = list(csv.DictReader(io.StringIO(to_csv([grid]))))
    assert {(line["row"], line["grade"], line["rate_given"]) for line in lines} == set(EXPECTED)
    assert {line["departures"] for line in lines} == {OPTIONS}


def test_markdown_has_columns_where_rows_differ(grid: Grid) -> None:
    text = to_markdown([grid])
    assert "| Data set | Row | Grade | Rate | Rank-1 |" in text
    assert f"| CAVIAR | Panning | faithful structure with {CHANGE} | given |" in text
    assert f"| CAVIAR | Plain | control with {CHANGE} | not used |" in text
    assert "Profile quick changes the head and losses of all rows. In brackets:" in text
    assert f"- Ours, Plain and Panning: {markdown(OPTIONS)}" in text


def test_latex_has_columns_where_rows_differ(grid: Grid) -> None:
    text = to_latex([grid])
    assert r"\begin{tabular}{@{}lllccc@{}}" in text
    assert r"\cmidrule(lr){4-6}" in text
    assert r"\crossreslabel{Panning} & structure{*} & given & " in text
    assert r"\crossreslabel{Plain} & control{*} &  & " in text
    assert "{*} With quick's head and losses." in text


def test_html_and_terminal_say_it(
    records: list[Record], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for record in records:
        write_record(tmp_path, record)
    write_report(tmp_path, [TABLE])
    html = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert html.count('<td class="grade">given</td>') == 1
    assert html.count('<td class="grade">faithful structure<br>with <a href=') == 2
    plain = html.replace("&#39;", "'").replace("&#34;", '"')
    assert plain.count(f'title="{OPTIONS}">{CHANGE}</a></td>') == 3
    assert f"method <b>vpfa</b> (grade: faithful structure with {CHANGE}, query's rate" in plain
    print_table(tmp_path, [TABLE])
    printed = capsys.readouterr().out
    assert "given" in printed
    assert "structure*" in printed
    assert "* Profile quick changes the head and losses of all rows." in printed


def test_what_all_rows_share_is_said_once(recorder: Callable[..., Record]) -> None:
    table = load_table("table2")
    (grid,) = build_grids([recorder(table, 0, "caviar", 0)], table)
    assert "Grade" not in to_markdown([grid]).split("|")
    assert facts(grid).endswith(f"grade: faithful structure with {CHANGE}, query's rate not used")
    text = to_latex([grid])
    assert "Grade" not in text
    assert "Profile quick changes the head and losses of all rows." in text


def test_a_row_that_does_without_the_rates_says_so(recorder: Callable[..., Record]) -> None:
    blind = Row("Guessing", "vpfa", {"rate": "estimated"})
    table = replace(TABLE, rows=(*ROWS, blind))
    (grid,) = build_grids([recorder(table, row, "caviar", 0) for row in range(4)], table)
    assert grid.uses_rate == (False, False, True, False, False)  # the oracle is the last
    words = f"| CAVIAR | Guessing | faithful structure with {CHANGE} | not used |"
    assert words in to_markdown([grid])


def test_rows_are_named_with_what_the_profile_changes_in_them(
    recorder: Callable[..., Record],
) -> None:
    rows = (Row("PCB", "pcb"), Row("JUDEA", "judea"), Row("PS-HRNet", "ps-hrnet"))
    table = replace(TABLE, rows=rows, oracle=None)
    (grid,) = build_grids([recorder(table, row, "caviar", 0) for row in range(3)], table)
    assert [grade_mark(grid, row) for row in range(3)] == ["control*", "reading", "structure*"]
    assert changes_note(grid) == (
        "Profile quick changes the head and losses of PCB; the networks, head, losses and "
        "augmentation of PS-HRNet."
    )
    assert "triplet true (false)" in changes_text(grid, 0)
    assert 'trunk "profile" ("hrnet_w32")' in changes_text(grid, 2)
    by_rows = {rows: (changes, sizes) for rows, changes, sizes in departures_by_rows(grid)}
    assert by_rows["JUDEA"] == ("", "cells [8, 4] ([16, 6])")


def test_what_a_row_asks_for_is_no_departure_of_the_profile(
    recorder: Callable[..., Record],
) -> None:
    options = {"part_head": "pcb", "label_smoothing": 0.1, "test_normalise": "network"}
    table = replace(TABLE, rows=(Row("Plain", "plain"), Row("Its own", "plain", options)))
    (grid,) = build_grids([recorder(table, row, "caviar", 0) for row in range(2)], table)
    assert [grade_words(grid, row) for row in range(2)] == [f"control with {CHANGE}", "control"]


def test_rows_of_one_method_that_differ_by_an_option_have_one_grade(
    recorder: Callable[..., Record],
) -> None:
    rows = (Row("Plain", "plain"), Row("Its own head", "plain", {"part_head": "pcb"}))
    table = replace(TABLE, rows=rows)
    (grid,) = build_grids([recorder(table, row, "caviar", 0) for row in range(2)], table)
    assert [grade_words(grid, row) for row in range(2)] == [f"control with {CHANGE}"] * 2
    assert not grid.is_mixed


def test_under_a_profile_that_leaves_the_methods_alone_a_grade_is_all(
    recorder: Callable[..., Record],
) -> None:
    records = [recorder(TABLE, row, "caviar", 0, profile_name="paper") for row in range(3)]
    (grid,) = build_grids(records, TABLE)
    assert [grade_words(grid, row) for row in range(3)] == [cls.grade for cls in grid.methods[:3]]
    assert (changes_note(grid), departures_by_rows(grid)) == ("", [])
    assert "changes" not in to_latex([grid])
