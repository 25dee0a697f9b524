"""At a glance: who leads as the tables mark it, what was run, and what became of the claims."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from crossres.benchmark import Record, load_table
from crossres.benchmark.records.failures import FailedCell
from crossres.benchmark.stats.paired import difference
from crossres.reports import build_grids
from crossres.reports.grid.unplaced import Leftovers
from crossres.reports.page.differences import rows_of
from crossres.reports.page.summary import leader_words, overview_of

TABLE = load_table("table2")
LABELS = [row.label for row in TABLE.rows]


def grid_of(recorder: Callable[..., Record], values: dict[str, list[list[float]]]) -> Any:
    """values[data set][row][seed] -> the grid of those records."""
    records = [
        recorder(TABLE, row, name, seed, rank1=value)
        for name, rows in values.items()
        for row, seeds in enumerate(rows)
        for seed, value in enumerate(seeds)
    ]
    (grid,) = build_grids(records, TABLE)
    return grid


def overview(*grids: Any, leftovers: Leftovers | None = None) -> Any:
    return overview_of([(g, "here") for g in grids], [], leftovers or Leftovers())


FAR = [[0.50, 0.52, 0.51], [0.80, 0.83, 0.80], [0.65, 0.67, 0.66]]
NEAR = [[0.50, 0.60, 0.40], [0.55, 0.50, 0.60], [0.20, 0.20, 0.21]]


def test_who_leads_on_a_data_set_is_who_is_marked(recorder: Callable[..., Record]) -> None:
    (section,) = overview(grid_of(recorder, {"caviar": FAR})).grids
    (leader,) = section.leaders
    assert (leader.best, leader.rows, leader.is_alone) == (1, (1,), True)
    assert leader_words(leader, LABELS) == f"+15.0 points over {LABELS[2]}, beyond chance"
    assert section.overall is None  # one data set is no mean over several


def test_the_means_are_of_the_rows_run_everywhere(recorder: Callable[..., Record]) -> None:
    (section,) = overview(grid_of(recorder, {"caviar": FAR})).grids
    assert section.means.over == "on CAVIAR"
    first = section.means.spots[0]
    assert first.text == f"{LABELS[0]}: 51.0"
    assert [spot.row for spot in sorted(section.means.spots, key=lambda s: s.x)] == [0, 2, 1]
    (section,) = overview(grid_of(recorder, {"caviar": FAR, "mlr-viper": NEAR[:2]})).grids
    assert section.means.over == "over 2 data sets"
    assert [spot.text for spot in section.means.spots] == [
        f"{LABELS[0]}: 50.5",
        f"{LABELS[1]}: 68.0",
    ]
    apart = {"caviar": FAR[:1], "mlr-viper": [[], *NEAR[1:]]}
    (section,) = overview(grid_of(recorder, apart)).grids
    assert section.means.over == "on CAVIAR"
    assert [spot.text for spot in section.means.spots] == [f"{LABELS[0]}: 51.0"]


def test_a_tie_is_no_lead(recorder: Callable[..., Record]) -> None:
    (section,) = overview(grid_of(recorder, {"caviar": NEAR})).grids
    (leader,) = section.leaders
    assert not leader.is_alone
    assert set(leader.rows) >= {0, 1}
    assert f"+5.0 points over {LABELS[0]}; indistinguishable from {LABELS[0]}" in leader_words(
        leader, LABELS
    )


def test_one_seed_says_nothing_about_chance(recorder: Callable[..., Record]) -> None:
    (section,) = overview(grid_of(recorder, {"caviar": [[0.5], [0.9], [0.6]]})).grids
    assert "with one seed, chance cannot be assessed" in leader_words(section.leaders[0], LABELS)


def test_a_lead_over_other_seeds_says_so(recorder: Callable[..., Record]) -> None:
    values = {"caviar": [[0.5], [0.9, 0.7], [0.6]], "mlr-viper": [[0.5], [0.9, 0.7], [0.6]]}
    (section,) = overview(grid_of(recorder, values)).grids
    for leader in (section.overall, *section.leaders):
        assert not leader.is_paired
        assert "which has other seeds" in leader_words(leader, LABELS)


def test_over_all_sets_the_pairs_decide(recorder: Callable[..., Record]) -> None:
    grid = grid_of(recorder, {"caviar": FAR, "mlr-viper": FAR})
    overall = overview(grid).grids[0].overall
    assert (overall.best, overall.is_alone) == (1, True)
    values = rows_of(grid, "rank1")
    gap = difference(values[1], values[2])
    assert gap is not None
    assert overall.lead == 100 * gap.effect or abs(overall.lead - 100 * gap.effect) < 1e-9


def test_where_one_row_was_run_nothing_is_compared(recorder: Callable[..., Record]) -> None:
    records = [recorder(TABLE, 1, "caviar", seed) for seed in range(3)]
    (grid,) = build_grids(records, TABLE)
    (section,) = overview(grid).grids
    assert section.leaders == ()


def test_cells_are_counted_once(drawn: Any) -> None:
    grids = build_grids(drawn.records, TABLE)
    failed = Leftovers(failed=(FailedCell("x", "a cell", "no luck"),))
    summary = overview(*grids, *grids, leftovers=failed)
    assert (summary.done, summary.failed, summary.machines) == (45, 1, 1)
    assert summary.seconds == sum(record.seconds["total"] for record in drawn.records)


def test_the_page_begins_with_what_was_run_and_its_results(report: Path) -> None:
    main = report.read_text(encoding="utf-8").split('<main id="main">')[1]
    head = main.split("</section>")[0]
    assert f"<h1>{TABLE.title}</h1>" in head
    for fact in ("twin (size quick, version 1)", "quick", "0, 1, 2", "45 done"):
        assert f"<dd>{fact}</dd>" in head
    places = [main.index(part) for part in ('<figure class="dots"', "table class=\"results\"",
                                            'id="claims"', "<details class=\"more")]  # fmt: skip
    assert places == sorted(places)
