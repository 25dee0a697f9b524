"""Differences of a grid's rows: the numbers against scipy, what cannot be said, what is drawn."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from crossres.benchmark import Record, load_table
from crossres.benchmark.metrics.measure import METRICS
from crossres.benchmark.records.artifacts import ArtifactFolder, artifact_path
from crossres.benchmark.records.queries import FromArtifacts, from_counts
from crossres.benchmark.records.record import write_record
from crossres.benchmark.stats.paired import mean_difference
from crossres.benchmark.stats.power import chance_to_find
from crossres.benchmark.stats.sample import scored_queries
from crossres.reports import build_grids
from crossres.reports.charts.looks import looks_of
from crossres.reports.charts.parts import Parts
from crossres.reports.grid.unplaced import Leftovers
from crossres.reports.page.differences import RowComparison, compare_rows
from crossres.reports.page.page import to_html
from crossres.reports.page.rank_diagram import AXIS, diagram
from crossres.reports.wording import gap_text, p_text
from crossres.reports.write import write_report

TABLE = load_table("table2")


def compare(records: Any, results: Path | None = None) -> tuple[RowComparison, ...]:
    queries = from_counts if results is None else FromArtifacts(ArtifactFolder(results))
    (grid,) = build_grids(records, TABLE, queries)
    return compare_rows(grid)


def keep_scores(folder: Path, record: Record, seed: int) -> np.ndarray:
    """An artifact with the scores of 60 queries of 20 identities, one of them skipped."""
    scores = np.random.default_rng(seed).random((60, 6))
    scores[7] = np.nan
    path = artifact_path(folder, record.key)
    path.parent.mkdir(exist_ok=True)
    arrays = {"scored_pids": np.repeat(np.arange(20), 3), "scores_single-shot": scores}
    np.savez(path, **arrays)
    return scores


def measured(records: Any, row: int) -> np.ndarray:
    """(data sets, seeds): rank-1 of a row of the table."""
    (grid,) = build_grids(records, TABLE)
    return np.array([grid.score(row, column, "rank1").values for column in grid.shown])


def test_every_row_is_held_against_the_best(drawn) -> None:
    rank1, average = compare(drawn.records)
    assert [rank1.metric, average.metric] == ["rank1", "mAP"]
    assert [row.row for row in rank1.rows] == [2, 1, 0]
    assert rank1.reference is rank1.rows[0]
    raw = {}
    for i, j in combinations(range(3), 2):
        gaps = (measured(drawn.records, i) - measured(drawn.records, j)).mean(axis=0)
        test = stats.ttest_1samp(gaps, 0)
        raw[i, j] = test.pvalue
        if j == 2:
            summary = rank1.rows[2 - i]
            assert summary.mean == pytest.approx(measured(drawn.records, i).mean())
            # A million identities add next to nothing.
            assert (summary.gap.low, summary.gap.high) == pytest.approx(
                tuple(test.confidence_interval(0.95)), abs=5e-4
            )
            assert len(summary.sets) == 5
    order = sorted(raw, key=raw.__getitem__)
    adjusted = np.maximum.accumulate([raw[pair] * (3 - k) for k, pair in enumerate(order)])
    for row in rank1.rows[1:]:
        assert row.p == pytest.approx(min(1, adjusted[order.index((row.row, 2))]), rel=0.2)
        assert row.apart


def test_seeds_are_counted_for_one_point(drawn) -> None:
    row = compare(drawn.records)[0].rows[1]
    assert row.gap is not None
    assert row.gap.deviation is not None
    assert chance_to_find(row.detectable, row.gap, 3) == pytest.approx(0.8, abs=1e-6)
    assert chance_to_find(0.01, row.gap, row.seeds) >= 0.8
    assert chance_to_find(0.01, row.gap, row.seeds - 1) < 0.8


def test_with_one_seed_nothing_is_said_of_chance(drawn) -> None:
    comparison = compare([record for record in drawn.records if record.cell.seed == 0])[0]
    assert not comparison.tested
    assert comparison.diagram is None
    for row in comparison.rows[1:]:
        assert (row.p, row.detectable, row.seeds, row.gap.low) == (None, None, None, None)
        assert "[" not in gap_text(row.gap.effect, row.gap.low, row.gap.high)


def test_one_row_has_nothing_to_be_compared_with(recorder) -> None:
    assert compare([recorder(TABLE, 0, "caviar", seed) for seed in range(3)]) == ()


def test_a_row_on_an_easy_set_alone_is_not_the_reference(recorder) -> None:
    records = [
        recorder(TABLE, row, dataset, seed, rank1=level + 0.01 * seed)
        for row, dataset, level in [(0, "caviar", 0.9), (1, "caviar", 0.8), (1, "mlr-viper", 0.3)]
        for seed in range(2)
    ]
    comparison = compare(records)[0]
    assert comparison.reference.row == 1
    assert comparison.uneven
    assert [row.row for row in comparison.rows] == [0, 1]
    assert comparison.rows[0].gap.effect == pytest.approx(0.1)


def test_rows_without_a_common_seed_are_listed_last(recorder) -> None:
    records = [recorder(TABLE, 0, "caviar", seed, rank1=0.5 + seed / 10) for seed in (0, 1)]
    records += [recorder(TABLE, 1, "caviar", seed, rank1=0.3) for seed in (2, 3)]
    comparison = compare(records)[0]
    assert [row.gap for row in comparison.rows] == [None, None]
    assert comparison.rows[0] is comparison.reference
    assert comparison.diagram is None


# --- the intervals of means -----------------------------------------------------------------------


def test_the_interval_of_a_mean_is_made_of_the_scores_of_its_cells(
    recorder, tmp_path: Path
) -> None:
    records = [recorder(TABLE, row, "caviar", seed) for row in (0, 1) for seed in (0, 1)]
    scores = {record.key: keep_scores(tmp_path, record, k) for k, record in enumerate(records)}
    rank1, average = compare(records, tmp_path)
    for comparison in (rank1, average):
        for row in comparison.rows:
            cells = records[2 * row.row : 2 * row.row + 2]
            column = METRICS.index(comparison.metric)
            values = {
                ("a", r.cell.seed): r.metrics["single-shot"][comparison.metric] for r in cells
            }
            pids = np.repeat(np.arange(20), 3)
            queries = {
                ("a", r.cell.seed): scored_queries("a", pids, scores[r.key][:, column])
                for r in cells
            }
            expected = mean_difference(values, queries)
            assert row.sets[0].interval == (max(0.0, expected.low), expected.high)
            assert row.sets[0].interval[0] < row.sets[0].mean < row.sets[0].interval[1]
    assert compare(records, tmp_path) == (rank1, average)


def test_without_scores_the_interval_is_wider(recorder, tmp_path: Path) -> None:
    records = [recorder(TABLE, row, "caviar", seed, rank1=0.5) for row in (0, 1) for seed in (0, 1)]
    records = [
        replace(r, counts=r.counts | {"query_pids": 20, "query_images": 60}) for r in records
    ]
    for k, record in enumerate(records[:2]):
        keep_scores(tmp_path, record, k)
    comparison = compare(records, tmp_path)[0]
    width = {row.row: np.diff(row.sets[0].interval)[0] for row in comparison.rows}
    assert 0 < width[0] < width[1]


def test_with_one_seed_a_mean_has_no_interval(recorder) -> None:
    comparison = compare([recorder(TABLE, row, "caviar", 0) for row in (0, 1)])[0]
    assert not comparison.has_intervals


def test_a_damaged_artifact_is_named(recorder, tmp_path: Path) -> None:
    records = [recorder(TABLE, row, "caviar", 0) for row in (0, 1)]
    for record in records:
        write_record(tmp_path, record)
    keep_scores(tmp_path, records[0], 0)
    artifact_path(tmp_path, records[1].key).write_bytes(b"PK\x03\x04 not a zip")
    np.savez(
        artifact_path(tmp_path, records[0].key),
        **{"scored_pids": np.arange(4), "scores_single-shot": np.zeros((3, 6))},
    )
    page = write_report(tmp_path)[0].read_text(encoding="utf-8")
    for record in records:
        assert f"artifacts/{record.key}.npz: " in page


# --- what is drawn --------------------------------------------------------------------------------


def test_the_diagram_joins_what_is_not_told_apart() -> None:
    values = [{("a", seed): level - 0.01 * seed for seed in range(3)} for level in (0.9, 0.8, 0.7)]
    drawing = diagram(["A", "B", "C"], values, {(0, 1): 0.5, (0, 2): 0.01, (1, 2): 0.051})
    assert [(name.label, name.rank, name.letters) for name in drawing.names] == [
        ("A", 1.0, "a"),
        ("B", 2.0, "a b"),
        ("C", 3.0, "b"),
    ]
    left, right = AXIS
    middle = (left + right) / 2
    assert [name.x for name in drawing.names] == [left, middle, right]
    assert [joint.knots for joint in drawing.joints] == [(left, middle), (middle, right)]
    assert drawing.joints[0].text == "indistinguishable: A and B"
    assert (drawing.cells, drawing.apart, drawing.pairs) == (3, 1, 3)
    assert len({(name.y, name.left) for name in drawing.names}) == 3


def test_one_pair_needs_no_diagram() -> None:
    values = [{("a", seed): level + seed / 9 for seed in range(3)} for level in (0.1, 0.2)]
    assert diagram(["A", "B"], values, {(0, 1): 0.5}) is None


def test_the_scale_holds_every_interval_and_zero(drawn) -> None:
    for comparison in compare(drawn.records):
        assert "0" in [tick.text for tick in comparison.axis.ticks]
        for gap in (s.gap for row in comparison.rows for s in row.sets if s.gap):
            assert (
                0 <= comparison.axis.at(100 * gap.low) <= comparison.axis.at(100 * gap.high) <= 300
            )


@pytest.mark.parametrize(
    ("p", "text"), [(None, "–"), (0.0004, "< 0.001"), (0.0123, "0.012"), (1.0, "1.00")]
)
def test_p_values_as_printed(p: float | None, text: str) -> None:
    assert p_text(p) == text


def test_the_page_says_it(report: Path, recorder, tmp_path: Path) -> None:
    page = report.read_text(encoding="utf-8")
    assert page.count('<details class="more differences">') == 1
    assert "Seeds for one point" in page
    assert "differs from Baseline + CMSR² + MR²L beyond chance" in page
    grids = build_grids([recorder(TABLE, 0, "caviar", 0)], TABLE)
    artifacts = ArtifactFolder(tmp_path)
    looks = looks_of([TABLE])
    alone = to_html(grids, Leftovers((), (), ()), [], artifacts, "0", Parts(), looks)
    assert '<details class="more differences">' not in alone
    one_seed = [recorder(TABLE, row, "caviar", 0) for row in (0, 1)]
    grids = build_grids(one_seed, TABLE)
    page = to_html(grids, Leftovers((), (), ()), [], artifacts, "0", Parts(), looks)
    assert "chance cannot be assessed" in page
    assert "Seeds for one point" not in page


def test_a_metric_of_its_own_is_compared(recorder) -> None:
    records = [recorder(TABLE, row, "caviar", seed) for row in (0, 1) for seed in (0, 1)]
    (grid,) = build_grids(records, replace(TABLE, metrics=("mAP", "rank1")))
    assert [comparison.metric for comparison in compare_rows(grid)] == ["mAP"]


def test_a_difference_over_fewer_cells_than_the_means_says_so(drawn, tmp_path: Path) -> None:
    kept = [
        record
        for record in drawn.records
        if (record.cell.seed, record.cell.options["reid"]) != (2, "per-scale")
    ]
    rank1, _ = compare(kept)
    assert {row.label: row.shared for row in rank1.rows if row.gap} == {
        "Baseline": 10,
        "Baseline + CMSR²": 10,
    }
    assert all(row.shared is None for row in compare(drawn.records)[0].rows)
    for record in kept:
        write_record(tmp_path, record)
    write_report(tmp_path, [TABLE])
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert page.count("over the 10 cells that both have, not of the means") == 4
