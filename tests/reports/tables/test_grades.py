"""What tables say of their methods: the grade, and whether the query's rate is given."""

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
from crossres.reports.write import print_table, write_report

ROWS = (Row("Ours", "msifla"), Row("Plain", "plain"), Row("Panning", "vpfa"))
TABLE = replace(load_table("table2"), id="mixed", rows=ROWS, published=())
EXPECTED = [
    ("Ours", "faithful structure", "false"),
    ("Plain", "control", "false"),
    ("Panning", "faithful structure", "true"),
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


def test_markdown_has_columns_where_rows_differ(grid: Grid) -> None:
    text = to_markdown([grid])
    assert "| Data set | Row | Grade | Rate | Rank-1 |" in text
    assert "| CAVIAR | Panning | faithful structure | given |" in text
    assert "| CAVIAR | Plain | control | not used |" in text


def test_latex_has_columns_where_rows_differ(grid: Grid) -> None:
    text = to_latex([grid])
    assert r"\begin{tabular}{@{}lllccc@{}}" in text
    assert r"\cmidrule(lr){4-6}" in text
    assert r"\crossreslabel{Panning} & structure & given & " in text
    assert r"\crossreslabel{Plain} & control &  & " in text


def test_html_and_terminal_say_it(
    records: list[Record], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for record in records:
        write_record(tmp_path, record)
    write_report(tmp_path, [TABLE])
    html = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert html.count('<td class="grade">given</td>') == 1
    assert html.count('<td class="grade">faithful structure</td>') == 2
    assert "method <b>vpfa</b> (grade: faithful structure, query's rate given)" in html.replace(
        "&#39;", "'"
    )
    print_table(tmp_path, [TABLE])
    assert "given" in capsys.readouterr().out


def test_what_all_rows_share_is_said_once(recorder: Callable[..., Record]) -> None:
    table = load_table("table2")
    (grid,) = build_grids([recorder(table, 0, "caviar", 0)], table)
    assert "Grade" not in to_markdown([grid]).split("|")
    assert facts(grid).endswith("grade: faithful structure, query's rate not used")
    assert "Grade" not in to_latex([grid])


def test_a_row_that_does_without_the_rates_says_so(recorder: Callable[..., Record]) -> None:
    blind = Row("Guessing", "vpfa", {"rate": "estimated"})
    table = replace(TABLE, rows=(*ROWS, blind))
    (grid,) = build_grids([recorder(table, row, "caviar", 0) for row in range(4)], table)
    assert grid.uses_rate == (False, False, True, False, False)  # the oracle is the last
    assert "| CAVIAR | Guessing | faithful structure | not used |" in to_markdown([grid])
