"""The oracle of a table: below the rows in every format, unknown to all that is said of these."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from crossres.benchmark import Record, Table, load_table
from crossres.benchmark.config.claims import load_claims
from crossres.benchmark.records.cell import key_of
from crossres.benchmark.records.record import write_record
from crossres.reports import Grid, build_grids, to_csv, to_latex, to_markdown
from crossres.reports.claims import evaluate_claims
from crossres.reports.grid.unplaced import Leftovers
from crossres.reports.page.commands import cell_command
from crossres.reports.page.cost import costs_of
from crossres.reports.page.differences import compare_rows
from crossres.reports.page.number_table import numbers_of
from crossres.reports.page.summary import overview_of
from crossres.reports.tables.terminal import print_grid
from crossres.reports.wording import ORACLE
from crossres.reports.write import write_report
from tests.reports.conftest import make_record

TABLE, CONTROLS = load_table("table2"), load_table("controls")
LABEL = "Oracle: Plain on HR queries"
HR = "fixed-r[rate=1]"


def under_hr(record: Record) -> Record:
    cell = replace(record.cell, protocol=HR)
    return replace(record, cell=cell, key=key_of(cell, record.profile, record.digests["manifest"]))


def oracle_record(table: Table, dataset: str, seed: int, **arguments: float) -> Record:
    """A record of the oracle; better than all rows unless `rank1` is given."""
    assert table.oracle is not None
    of_oracle = replace(table, rows=(table.oracle,))
    return under_hr(make_record(of_oracle, 0, dataset, seed, **{"rank1": 0.987, **arguments}))


def oracles(table: Table, seeds: Sequence[int] = (0, 1, 2)) -> list[Record]:
    sets = [dataset for dataset in table.datasets if dataset != "caviar"]
    return [oracle_record(table, dataset, seed) for dataset in sets for seed in seeds]


@pytest.fixture(scope="module")
def without(drawn) -> Grid:
    (grid,) = build_grids(drawn.records, TABLE)
    return grid


@pytest.fixture(scope="module")
def grid(drawn) -> Grid:
    (grid,) = build_grids([*drawn.records, *oracles(TABLE)], TABLE)
    return grid


def test_it_stands_below_the_rows_in_the_columns_of_default_protocols(grid: Grid) -> None:
    assert (grid.oracle, grid.lines) == (3, (0, 1, 2, 3))
    assert grid.unmatched == ()
    assert [column.title for column in grid.shown][:2] == ["CAVIAR", "MLR-Market-1501"]
    seeds = [len(grid.cells[3, column].records) for column in grid.shown]
    assert seeds == [0, 3, 3, 3, 3]
    assert grid.score(3, grid.shown[1], "rank1").mean == pytest.approx(0.987)
    assert len(grid.records) == 45 + 12


def test_nothing_that_is_said_of_rows_changes(grid: Grid, without: Grid) -> None:
    assert without.oracle is None
    assert without.lines == (0, 1, 2)
    for name in ("columns", "shown", "empty", "missing", "seeds", "is_mixed", "cautions", "notes"):
        assert getattr(grid, name) == getattr(without, name)
    for row in range(3):
        for column in without.columns:
            assert grid.cells[row, column] == without.cells[row, column]
        assert repr(grid.sample(row, "rank1")) == repr(without.sample(row, "rank1"))
    of_rows = {key: score for key, score in grid.scores.items() if key[0] < 3}
    assert of_rows == {key: score for key, score in without.scores.items() if key[0] < 3}
    assert any(score.mark for score in of_rows.values())
    assert {score.mark for key, score in grid.scores.items() if key[0] == 3} == {""}
    assert repr(compare_rows(grid)) == repr(compare_rows(without))
    assert costs_of(grid) == costs_of(without)
    numbers = numbers_of([grid]).lines
    assert [line for line in numbers if line.row in grid.table.rows] == [
        *numbers_of([without]).lines
    ]
    assert sum(line.row == grid.table.oracle for line in numbers) == 4
    glances = [overview_of([(each, "a")], [], Leftovers()).grids[0] for each in (grid, without)]
    assert glances[0].leaders == glances[1].leaders != ()
    assert glances[0].overall == glances[1].overall is not None
    claims = [claim for claim in load_claims() if claim.table.id == "table2"]
    assert claims
    assert repr(evaluate_claims([grid], claims)) == repr(evaluate_claims([without], claims))


def test_a_row_of_the_same_method_does_not_take_its_records() -> None:
    plain = [make_record(CONTROLS, 0, "mlr-viper", seed) for seed in range(3)]
    hr = [oracle_record(CONTROLS, "mlr-viper", seed) for seed in range(3)]
    (grid,) = build_grids([*plain, *hr], CONTROLS)
    (column,) = grid.shown
    assert column.title == "MLR-VIPeR"
    assert grid.cells[0, column].records == tuple(plain)
    assert grid.cells[7, column].records == tuple(hr)


def test_in_a_run_of_all_rows_on_hr_queries_its_records_are_of_a_row_too() -> None:
    hr = oracle_record(CONTROLS, "mlr-viper", 0)
    tricks = under_hr(make_record(CONTROLS, 3, "mlr-viper", 0))
    (grid,) = build_grids([hr, tricks], CONTROLS)
    (column,) = grid.shown
    assert column.title == f"MLR-VIPeR ({HR})"
    assert [bool(grid.cells[row, column].records) for row in range(8)] == [
        True, False, False, True, False, False, False, False
    ]  # fmt: skip
    assert grid.oracle is None


def test_csv_has_lines_of_its_own_protocol(grid: Grid) -> None:
    lines = [n for n in csv.DictReader(io.StringIO(to_csv([grid]))) if n["row"] == LABEL]
    assert {line["dataset"] for line in lines} == set(TABLE.datasets) - {"caviar"}
    assert {(line["protocol"], line["grade"], line["n"]) for line in lines} == {
        (HR, "control with quick's head and losses", "3")
    }
    assert {line["gallery"] for line in lines} == {"single-shot", "multi-shot"}


def test_markdown_has_it_last_in_each_block(grid: Grid, without: Grid) -> None:
    lines = [line for line in to_markdown([grid]).splitlines() if line.startswith("| ")]
    labels = [line.split(" | ")[1] for line in lines[2:]]
    assert labels[3::4] == [f"*{LABEL}*"] * 5
    assert lines[5] == f"| CAVIAR | *{LABEL}* | – | – | – | – |"
    assert "| 98.7 ± 0.0 |" in lines[9]
    assert ORACLE in to_markdown([grid])
    assert "oracle" not in to_markdown([without]).lower()


def test_latex_has_it_below_a_rule_in_each_panel(grid: Grid, without: Grid) -> None:
    text = to_latex([grid], panel_size=3)
    line = rf"\crossreslabel{{\textit{{{LABEL}}}}} & "
    assert text.count("\\midrule\n" + line) == text.count(line) == 2
    assert line + "-- & -- & -- & 98.7" in text
    assert "The oracle is no competitor" in text
    assert "oracle" not in to_latex([without]).lower()
    assert TABLE.oracle is not None
    odd = replace(TABLE.oracle, latex="[$x$]")
    (named,) = build_grids(grid.records, replace(TABLE, oracle=odd))
    assert r"\crossreslabel{\textit{[$x$]}} & " in to_latex([named])


def test_the_terminal_has_it_within_80_columns(grid: Grid) -> None:
    console = Console(file=io.StringIO(), width=80, record=True)
    print_grid(grid, console)
    lines = console.export_text().splitlines()
    of_oracle = [line for line in lines if line.startswith(LABEL)]
    assert of_oracle[0].split()[5:] == ["–"] * 4
    assert len(of_oracle) == 5
    assert "98.7 ±0.0" in of_oracle[1]
    assert any(line.startswith("The oracle is no competitor") for line in lines)
    assert max(map(len, lines)) <= 80


def written(folder: Path, records: Sequence[Record], table: Table) -> str:
    for record in records:
        write_record(folder, record)
    write_report(folder, [table])
    return (folder / "report" / "index.html").read_text(encoding="utf-8")


def test_html_has_it_last_in_each_block_and_among_the_runs(tmp_path: Path) -> None:
    rows = [make_record(TABLE, row, name, 0) for row in range(3) for name in TABLE.datasets[:2]]
    hr = oracle_record(TABLE, "mlr-market", 0)
    page = written(tmp_path, [*rows, hr], TABLE)
    blocks = page.split('<tr class="dataset">')[1:3]
    for block in blocks:
        (last,) = re.split(r'<tr [^>]*class="oracle">', block.split("</tbody>")[0])[1:]
        assert LABEL in last
        assert last.count("<tr") == 0
    assert "not run" not in blocks[0]
    assert f'<a href="#r-{hr.key}">98.7</a>' in blocks[1]
    assert f'id="r-{hr.key}"' in page
    assert ORACLE in page
    assert "outside the tables" not in page
    assert "--rows &#39;Oracle: Plain on HR queries&#39; --datasets mlr-market --seeds 0" in page


def test_a_run_of_the_oracle_alone_has_a_report(tmp_path: Path) -> None:
    page = written(tmp_path, [oracle_record(TABLE, "mlr-viper", 0)], TABLE)
    assert re.search(r'<tr [^>]*class="oracle">', page)
    assert page.count('<span class="none">not run</span>') == 9
    (grid,) = build_grids([oracle_record(TABLE, "mlr-pku", 0)], TABLE)
    assert [column.title for column in grid.shown] == ["MLR-PKU"]


def test_its_command_names_it_by_a_word_where_the_label_cannot() -> None:
    assert TABLE.oracle is not None
    table = replace(TABLE, oracle=replace(TABLE.oracle, label="Plain, on HR"))
    record = oracle_record(table, "mlr-viper", 0)
    (grid,) = build_grids([record], table)
    assert "--rows oracle --datasets mlr-viper --seeds 0" in cell_command(grid, 3, record)


def at_rate(record: Record) -> Record:
    """The record with a metric of queries at one rate, as those of down-sampled ones have."""
    metrics = {rule: {**of_rule, "rank1@2": 0.5} for rule, of_rule in record.metrics.items()}
    return replace(record, metrics=metrics)


def test_cells_of_the_oracle_that_lack_are_counted(without: Grid, drawn) -> None:
    hr = [record for record in oracles(TABLE, seeds=(0, 2)) if record.cell.dataset != "mlr-viper"]
    rated = [at_rate(r) if r.cell.dataset != "caviar" else r for r in drawn.records]
    (grid,) = build_grids([*rated, *hr], TABLE)
    lacking = [(column.dataset, seed) for line, column, seed in grid.missing if line == 3]
    assert {entry for entry in grid.missing if entry[0] != 3} == set(without.missing)
    asked = [column.dataset for column in grid.shown if column.dataset != "caviar"]
    assert sorted(lacking) == sorted(
        [(name, seed) for name in asked for seed in range(3) if seed == 1 or name == "mlr-viper"]
    )
    text = to_markdown([grid])
    assert "| 2 of 3 |" in text
    assert "| 0 of 3 |" in text
    total = len(grid.records) + len(grid.missing)
    assert f"{len(grid.missing)} of {total} cells have not been run" in text
