"""A check passes only where it could have found what matters."""

from dataclasses import replace

import numpy as np
from scipy import stats

from crossres.benchmark import Record
from crossres.benchmark.gate.check import check
from crossres.benchmark.gate.limits import Limits
from tests.benchmark.gate.cases import SETS, TABLE, scattered, with_values


def test_a_check_passes_only_where_it_would_have_found_what_matters(grid: list[Record]) -> None:
    before, now = scattered(grid)
    outcome = check(before, now, [TABLE])
    assert (outcome.answer, outcome.passed, outcome.findings) == ("unusable", False, ())
    worst = max(test.finds or 0 for test in outcome.tests if test.metric == "mAP")
    assert worst > 0.03
    needs = max(test.needs or 0 for test in outcome.tests if test.metric == "mAP")
    assert outcome.blind[0].text.startswith("finds drops of mAP in ")
    assert outcome.blind[0].text.endswith(f" points; 3 points need {needs} seeds")
    assert check(before, now, [TABLE], Limits(must_find=worst + 1e-6)).passed
    assert check(before, now, [TABLE], Limits(must_find=worst - 1e-6)).answer == "unusable"
    assert check(*scattered(grid, 0.002), [TABLE]).passed
    harmed = with_values(now, [r.metrics["single-shot"]["mAP"] - 0.15 for r in now])
    assert check(before, harmed, [TABLE]).answer == "failed"


def test_the_seeds_that_a_blind_check_names_are_enough(grid: list[Record]) -> None:
    plain = [r for r in grid if r.cell.method == "plain" and r.cell.dataset == SETS[0]]
    before, now = scattered(plain, 0.02, 5)
    test = next(t for t in check(before, now, [TABLE]).tests if t.metric == "mAP")
    assert test.needs is not None
    deviation = test.difference.deviation or 0.0
    for seeds, enough in ((test.needs, True), (test.needs - 1, False)):
        limit = stats.t.isf(0.005 / 2, seeds - 1)  # one side of two tests
        gaps = np.random.default_rng(1).normal(-0.03, deviation, (100_000, seeds))
        errors = gaps.std(axis=1, ddof=1) / np.sqrt(seeds)
        share = np.mean(gaps.mean(axis=1) / errors < -limit)
        assert (share > 0.795) if enough else (share < 0.805)


def test_of_a_low_metric_the_seeds_are_named_that_see_all_of_it_go(grid: list[Record]) -> None:
    rng = np.random.default_rng(2)
    before, now = (
        with_values(grid, (0.02 + rng.normal(0, 0.01, len(grid))).clip(0).tolist())
        for _ in range(2)
    )
    blind = check(before, now, [TABLE]).blind[0]
    assert " points need " in blind.text
    drop = float(blind.text.partition("; ")[2].split()[0])
    seeds = int(blind.text.split()[-2])
    assert 1 < drop < 3
    assert seeds > 4


def test_equal_results_tell_nothing_of_what_a_drop_would_do(grid: list[Record]) -> None:
    before, now = scattered(grid)
    runs: tuple[list[list[Record]], ...] = ([], [now])
    for more_runs in runs:
        outcome = check(before, before, [TABLE], more_runs=more_runs)
        assert all(test.equal and test.difference.p is None for test in outcome.tests)
        assert outcome.answer == "unusable"
        assert check(before, before, [TABLE], Limits(exact=True), more_runs).passed


def test_one_seed_is_unusable_and_a_collapse_is_found_all_the_same(grid: list[Record]) -> None:
    one_seed = [record for record in grid if record.cell.seed == 0]
    outcome = check(one_seed, with_values(one_seed, [0.4] * 6), [TABLE])
    assert outcome.answer == "unusable"
    assert "how many seeds 3 points need cannot be said" in outcome.blind[0].text
    assert check(one_seed, with_values(one_seed, [0.29] * 6), [TABLE]).answer == "failed"


def test_bounds_on_costs_say_nothing_of_copies(grid: list[Record]) -> None:
    outcome = check(grid, grid, [TABLE], Limits(exact=True, time=2, memory=2))
    assert [blind.text for blind in outcome.blind] == [
        "time: no cell was run twice",
        "memory: no cell was run twice",
    ]
    assert outcome.answer == "unusable"


def test_a_row_without_the_metric_is_no_pass(grid: list[Record]) -> None:
    multi_shot = [
        replace(r, metrics={"multi-shot": r.metrics["single-shot"]}, cmc={})
        if r.cell.method == "pcb"
        else r
        for r in grid
    ]
    outcome = check(grid, multi_shot, [TABLE], Limits(must_find=0.2))
    assert [(blind.text, blind.row) for blind in outcome.blind] == [
        ("no mAP of PCB on both sides", "PCB")
    ]
    assert outcome.answer == "failed"
    assert [finding.text for finding in outcome.findings] == [
        f"PCB: no {metric}, single-shot, on {name}, which the baseline has (4 cells)"
        for metric in TABLE.metrics
        for name in sorted(SETS)
    ]


def test_a_set_without_the_metric_is_missing_though_the_row_has_it_elsewhere(
    grid: list[Record],
) -> None:
    def without(records: list[Record]) -> list[Record]:
        return [
            replace(r, metrics={"single-shot": {"rank1": 0.5, "valid_queries": 1000}})
            if (r.cell.method, r.cell.dataset) == ("pcb", SETS[1])
            else r
            for r in records
        ]

    text = f"PCB: no mAP, single-shot, on {SETS[1]}, which the baseline has (4 cells)"
    assert [f.text for f in check(grid, without(grid), [TABLE]).findings] == [text]
    assert check(without(grid), grid, [TABLE]).findings == ()
