"""Cells of validation identities: grids of their own, beside nothing, and of no claim."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from crossres.benchmark import Record, load_table
from crossres.benchmark.config.claims import load_claims
from crossres.benchmark.config.tables import Table
from crossres.benchmark.records.cell import key_of
from crossres.benchmark.records.record import write_record
from crossres.reports import build_grids
from crossres.reports.claims import evaluate_claims, grids_of
from crossres.reports.grid.standing import VALIDATION
from crossres.reports.page.commands import cell_command, missing_command
from crossres.reports.tables.csv import to_csv
from crossres.reports.write import print_table, write_report

Recorder = Callable[..., Record]
TABLE = load_table("table2")
LABEL = " on validation identities"


def under(record: Record, protocol: str) -> Record:
    """The record of another cell, that of this protocol."""
    cell = replace(record.cell, protocol=protocol)
    key = key_of(cell, record.profile, record.digests["manifest"])
    return replace(record, key=key, cell=cell)


def records_of(recorder: Recorder, validation: bool, table: Table = TABLE) -> list[Record]:
    records = [
        recorder(table, row, "mlr-viper", seed, "real", "paper")
        for row in range(len(table.rows))
        for seed in range(3)
    ]
    protocol = "mlr-sing[validation=true]" if validation else "mlr-sing"
    return [under(record, protocol) for record in records]


def test_published_numbers_stand_beside_those_of_test_alone(recorder: Recorder) -> None:
    both = [*records_of(recorder, True), *records_of(recorder, False)]
    tested, validated = build_grids(both, TABLE)
    assert (tested.profile, validated.profile) == ("paper", f"paper{LABEL}")
    assert (tested.title, validated.title) == (
        TABLE.title,
        f"{TABLE.title} (validation identities)",
    )
    assert [column.title for column in validated.shown] == ["MLR-VIPeR, validation"]
    assert tested.score(0, tested.shown[0], "rank1").published is not None
    assert validated.score(0, validated.shown[0], "rank1").published is None
    assert (tested.is_comparable, validated.is_comparable) == (True, False)
    assert (tested.cautions, validated.cautions) == ((), (VALIDATION,))
    assert {r.cell.protocol for r in validated.records} == {"mlr-sing[validation=true]"}
    assert not tested.unmatched
    assert not validated.unmatched
    lines = csv.DictReader(io.StringIO(to_csv([tested, validated])))
    printed = {(line["protocol"], line["caution"], bool(line["published"])) for line in lines}
    assert printed >= {("mlr-sing", "", True), ("mlr-sing[validation=true]", VALIDATION, False)}
    assert ("mlr-sing[validation=true]", VALIDATION, True) not in printed


def test_it_is_said_in_every_rendering(recorder: Recorder, tmp_path: Path) -> None:
    for record in records_of(recorder, True)[::3]:
        write_record(tmp_path, record)
    write_report(tmp_path)
    html = (tmp_path / "report/index.html").read_text("utf-8").replace("</strong>", "")
    for text in (html, (tmp_path / "report/table2.md").read_text("utf-8")):
        assert VALIDATION in text
        assert "MLR-VIPeR, validation" in text
    assert "Real data" not in html
    assert "Δ" not in html
    assert 'id="claims"' not in html
    assert 'class="num published"' not in html.split(">What papers print<")[0]
    tex = (tmp_path / "report/table2.tex").read_text("utf-8")
    assert rf"\textbf{{{VALIDATION}}}" in tex
    assert "Published:" not in tex
    screen = Console(file=io.StringIO(), width=300)
    print_table(tmp_path, console=screen)
    assert VALIDATION in screen.file.getvalue()  # type: ignore[attr-defined]


def test_no_claim_is_judged_by_it(recorder: Recorder) -> None:
    claims = load_claims()

    def profiles(records: list[Record]) -> list[str]:
        return [group.profile for group in evaluate_claims(grids_of(claims, records), claims)]

    assert profiles(records_of(recorder, True)) == []
    both = [*records_of(recorder, True), *records_of(recorder, False)]
    assert profiles(both) == ["paper"]


def test_its_rows_are_those_of_tables_that_name_protocols(recorder: Recorder) -> None:
    table = replace(TABLE, oracle=None, protocols=("mlr-perid", "fixed-r[rate=8]"))
    records = [
        under(record, protocol)
        for protocol in ("mlr-perid[validation=true]", "fixed-r[rate=8,validation=true]")
        for record in records_of(recorder, False, table)
    ]
    (grid,) = build_grids(records, table)
    assert [(column.protocol, column.title) for column in grid.shown] == [
        ("mlr-perid[validation=true]", "MLR-VIPeR, validation (mlr-perid)"),
        ("fixed-r[rate=8,validation=true]", "MLR-VIPeR, validation (fixed-r[rate=8])"),
    ]
    other = under(records[0], "mlr-multi[validation=true]")
    assert not build_grids([other], table)
    rows = tuple(replace(row, protocol="mlr-perid") for row in table.rows)
    by_row = replace(table, protocols=(), rows=rows)
    (grid,) = build_grids([r for r in records if "perid" in r.cell.protocol], by_row)
    assert len(grid.records) == 9
    assert "--datasets mlr-viper --validation --seeds 0" in cell_command(grid, 0, grid.records[0])


def test_the_oracle_of_validation_stands_below_its_rows(recorder: Recorder) -> None:
    assert TABLE.oracle is not None
    oracle = recorder(replace(TABLE, rows=(TABLE.oracle,)), 0, "mlr-viper", 0, "real", "paper")
    oracle = under(oracle, "fixed-r[rate=1,validation=true]")
    tested, validated = build_grids(
        [*records_of(recorder, True), *records_of(recorder, False), oracle], TABLE
    )
    assert (tested.oracle, validated.oracle) == (None, 3)
    assert "--rows" in cell_command(validated, 3, oracle)
    assert "--datasets mlr-viper --validation" in cell_command(validated, 3, oracle)


def test_its_cells_are_run_again_with_the_option(recorder: Recorder) -> None:
    (grid,) = build_grids(records_of(recorder, True)[:2], TABLE)
    flags = "--datasets mlr-viper --validation"
    assert cell_command(grid, 0, grid.records[0]).endswith(f"{flags} --seeds 0 --out again")
    assert missing_command(grid).endswith(f"{flags} --out RESULTS")
