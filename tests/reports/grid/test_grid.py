"""The mathematics of grids, against pandas and by hand; what goes where, and what is said of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossres.benchmark import Record, Row, load_table
from crossres.benchmark.compare.comparison import compare
from crossres.benchmark.config.tables import OF_PROTOCOL
from crossres.benchmark.records.record import Standing
from crossres.datasets.cards import CARDS
from crossres.reports import build_grids
from crossres.reports.grid.grid import Score
from crossres.reports.tables.cells import problems

TABLE = load_table("table2")
Recorder = Callable[..., Record]


def test_means_and_deviations_are_those_of_pandas(drawn) -> None:
    (grid,) = build_grids(drawn.records, drawn.table)
    frame = pd.DataFrame(
        {
            "options": str(sorted(record.cell.options.items())),
            "dataset": record.cell.dataset,
            "seed": record.cell.seed,
            **record.metrics["single-shot"],
        }
        for record in drawn.records
    )
    grouped = frame.groupby(["options", "dataset"], sort=False)
    expected = dict(list(grouped))
    checked = 0
    for row in range(3):
        for column in grid.columns:
            record = grid.cells[row, column].records[0]
            group = expected[str(sorted(record.cell.options.items())), column.dataset]
            for metric in ("rank1", "rank5", "rank10", "rank20", "mAP", "mINP"):
                score = grid.score(row, column, metric)
                assert score.seeds == (0, 1, 2)
                assert score.values == tuple(group.sort_values("seed")[metric])
                assert score.mean == pytest.approx(group[metric].mean(), abs=1e-15)
                assert score.std == pytest.approx(group[metric].std(ddof=1), abs=1e-15)
                checked += 1
    assert checked == 3 * 5 * 6


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_score_agrees_with_numpy(values: list[float]) -> None:
    score = Score(tuple(values), tuple(range(len(values))), ("k",) * len(values))
    assert score.mean == pytest.approx(np.mean(values), abs=1e-12)
    assert score.std == pytest.approx(np.std(values, ddof=1), abs=1e-9)


def test_one_seed_has_no_deviation_and_none_no_mean() -> None:
    assert Score((0.5,), (0,), ("k",)).std is None
    assert Score().mean is None


def test_published_values_are_the_papers_and_only_under_the_headline_gallery(real) -> None:
    (grid,) = build_grids(real, TABLE)
    caviar = grid.columns[0]
    assert grid.score(2, caviar, "rank1").published.value == 62.4
    assert grid.score(1, caviar, "rank5").published.source == "paper Table 2"
    assert grid.score(2, caviar, "mAP").published is None
    assert grid.score(2, caviar, "rank1", "multi-shot").published is None
    assert grid.score(2, caviar, "rank1", "multi-shot").mean != grid.score(2, caviar, "rank1").mean


def test_missing_cells_are_known(recorder: Recorder) -> None:
    records = [recorder(TABLE, 0, "caviar", seed) for seed in (0, 2)]
    (grid,) = build_grids(records, TABLE)
    assert [column.dataset for column in grid.shown] == ["caviar"]
    assert [column.dataset for column in grid.empty] == list(TABLE.datasets[1:])
    caviar = grid.shown[0]
    gone = [(0, caviar, 1), *[(row, caviar, seed) for row in (1, 2) for seed in (0, 1, 2)]]
    assert list(grid.missing) == gone


def test_data_sets_outside_the_table_come_after_its_own(recorder: Recorder) -> None:
    records = [recorder(TABLE, 0, name, 0, "real") for name in ("mlr-pku", "mlr-sysu")]
    (grid,) = build_grids(records, TABLE)
    assert [column.dataset for column in grid.columns] == [*TABLE.datasets, "mlr-pku"]
    assert [column.title for column in grid.shown] == ["MLR-SYSU", "MLR-PKU"]


def test_twin_and_real_records_in_one_folder_give_two_grids(recorder: Recorder) -> None:
    twin = [recorder(TABLE, 0, "caviar", seed) for seed in range(3)]
    real = [recorder(TABLE, 0, "caviar", seed, "real") for seed in range(2)]
    grids = build_grids([*twin, *real], TABLE)
    assert [grid.source for grid in grids] == ["real", "twin:quick:1"]
    assert [len(grid.records) for grid in grids] == [2, 3]
    assert not {r.key for r in grids[0].records} & {r.key for r in grids[1].records}


def test_profiles_never_mix_even_under_one_name(recorder: Recorder) -> None:
    quick, smoke = (
        recorder(TABLE, 0, "caviar", 0),
        recorder(TABLE, 0, "caviar", 0, profile_name="smoke"),
    )
    changed = replace(quick, key="0" * 20, profile={**quick.profile, "train": {"iterations": 999}})
    names = [grid.profile for grid in build_grids([quick, smoke, changed], TABLE)]
    assert len(names) == 3
    assert "smoke" in names
    assert sum(name.startswith("quick-") for name in names) == 2


def test_a_profile_changed_for_one_method_gives_two_grids_with_all_the_others(
    recorder: Recorder,
) -> None:
    table = replace(TABLE, rows=(TABLE.rows[0], Row("Plain", "plain"), Row("PCB", "pcb")))
    msifla, plain, pcb = (recorder(table, row, "caviar", 0) for row in range(3))
    overrides = msifla.profile["methods"]["msifla"]
    changed = replace(
        msifla,
        key="0" * 20,
        profile={**msifla.profile, "methods": {"msifla": {**overrides, "reid_lr": 0.5}}},
        cell=replace(msifla.cell, options={**msifla.cell.options, "reid_lr": 0.5}),
    )
    grids = build_grids([msifla, changed, plain, pcb], table)
    assert len(grids) == 2
    assert {grid.cells[0, grid.shown[0]].records[0].key for grid in grids} == {"0" * 20, msifla.key}
    for grid in grids:
        assert [len(grid.cells[row, grid.shown[0]].records) for row in range(3)] == [1, 1, 1]
        assert not grid.unmatched
        assert grid.profile.startswith("quick-")


def test_protocols_never_share_a_column(recorder: Recorder) -> None:
    default = recorder(TABLE, 0, "caviar", 0)
    perid = replace(default, key="0" * 20, cell=replace(default.cell, protocol="mlr-perid"))
    (grid,) = build_grids([default, perid], TABLE)
    assert [column.title for column in grid.shown] == ["CAVIAR (mlr-perid)", "CAVIAR (mlr-sing)"]
    assert [grid.score(0, column, "rank1").n for column in grid.shown] == [1, 1]


def test_a_table_that_names_protocols_has_a_column_for_each_and_no_other(
    recorder: Recorder,
) -> None:
    table = replace(
        TABLE,
        datasets=("mlr-market",),
        protocols=("fixed-r[rate=4]", "mlr-official"),
        gallery=OF_PROTOCOL,
    )
    template = recorder(TABLE, 0, "mlr-market", 0)
    records = [
        replace(template, key=f"{n}" * 20, cell=replace(template.cell, protocol=protocol))
        for n, protocol in enumerate(["mlr-official", "fixed-r", "mlr-perid"])
    ]
    (grid,) = build_grids(records, table)
    title = CARDS["mlr-market"].title
    fixed, official = grid.columns
    assert [c.title for c in (fixed, official)] == [
        f"{title} (fixed-r[rate=4])",
        f"{title} (mlr-official)",
    ]
    assert [grid.score(0, c, "rank1").keys for c in (fixed, official)] == [("1" * 20,), ("0" * 20,)]
    assert [record.key for record in grid.unmatched] == ["2" * 20]
    expected = records[0].metrics
    assert grid.score(0, fixed, "rank1").mean == expected["single-shot"]["rank1"]
    assert grid.score(0, official, "rank1").mean == expected["multi-shot"]["rank1"]


def test_rows_with_protocols_of_their_own_share_a_column(recorder: Recorder) -> None:
    table = load_table("table4")
    template = recorder(table, 0, "mlr-vru", 0)
    few, every, unplaced = (
        replace(
            template,
            key=key * 20,
            cell=replace(template.cell, protocol=f"vru-uniform4{options}"),
            counts={**template.counts, "train_pids": pids},
        )
        for key, options, pids in [
            ("a", "[train_ids=12]", 12),
            ("b", "", 60),
            ("c", "[train_ids=9]", 9),
        ]
    )
    (grid,) = build_grids([few, every, unplaced], table)
    (column,) = grid.shown
    assert column.title == "MLR-VRU"
    assert [[r.key for r in grid.cells[row, column].records] for row in range(5)] == [
        ["a" * 20], [], [], [], ["b" * 20],
    ]  # fmt: skip
    assert [record.key for record in grid.unmatched] == ["c" * 20]
    training = grid.training(0, column)
    assert training is not None
    assert (training.identities, training.mean_seconds) == (12, few.seconds["fit"])
    assert grid.training(1, column) is None
    real = replace(every, cell=replace(every.cell, source="real"))
    (grid,) = build_grids([real], table)
    assert grid.cells[0, grid.shown[0]].records == (real,)  # 1415 identities, the paper's row
    standing = Standing(paper_size=True)
    (grid,) = build_grids([replace(real, standing=standing)], table)
    assert grid.score(0, grid.shown[0], "mAP").published is not None


def test_records_without_a_row_are_kept_apart(recorder: Recorder) -> None:
    placed = recorder(TABLE, 0, "caviar", 0)
    stranger = replace(
        placed,
        key="0" * 20,
        cell=replace(placed.cell, options={**placed.cell.options, "reid": "x"}),
    )
    (grid,) = build_grids([placed, stranger], TABLE)
    assert grid.records == (placed,)
    assert grid.unmatched == (stranger,)
    assert grid.obstacles == ("no row of msifla has these options",)
    sentence = "No row of this table is that of 1 record here: no row of msifla has these options."
    assert sentence in problems(grid)
    assert build_grids([stranger], TABLE) == []


OWN_PROTOCOLS = tuple(
    replace(row, protocol=protocol)
    for row, protocol in zip(TABLE.rows, ("mlr-sing", "mlr-perid", "mlr-sing"), strict=True)
)


@pytest.mark.parametrize(
    ("changes", "rows_of_lost_set"),
    [
        ({}, [0, 1]),
        ({"protocols": ("mlr-perid", "mlr-sing")}, [0, 1]),
        ({"protocols": ("mlr-sing[kernel=bicubic]",)}, [None, None]),  # the default, of a known set
        ({"rows": OWN_PROTOCOLS}, [0, None]),
    ],
)
def test_a_set_without_a_card_has_the_rows_that_comparisons_give_it(
    recorder: Recorder, changes: dict[str, Any], rows_of_lost_set: list[int | None]
) -> None:
    table = replace(TABLE, **changes)
    known = [recorder(TABLE, row, "caviar", 0) for row in (0, 1)]
    lost = [
        replace(record, key=f"{n}" * 20, cell=replace(record.cell, dataset="lost-set"))
        for n, record in enumerate(known)
    ]
    records = [*known, *lost]
    (grid,) = build_grids(records, table)
    in_grid = {
        record.key: table.rows[row].label
        for (row, _), cells in grid.cells.items()
        for record in cells.records
    }
    in_comparisons = {r.key: compare([r], [r], [table]).pairs[0].row for r in records}
    labels = {row.label for row in table.rows}
    assert in_grid == {key: row for key, row in in_comparisons.items() if row in labels}
    unmatched = {record.key for record in grid.unmatched}
    assert unmatched == {key for key, row in in_comparisons.items() if row not in labels}
    expected = [None if row is None else table.rows[row].label for row in rows_of_lost_set]
    assert [in_grid.get(record.key) for record in lost] == expected


def test_the_same_cell_twice_is_said_and_counted_once(recorder: Recorder) -> None:
    new, old = recorder(TABLE, 0, "caviar", 0), recorder(TABLE, 0, "caviar", 0, manifest="old")
    (grid,) = build_grids([new, old], TABLE)
    assert grid.score(0, grid.shown[0], "rank1").n == 1
    assert len(grid.records) == 1
    (note,) = [note for note in grid.notes if "2 records" in note]
    assert new.key in note
    assert old.key in note


def test_different_code_and_different_splits_are_said(recorder: Recorder) -> None:
    first = recorder(TABLE, 0, "caviar", 0)
    second = recorder(TABLE, 1, "caviar", 0)
    second = replace(second, digests={**second.digests, "code": "0" * 64, "manifest": "1" * 64})
    (grid,) = build_grids([first, second], TABLE)
    assert any("2 versions of the code" in note for note in grid.notes)
    assert any("different splits" in note for note in grid.notes)
    elsewhere = recorder(TABLE, 0, "mlr-market", 0)
    elsewhere = replace(elsewhere, digests={**elsewhere.digests, "code": "0" * 64})
    (clean,) = build_grids([first, elsewhere], TABLE)
    assert clean.notes == ()


def test_cells_that_began_with_different_weights_are_said(recorder: Recorder) -> None:
    def begun(row: int, digest: str, network: str = "resnet50") -> Record:
        record = recorder(TABLE, row, "caviar", 0)
        return replace(record, digests={**record.digests, f"initial {network}": digest * 64})

    (grid,) = build_grids([begun(0, "a"), begun(1, "b"), begun(2, "c", "hrnet_w32")], TABLE)
    assert grid.notes == ("The cells began with 2 different resnet50 weights.",)
    (equal,) = build_grids([begun(0, "a"), begun(1, "a"), recorder(TABLE, 2, "caviar", 0)], TABLE)
    assert equal.notes == ()


def test_a_row_that_cannot_be_resolved_is_a_note_and_not_the_end(recorder: Recorder) -> None:
    table = replace(TABLE, rows=(*TABLE.rows, Row("Odd", "msifla", {"no_such_option": 1})))
    (grid,) = build_grids([recorder(TABLE, 0, "caviar", 0)], table)
    assert any("Row Odd" in note and "no_such_option" in note for note in grid.notes)


def test_order_of_the_records_does_not_matter(drawn) -> None:
    forward = build_grids(drawn.records, drawn.table)
    assert build_grids(reversed(drawn.records), drawn.table) == forward
