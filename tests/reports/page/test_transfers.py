"""The matrix of transfers: from which set to which, row by row."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark import Record, load_table
from crossres.benchmark.config.claims import load_claims
from crossres.benchmark.records.kept import keep_table, kept_tables
from crossres.benchmark.records.record import write_record
from crossres.datasets.base.errors import InputError
from crossres.reports import build_grids
from crossres.reports.claims import evaluate_claims, grids_of
from crossres.reports.page.transfers import transfers_of
from crossres.reports.write import write_report
from tests.reports.conftest import make_record
from tests.reports.visit import CHROMIUM, Visit

SETS = ("caviar", "mlr-market", "mlr-viper")
NAMES = tuple(a if a == b else f"{a}:{b}" for b in SETS for a in SETS)
CLAIM = """
[[claims]]
id = "moved"
section = "ours"
text = "MSIFLA keeps more on people of another set."
table = "transfer"
metric = "rank1"
left = "MSIFLA"
right = ["Plain"]
direction = "higher"
datasets = ["caviar:mlr-viper"]
"""
TABLE = replace(load_table("transfer"), datasets=NAMES, oracle=None)


def records(names: tuple[str, ...] = NAMES) -> list[Record]:
    """Plain alone; rank-1 says which pair it is: 0.12 is from the second set to the third."""
    return [
        make_record(TABLE, 0, name, seed, rank1=0.1 * SETS.index(a) + 0.01 * SETS.index(b))
        for name in names
        for a, b in [(name.partition(":")[0], name.rpartition(":")[2])]
        for seed in (0, 1)
    ]


def test_a_line_is_a_training_and_a_column_a_test() -> None:
    (grid,) = build_grids(records(), TABLE)
    drawn = transfers_of(grid)
    assert drawn is not None
    assert drawn.metric == "rank1"
    assert drawn.tested == ("CAVIAR", "MLR-Market-1501", "MLR-VIPeR")
    (matrix,) = drawn.matrices  # MSIFLA was not run
    assert (matrix.label, [title for title, _ in matrix.lines]) == ("Plain", [*drawn.tested])
    for a, (_, pairs) in enumerate(matrix.lines):
        assert [pair.score.mean for pair in pairs] == pytest.approx(
            [0.1 * a + 0.01 * b for b in range(3)]
        )
        assert [pair.is_itself for pair in pairs] == [a == b for b in range(3)]
        assert all(pair.column is not None for pair in pairs)


def test_pairs_that_the_table_lacks_are_empty() -> None:
    names = ("mlr-pku:caviar", "mlr-viper:mlr-market", "caviar")
    table = replace(TABLE, datasets=names)
    (grid,) = build_grids([make_record(table, 0, name, 0) for name in names], table)
    drawn = transfers_of(grid)
    assert drawn is not None
    assert drawn.tested == ("CAVIAR", "MLR-Market-1501")
    assert [
        (title, [pair.score.n for pair in pairs]) for title, pairs in drawn.matrices[0].lines
    ] == [("CAVIAR", [1, 0]), ("MLR-PKU", [1, 0]), ("MLR-VIPeR", [0, 1])]


@pytest.mark.parametrize(
    "names",
    [
        ("caviar", "mlr-viper"),
        ("caviar:mlr-viper", "mlr-market:mlr-viper", "mlr-viper"),
        ("caviar:mlr-viper", "caviar:mlr-market"),
    ],
)
def test_one_line_or_one_column_is_no_matrix(names: tuple[str, ...]) -> None:
    (grid,) = build_grids(records(names), replace(TABLE, datasets=names))
    assert transfers_of(grid) is None


def test_several_protocols_have_no_matrix() -> None:
    table = replace(TABLE, protocols=("mlr-sing", "mlr-perid"))
    cells = [r for r in records() if r.cell.protocol == "mlr-sing"]
    others = [
        make_record(table, 0, name, 0, manifest="p") for name in NAMES if name.endswith("market")
    ]
    (grid,) = build_grids([*cells, *others], table)
    assert len(grid.shown) == len(NAMES)  # each under one of the two
    assert transfers_of(grid) is not None
    both = [replace(r, cell=replace(r.cell, protocol="mlr-perid")) for r in cells]
    (grid,) = build_grids([*cells, *both], table)
    assert transfers_of(grid) is None


def test_a_claim_may_be_about_transfers(tmp_path: Path) -> None:
    table = replace(TABLE, datasets=("caviar:mlr-viper", "mlr-market:mlr-viper"))
    keep_table(tmp_path, table)
    (tmp_path / "claims.toml").write_text(CLAIM)
    claims = load_claims(tmp_path / "claims.toml", kept_tables(tmp_path))
    cells = [
        make_record(table, row, name, seed, rank1=0.4 + 0.1 * row + 0.01 * seed)
        for row in (0, 1)
        for name in ("caviar:mlr-viper", "mlr-viper")
        for seed in range(3)
    ]
    (group,) = evaluate_claims(grids_of(claims, cells), claims)
    (answer,) = group.measured
    assert answer.verdict == "holds"
    assert [finding.dataset for finding in answer.findings] == ["caviar:mlr-viper"]
    (tmp_path / "claims.toml").write_text(CLAIM.replace("viper", "vipr"))
    with pytest.raises(InputError, match="unknown data set 'mlr-vipr'"):
        load_claims(tmp_path / "claims.toml", kept_tables(tmp_path))


def test_notes_are_told_once_of_the_set_that_they_are_of() -> None:
    notes = {
        "mlr-viper:caviar": ("dropped 4",),
        "caviar:mlr-viper": ("trained on caviar: dropped 4", "trained on viper: is no note on it"),
        "caviar": ("dropped 4",),
    }
    table = replace(TABLE, datasets=tuple(notes))
    (grid,) = build_grids(
        [make_record(table, 0, name, 0, notes=texts) for name, texts in notes.items()], table
    )
    assert sorted(grid.notes) == [
        "caviar: dropped 4", "mlr-viper: trained on viper: is no note on it"
    ]  # fmt: skip


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
def test_the_page_shows_each_pair_with_a_link_to_its_records(browser: Any, tmp_path: Path) -> None:
    for record in records():
        write_record(tmp_path, record)
    page = Visit(browser, write_report(tmp_path, [TABLE])[0].as_uri(), 1280, "light").page
    cells = page.locator("table.transfers tbody td")
    assert cells.count() == 9
    assert cells.nth(5).inner_text() == "12.0 ± 0.0"
    assert page.locator("table.transfers td.itself").all_inner_texts() == [
        "0.0 ± 0.0", "11.0 ± 0.0", "22.0 ± 0.0"
    ]  # fmt: skip
    anchor = cells.nth(5).locator("a").get_attribute("href")
    assert page.locator(anchor).count() == 1
    links = page.get_by_role("navigation").get_by_role("link").all_inner_texts()
    assert [links.count(name) for name in ("From set to set", "Results")] == [1, 1]
    page.get_by_role("button", name="Plain").click()
    assert not page.locator("table.transfers").is_visible()
    title = page.locator("tr.dataset", has_text="MLR-Market-1501 → MLR-VIPeR")
    assert "60 training identities of MLR-Market-1501;" in title.inner_text()
