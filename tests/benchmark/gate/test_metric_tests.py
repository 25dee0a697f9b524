"""Tests of metrics: they find harm, and never cry wolf more often than they say."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from crossres.benchmark import Record
from crossres.benchmark.gate.baseline import Baseline
from crossres.benchmark.gate.check import check
from crossres.benchmark.gate.limits import Limits
from crossres.benchmark.gate.power import noise_of, sensitivities
from crossres.datasets import InputError
from tests.benchmark.gate.cases import (
    SETS,
    TABLE,
    Make,
    drawn,
    kinds,
    of_identities,
    runs,
    scattered,
    with_values,
)


def test_equal_results_raise_alarms_as_seldom_as_stated(grid: list[Record]) -> None:
    rng = np.random.default_rng(1)
    alarms = [bool(drawn(grid, rng).findings) for _ in range(300)]
    assert sum(alarms) <= stats.binom.ppf(0.999, 300, 0.05)


@pytest.mark.parametrize("seeds", [1, 4])
def test_with_more_runs_alarms_are_as_seldom_and_smaller_drops_are_found(
    grid: list[Record], seeds: int
) -> None:
    rng = np.random.default_rng(11)
    cells, limits = [r for r in grid if r.cell.seed < seeds], Limits(false_alarms=0.05)
    alarms, finds = [], []
    for _ in range(150):
        first, *more = runs(cells, 5, rng)
        *more_runs, now = more
        outcome = check(first, now, [TABLE], limits, more_runs)
        alarms.append(bool(outcome.findings))
        finds.append(next(t.finds for t in outcome.tests if t.row == "PCB") or 0.0)
    assert sum(alarms) <= stats.binom.ppf(0.999, 150, 0.05)
    alone = [next(t.finds for t in drawn(grid, rng).tests if t.row == "PCB") for _ in range(40)]
    if seeds == 4:
        # What runs scatter is 0.03 here and in `drawn` 0.03 in all: there the baseline never does.
        assert np.mean(finds) < np.mean([drop for drop in alone if drop])


def test_what_began_elsewhere_is_not_paired(grid: list[Record]) -> None:
    rng = np.random.default_rng(13)
    here, there = (-0.08, -0.02, 0.0, -0.06), (0.04, 0.0, 0.1, -0.02)  # what each start is worth

    def run(starts: Sequence[float], digest: str) -> list[Record]:
        values = [0.5 + starts[r.cell.seed] + float(rng.normal(0, 0.01)) for r in grid]
        records = with_values(grid, values)
        return [replace(r, digests={**r.digests, "start": digest * 64}) for r in records]

    first, *more_runs = (run(here, "a") for _ in range(4))
    assert check(first, run(here, "a"), [TABLE], more_runs=more_runs).passed
    # Paired, it would seem that the code is better.
    assert "too good" in kinds(check(first, run(there, "a"), [TABLE], more_runs=more_runs))
    outcome = check(first, run(there, "b"), [TABLE], more_runs=more_runs)
    assert not outcome.findings
    assert (outcome.paired, outcome.runs) == (False, 1)
    assert outcome.notes[-1].startswith("24 of 24 cells began at other random weights")
    untold = run(there, "b")
    for record in untold:
        record.digests.pop("start")
    assert check(first, untold, [TABLE], more_runs=more_runs).paired


def test_under_two_gallery_rules_a_finding_says_under_which(grid: list[Record]) -> None:
    both = [replace(r, metrics={**r.metrics, "multi-shot": r.metrics["single-shot"]}) for r in grid]
    worse = [
        replace(r, metrics={**r.metrics, "multi-shot": {**r.metrics["multi-shot"], "mAP": 0.4}})
        for r in both
    ]
    outcome = check(both, worse, [TABLE, replace(TABLE, id="other", gallery="multi-shot")])
    assert [f.row for f in outcome.findings] == [None, "Plain", "PCB", "BoT"]
    assert outcome.findings[0].text == (
        "all rows: mAP, multi-shot, 50.0 → 40.0 (-10.0 points), beyond chance"
    )
    alone = check(both, worse, [replace(TABLE, gallery="multi-shot")])
    assert alone.findings[0].text.startswith("all rows: mAP 50.0")


def test_what_is_equal_to_a_run_to_the_bit_did_not_change(grid: list[Record]) -> None:
    first, *more_runs = runs(grid, 4, np.random.default_rng(12))
    outcome = check(first, first, [TABLE], more_runs=more_runs)
    assert not outcome.findings
    assert all(test.difference.effect == 0 and test.worse is None for test in outcome.tests)


def test_a_drop_as_large_as_the_check_says_is_found_as_often(grid: list[Record]) -> None:
    rng = np.random.default_rng(2)
    finds = [
        next(t.finds for t in drawn(grid, rng).tests if t.row == "PCB") or 0.0 for _ in range(40)
    ]
    drop = float(np.mean(finds))
    assert 0.03 < drop < 0.08
    outcomes = [drawn(grid, rng, drop, "pcb") for _ in range(60)]
    at_fault = [{f.row for f in outcome.findings if f.kind == "worse"} for outcome in outcomes]
    assert np.mean(["PCB" in rows for rows in at_fault]) > 0.7
    assert np.mean(["Plain" in rows for rows in at_fault]) < 0.1


def test_a_gain_beyond_chance_is_an_alarm_unless_allowed(grid: list[Record]) -> None:
    rng = np.random.default_rng(3)
    better = with_values(grid, (0.6 + rng.normal(0, 0.02, len(grid))).tolist())
    assert set(kinds(check(grid, better, [TABLE]))) == {"too good"}
    assert not check(grid, better, [TABLE], Limits(gains=False)).findings


def test_the_same_tiny_gap_everywhere_is_no_alarm(grid: list[Record]) -> None:
    assert check(grid, with_values(grid, [0.4995] * 24), [TABLE]).passed
    assert kinds(check(grid, with_values(grid, [0.49] * 24), [TABLE])) == ["worse"] * 8


def test_protocols_with_unlike_numbers_of_other_seeds_are_no_change(make: Make) -> None:
    """A seed that has one of a row's two protocols tells nothing of the mean over both."""
    rng = np.random.default_rng(22)

    def records(seeds: dict[str, range]) -> list[Record]:
        made = []
        for row in TABLE.rows:
            for protocol, level in (("mlr-sing", 0.4), ("mlr-mixed", 0.6)):
                for seed in seeds[protocol]:
                    record = make(0.5, row.method, SETS[0], seed)
                    cell = replace(record.cell, protocol=protocol)
                    record = replace(record, cell=cell, key=f"{record.key[:-5]}{protocol[-5:]}")
                    made += with_values([record], [level + rng.normal(0, 0.002)])
        return made

    before = records({"mlr-sing": range(8), "mlr-mixed": range(8)})
    now = records({"mlr-sing": range(50, 66), "mlr-mixed": range(50, 52)})
    outcome = check(before, now, [TABLE], Limits(other_seeds=True))
    assert outcome.findings == ()
    overall = next(test for test in outcome.tests if test.row is None)
    assert overall.now == pytest.approx(0.5, abs=0.005)


def test_other_draws_raise_no_more_alarms_than_stated(grid: list[Record]) -> None:
    """Runs of the same draws scatter by 0.004, and other draws are worth 0.01 in each cell."""
    rng = np.random.default_rng(21)

    def run(by: float, draws: str) -> list[Record]:
        values = 0.5 + rng.normal(0, by, len(grid))
        drawn = with_values(grid, values.tolist())
        return [replace(r, digests={**r.digests, "draws": draws * 64}) for r in drawn]

    more_runs = [run(0.004, "a") for _ in range(3)]
    base, alarms = run(0.004, "a"), 0
    limits = Limits(false_alarms=0.1, metrics=("mAP",), must_find=1.0)
    untold = [
        replace(r, digests={n: d for n, d in r.digests.items() if n != "draws"}) for r in base
    ]
    for number in range(200):
        first = untold if number % 2 else base  # a baseline of an older version does not tell
        outcome = check(first, run(0.01, "b"), [TABLE], limits, more_runs)
        alarms += bool(outcome.findings)
        assert "do not tell how much their metrics scatter" in outcome.notes[-1]
    assert alarms <= 28  # of 20; 31 is beyond chance at 1 %
    both = zip(run(0.004, "a"), run(0.01, "b"), strict=True)
    some = [redrawn if redrawn.cell.method == "bot" else alike for alike, redrawn in both]
    tests = check(base, some, [TABLE], limits, more_runs).tests
    freedom = {test.row: test.difference.freedom for test in tests}
    assert max(freedom[None], freedom["BoT"]) <= 6  # two sets, four seeds
    assert 20 < min(freedom["PCB"], freedom["Plain"]) <= 6 + 3 * 8


def test_each_row_counts_alike_in_the_mean_whatever_its_protocol(grid: list[Record]) -> None:
    """One row on a protocol of its own, two on another: a drop of the one counts a third."""
    records = [
        replace(r, cell=replace(r.cell, protocol="mlr-mixed")) if r.cell.method == "bot" else r
        for r in grid
    ]
    now = [with_values([r], [0.2 if r.cell.method == "bot" else 0.5])[0] for r in records]
    outcome = check(records, now, [TABLE])
    overall = next(test for test in outcome.tests if test.row is None)
    assert (overall.before, overall.now) == pytest.approx((0.5, 0.4))
    assert {on_set.dataset for on_set in overall.on_sets} == {*SETS}
    (gap,) = (g for g in outcome.comparison.gaps if g.row is None and g.metric == "mAP")
    assert (gap.a, gap.b) == pytest.approx((0.5, 0.4))
    moved = next(f.text for f in outcome.findings if f.row == "BoT" and "mAP" in f.text)
    assert moved.startswith("BoT: mAP 50.0 → 20.0 (-30.0 points)")


def test_a_bound_on_one_of_two_protocols_is_named_with_it(grid: list[Record]) -> None:
    plain = [r for r in grid if (r.cell.method, r.cell.dataset) == ("plain", SETS[0])]
    mixed = [
        replace(r, key=f"{r.key[:-1]}x", cell=replace(r.cell, protocol="mlr-mixed")) for r in plain
    ]
    now = [*plain, *with_values(mixed, [0.2, 0.3, 0.2, 0.3])]
    outcome = check([*plain, *mixed], now, [TABLE], Limits(false_alarms=1e-9))
    (finding,) = (f for f in outcome.findings if "mAP" in f.text)
    assert finding.text.startswith(f"Plain on {SETS[0]} (mlr-mixed): mAP 50.0 → 25.0")


def test_a_tolerance_needs_no_test(grid: list[Record]) -> None:
    one_seed = [record for record in grid if record.cell.seed == 0]
    limits = Limits(tolerance=0.03)
    outcome = check(one_seed, with_values(one_seed, [0.4] * 6), [TABLE], limits)
    assert set(kinds(outcome)) == {"tolerance"}
    # Of one seed nothing tells how often a true drop is beyond the tolerance.
    now = with_values(one_seed, [0.48] * 6)
    assert check(one_seed, now, [TABLE], limits).answer == "unusable"
    assert check(one_seed, now, [TABLE], replace(limits, must_find=1.0)).passed


def test_a_tolerance_finds_what_is_as_much_larger_as_means_scatter(grid: list[Record]) -> None:
    before, now = scattered(grid)
    least = {test.row: test.finds for test in check(before, now, [TABLE]).tests}
    tolerance = 0.02
    tests = check(before, now, [TABLE], Limits(tolerance=tolerance)).tests
    for test in tests:
        error = test.difference.error or 0.0
        larger = stats.t.ppf(0.8, test.difference.freedom) * error
        assert test.finds == pytest.approx(min(least[test.row] or 1.0, tolerance + larger))
    row = next(test for test in tests if test.row is not None)
    error = row.difference.error or 0.0
    drawn = np.random.default_rng(0).normal(-(row.finds or 0.0), error, 100_000)
    assert np.mean(drawn < -tolerance) > 0.8  # a little more: the scatter is estimated
    worst = max(test.finds or 1.0 for test in tests)
    limits = Limits(tolerance=tolerance, must_find=tolerance)
    assert check(before, now, [TABLE], limits).answer == "unusable"
    assert check(before, now, [TABLE], replace(limits, must_find=worst + 1e-6)).passed


def test_other_seeds_are_compared_unpaired(grid: list[Record], make: Make) -> None:
    rng = np.random.default_rng(4)
    before = with_values(grid, (0.5 + rng.normal(0, 0.02, 24)).tolist())
    later = [make(0.5, r.cell.method, r.cell.dataset, r.cell.seed + 50) for r in grid]
    values = 0.5 + rng.normal(0, 0.02, 24)
    limits = Limits(other_seeds=True)
    assert not check(before, with_values(later, values.tolist()), [TABLE], limits).findings
    worse = check(before, with_values(later, (values - 0.1).tolist()), [TABLE], limits)
    assert set(kinds(worse)) == {"worse"}


@pytest.mark.parametrize("value", [0.25, 0.75, 1.0])
def test_a_change_of_twenty_points_is_an_alarm_whatever_the_scatter_says(
    grid: list[Record], value: float
) -> None:
    few = [r for r in grid if r.cell.seed < 2 and r.cell.dataset == SETS[0]]
    wild = with_values(few, [0.15, 0.85] * 3)  # by seed
    outcome = check(wild, with_values(few, [value] * 6), [TABLE])
    assert set(kinds(outcome)) == {"bound"}
    assert "points), beyond 20, whatever chance does" in outcome.findings[0].text
    assert kinds(check(wild, with_values(few, [0.45] * 6), [TABLE])) == []
    allowed = check(wild, with_values(few, [value] * 6), [TABLE], Limits(gains=False))
    assert set(kinds(allowed)) == {"bound"}


def test_a_collapse_on_one_data_set_of_two_is_found(grid: list[Record]) -> None:
    now = {SETS[0]: 0.5, SETS[1]: 0.5 - 0.21}
    noisy = [now[r.cell.dataset] + 0.2 * (-1) ** r.cell.seed for r in grid]
    outcome = check(grid, with_values(grid, noisy), [TABLE], Limits(metrics=("mAP",)))
    assert {(f.kind, f.dataset) for f in outcome.findings} == {("bound", SETS[1])}
    assert "Plain on mlr-market: mAP 50.0 → 29.0 (-21.0 points)" in outcome.findings[1].text


def test_the_same_gap_in_two_seeds_is_no_certainty(grid: list[Record]) -> None:
    """12 identities, in each of two seeds one less is right: less than what chance does."""
    few = [of_identities(r, 12) for r in grid if r.cell.seed < 2 and r.cell.dataset == SETS[0]]
    outcome = check(few, with_values(few, [0.5 - 1 / 12] * 6), [TABLE])
    assert outcome.answer == "unusable"
    test = next(t for t in outcome.tests if t.row == "Plain" and t.metric == "mAP")
    assert test.difference.deviation == pytest.approx(1 / 12)
    # Student's t with one degree of freedom is Cauchy's distribution.
    assert test.difference.p == pytest.approx(1 - 2 * np.arctan(np.sqrt(2)) / np.pi)
    # No test finds a drop that is possible; the bound of 20 points does.
    assert test.finds == pytest.approx(0.2 + stats.t.ppf(0.8, 1) / 12 / np.sqrt(2))
    overall = next(t for t in outcome.tests if t.row is None and t.metric == "mAP")
    assert overall.difference.deviation == pytest.approx(1 / 12 / np.sqrt(3))


def test_samples_without_any_scatter_are_no_certainty(grid: list[Record], make: Make) -> None:
    few = [of_identities(r, 12) for r in grid if r.cell.seed < 2 and r.cell.dataset == SETS[0]]
    later = [make(0.5, r.cell.method, r.cell.dataset, r.cell.seed + 50) for r in few]
    now = with_values([of_identities(r, 12) for r in later], [0.45] * 6)
    outcome = check(few, now, [TABLE], Limits(other_seeds=True))
    assert outcome.answer == "unusable"
    test = next(t for t in outcome.tests if t.row == "Plain" and t.metric == "mAP")
    assert test.difference.deviation == pytest.approx(1 / 12)


@pytest.mark.parametrize("level", [0.02, 0.5, 0.98])
@pytest.mark.parametrize("seeds", [2, 3])
def test_nothing_beyond_what_is_possible_is_said(
    grid: list[Record], level: float, seeds: int
) -> None:
    rng = np.random.default_rng(9)
    few = [r for r in grid if r.cell.seed < seeds]
    before, now = (
        with_values(few, np.clip(level + rng.normal(0, 0.3, len(few)), 0, 1).tolist())
        for _ in range(2)
    )
    for test in check(before, now, [TABLE]).tests:
        assert test.difference.low is not None
        assert test.difference.high is not None
        assert -test.before <= test.difference.low <= test.difference.effect + 1e-12
        assert test.difference.effect - 1e-12 <= test.difference.high <= 1 - test.before
        assert test.finds is None or 0 < test.finds <= test.before
    baseline = Baseline(tuple(before))
    noise = noise_of(baseline, [TABLE], Limits())
    for sensitivity in sensitivities(baseline, noise, Limits(), (2, 3, 100)):
        for drop in (sensitivity.overall, sensitivity.in_a_row):
            assert drop is None or 0 < drop <= max(row.before for row in noise)


def test_either_side_may_have_more_seeds_of_other_ones(make: Make) -> None:
    rng = np.random.default_rng(5)

    def results(seeds: range, drop: float = 0.0) -> list[Record]:
        rows = [(row.method, name) for row in TABLE.rows for name in SETS]
        records = [make(0.5, *row, seed) for row in rows for seed in seeds]
        values = 0.5 - drop + rng.normal(0, 0.02, len(records))
        return with_values(records, values.tolist())

    limits = Limits(other_seeds=True)
    before = results(range(4))
    for seeds in (range(10, 12), range(10, 20)):
        now = results(seeds)
        outcome = check(before, now, [TABLE], limits)
        assert (outcome.findings, outcome.notes) == ((), ())
        plain = next(t for t in outcome.tests if t.row == "Plain" and t.metric == "mAP")
        values = {
            name: [r.metrics["single-shot"]["mAP"] for r in now if r.cell.dataset == name
                   and r.cell.method == "plain"]
            for name in SETS
        }  # fmt: skip
        assert len(values[SETS[0]]) == len(seeds)
        assert plain.now == pytest.approx(np.mean([np.mean(v) for v in values.values()]))
        overall = next(t for t in outcome.tests if t.row is None and t.metric == "mAP")
        of_rows = [t.now for t in outcome.tests if t.row is not None and t.metric == "mAP"]
        assert overall.now == pytest.approx(np.mean(of_rows))
        worse = check(before, results(seeds, 0.1), [TABLE], limits)
        assert set(kinds(worse)) == {"worse"}
    lacking = [r for r in results(range(10, 12)) if r.cell.method != "bot"]
    (finding,) = check(before, lacking, [TABLE], limits).findings[:1]
    assert finding.kind == "missing"
    assert "bot on mlr-market (mlr-sing) was not run, or failed: seeds 0, 1, 2, 3" in finding.text
    more_of_one_row = [*results(range(10, 12)), make(0.9, "plain", SETS[0], 12)]
    outcome = check(before, more_of_one_row, [TABLE], limits)
    plain, overall = (
        next(t for t in outcome.tests if t.row == row and t.metric == "mAP")
        for row in ("Plain", None)
    )
    assert plain.now > 0.55
    assert overall.now < 0.53  # a mean over rows is one of the same rows in each seed


def test_equal_seeds_are_no_other_seeds(grid: list[Record], make: Make) -> None:
    later = [make(0.5, r.cell.method, r.cell.dataset, r.cell.seed + 2) for r in grid]
    with pytest.raises(InputError, match=r"the baseline has seeds 2 and 3, too, .* --other-seeds"):
        check(grid, later, [TABLE], Limits(other_seeds=True))


def test_a_drop_is_found_as_often_as_a_check_says_with_unlike_numbers_of_seeds(
    grid: list[Record],
) -> None:
    """Four seeds on one data set and one on the other."""
    rng = np.random.default_rng(7)
    few = [r for r in grid if r.cell.dataset == SETS[0] or r.cell.seed == 0]
    few = [r for r in few if r.cell.method == "plain"]
    limits = Limits(metrics=("mAP",), gains=False)
    drop, alarms, trials = 0.05, 0, 300
    for _ in range(trials):
        before, now = (
            with_values(few, (0.5 - fall + rng.normal(0, 0.01, len(few))).tolist())
            for fall in (0.0, drop)
        )
        outcome = check(before, now, [TABLE], limits)
        (test,) = outcome.tests
        assert test.difference.error is not None
        assert test.difference.deviation is not None
        assert test.difference.error == pytest.approx(
            test.difference.deviation * np.sqrt(1 / 4 + 1) / 2
        )
        alarms += "worse" in kinds(outcome)
    error = 0.01 * np.sqrt(2) * np.sqrt(1 / 4 + 1) / 2
    # One-sided, with the three degrees of freedom of one data set.
    limit = stats.t.isf(limits.one_side, 3)
    assert alarms / trials == pytest.approx(stats.nct.sf(limit, 3, drop / error), abs=0.08)


def test_other_seeds_of_another_data_seed_are_refused(grid: list[Record]) -> None:
    def moved(records: list[Record], by: int, data_seed: int) -> list[Record]:
        return [
            replace(
                record,
                key=f"{by}{record.key}",
                cell=replace(record.cell, seed=record.cell.seed + by, data_seed=data_seed),
            )
            for record in records
        ]

    first, limits = moved(grid, 0, 1), Limits(other_seeds=True)
    fault = "data seed of the baseline: 1, data seed of the results: 2; run them with the same"
    with pytest.raises(InputError, match=fault):
        check(first, moved(grid, 50, 2), [TABLE], limits)
    with pytest.raises(InputError, match=r"the baseline: each cell's own seed, .* the results: 2;"):
        check(grid, moved(grid, 50, 2), [TABLE], limits)
    assert check(first, moved(grid, 50, 1), [TABLE], limits).passed
