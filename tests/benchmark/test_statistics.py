"""Paired differences, Holm's correction, power and the bootstrap, against independent sources."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmark.statistics import (
    Difference,
    bootstrap,
    difference,
    holm,
    mean_ranks,
    not_told_apart,
    pairwise,
    power,
    seeds_needed,
    smallest_seen,
)

fractions = st.floats(0, 1, allow_nan=False)


def values(dataset: str, numbers: list[float]) -> dict[tuple[str, int], float]:
    return {(dataset, seed): number for seed, number in enumerate(numbers)}


@given(st.lists(st.tuples(fractions, fractions), min_size=3, max_size=9))
def test_on_one_set_it_is_the_paired_t_test(pairs: list[tuple[float, float]]) -> None:
    left, right = ([pair[side] for pair in pairs] for side in (0, 1))
    found = difference(values("a", left), values("a", right))
    assert found is not None
    assert found.deviation is not None
    gaps = np.subtract(left, right)
    if gaps.std() < 1e-9:
        return
    expected = stats.ttest_rel(left, right)
    low, high = expected.confidence_interval(0.95)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-9)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.known == (not low <= 0 <= high)


def test_over_sets_it_is_the_regression_with_an_effect_per_set() -> None:
    gaps = {"a": [0.02, 0.05, 0.01], "b": [0.10, 0.04], "c": [-0.03, 0.00, 0.02, 0.01]}
    left = {(name, k): 0.5 + gap for name, found in gaps.items() for k, gap in enumerate(found)}
    found = difference(left, dict.fromkeys(left, 0.5))
    design = np.repeat(np.eye(3), [3, 2, 4], axis=0)
    y = np.concatenate([gaps[name] for name in "abc"])
    beta, residual, *_ = np.linalg.lstsq(design, y, rcond=None)
    contrast = np.full(3, 1 / 3)
    variance = residual[0] / 6 * contrast @ np.linalg.inv(design.T @ design) @ contrast
    assert found is not None
    assert found.effect == pytest.approx(beta @ contrast)
    assert (found.pairs, found.sets, found.freedom) == (9, 3, 6)
    half = stats.t.ppf(0.975, 6) * math.sqrt(variance)
    assert (found.low, found.high) == pytest.approx((found.effect - half, found.effect + half))


def test_only_common_cells_count_and_one_pair_says_nothing_of_chance() -> None:
    left, right = {("a", 0): 0.6, ("a", 1): 0.9, ("b", 0): 0.4}, {("a", 0): 0.5, ("c", 0): 0.1}
    found = difference(left, right)
    assert found == Difference(pytest.approx(0.1), 1, 1, 0)
    assert not found.known
    assert difference(left, {("c", 0): 0.1}) is None


def test_equal_gaps_are_certain_and_none_is_not() -> None:
    certain = difference(values("a", [0.75, 0.5]), values("a", [0.5, 0.25]))
    assert certain is not None
    assert (certain.p, certain.known) == (0.0, True)
    same = difference(values("a", [0.5, 0.25]), values("a", [0.5, 0.25]))
    assert same is not None
    assert (same.p, same.known) == (1.0, False)


def test_holm_on_a_worked_example() -> None:
    # Holm (1979) as worked by hand: 0.01*4, 0.02*3, max(0.03*2, 0.06), max(0.04*1, 0.06).
    assert holm([0.02, 0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.06, 0.04, 0.06])
    assert holm([]) == []
    assert holm([0.6, 0.9]) == [1.0, 1.0]


@given(st.lists(fractions, min_size=1, max_size=8))
def test_holm_rejects_what_its_definition_rejects(given_values: list[float]) -> None:
    level, count = 0.05, len(given_values)
    rejected = 0
    for rank, value in enumerate(sorted(given_values)):
        if value * (count - rank) > level:
            break
        rejected += 1
    assert sum(value <= level for value in holm(given_values)) == rejected


@pytest.mark.parametrize(("effect", "deviation", "seeds", "sets"), [(2, 2, 5, 1), (1, 3, 8, 5)])
def test_power_is_how_often_the_test_finds_the_effect(
    effect: float, deviation: float, seeds: int, sets: int
) -> None:
    rng = np.random.default_rng(5)
    trials = 4000
    gaps = rng.normal(effect, deviation, (trials, sets, seeds))
    found = 0
    for one in gaps:
        left = {(str(d), s): one[d, s] for d, s in itertools.product(range(sets), range(seeds))}
        outcome = difference(left, dict.fromkeys(left, 0.0))
        assert outcome is not None
        found += outcome.known
    assert found / trials == pytest.approx(power(effect, deviation, seeds, sets), abs=0.025)


def test_under_no_effect_five_per_cent_are_false_alarms() -> None:
    rng = np.random.default_rng(6)
    alarms = 0
    for _ in range(4000):
        gaps = rng.normal(0, 0.03, (5, 3))
        left = {(str(d), s): gaps[d, s] for d in range(5) for s in range(3)}
        outcome = difference(left, dict.fromkeys(left, 0.0))
        assert outcome is not None
        alarms += outcome.known
    assert alarms / 4000 == pytest.approx(0.05, abs=0.012)


def test_seeds_needed_is_the_least_number() -> None:
    needed = seeds_needed(0.01, 0.03)
    assert needed is not None
    assert power(0.01, 0.03, needed) >= 0.8 > power(0.01, 0.03, needed - 1)
    # The textbook's normal approximation, (1.96 + 0.84)^2 * 9 = 70.6, plus two for the t.
    assert 71 <= needed <= 74
    fewer = seeds_needed(0.01, 0.03, sets=5)
    assert fewer is not None
    assert fewer < needed / 4
    assert seeds_needed(1e-9, 1.0) is None
    assert power(0.5, 0.001, 50) == pytest.approx(1.0)


def test_pairs_are_paired_t_tests_adjusted_together() -> None:
    rng = np.random.default_rng(8)
    columns = rng.normal([0.5, 0.52, 0.6, 0.61], 0.02, (6, 4)).T
    found = pairwise([values("a", column.tolist()) for column in columns])
    pairs = list(itertools.combinations(range(4), 2))
    raw = [stats.ttest_rel(columns[i], columns[j]).pvalue for i, j in pairs]
    assert list(found) == pairs
    assert list(found.values()) == pytest.approx(holm(raw), rel=1e-6)


def test_a_pair_that_cannot_be_tested_is_left_out() -> None:
    rows = [values("a", [0.5, 0.6]), values("a", [0.4, 0.6]), values("b", [0.4, 0.6])]
    assert list(pairwise(rows)) == [(0, 1)]
    assert pairwise([values("a", [0.5]), values("a", [0.6])]) == {}
    assert pairwise([]) == {}


def test_a_row_chosen_for_its_mean_is_rarely_told_from_its_equals() -> None:
    rng = np.random.default_rng(9)
    alarms, trials, count = 0, 400, 6
    for _ in range(trials):
        drawn = rng.normal(0.5, 0.03, (count, 4, 3))
        rows = [{(str(d), s): x[d, s] for d in range(4) for s in range(3)} for x in drawn]
        best = int(drawn.mean(axis=(1, 2)).argmax())
        alarms += any(p <= 0.05 for pair, p in pairwise(rows).items() if best in pair)
    assert alarms / trials <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)
    assert alarms > 0


def test_mean_ranks_are_those_of_friedman() -> None:
    rows = [
        values("a", [0.9, 0.8, 0.7]),
        values("a", [0.5, 0.8, 0.9]),
        values("a", [0.1, 0.2, 0.3]),
    ]
    assert mean_ranks(rows) == pytest.approx([(1 + 1.5 + 2) / 3, (2 + 1.5 + 1) / 3, 3.0])
    rows[2].pop(("a", 0))
    assert mean_ranks(rows) == pytest.approx([(1.5 + 2) / 2, (1.5 + 1) / 2, 3.0])
    assert mean_ranks([values("a", [0.5]), values("b", [0.5])]) == []
    assert mean_ranks([]) == []


@given(
    st.integers(0, 7).flatmap(
        lambda count: st.tuples(
            st.just(count),
            st.dictionaries(
                st.sampled_from([*itertools.combinations(range(count), 2), (98, 99)]), fractions
            ),
        )
    )
)
def test_groups_are_all_maximal_sets_without_a_told_pair(
    drawn: tuple[int, dict[tuple[int, int], float]],
) -> None:
    count, tests = drawn

    def tied(group: tuple[int, ...]) -> bool:
        return all(tests.get(pair, 1.0) > 0.05 for pair in itertools.combinations(group, 2))

    rows = range(count)
    every = [g for size in rows for g in itertools.combinations(rows, size + 1) if tied(g)]
    largest = [g for g in every if not any(set(g) < set(other) for other in every)]
    assert not_told_apart(count, tests) == sorted(g for g in largest if len(g) > 1)


def test_many_equal_rows_are_one_group() -> None:
    assert not_told_apart(60, {}) == [tuple(range(60))]


@pytest.mark.parametrize(("seeds", "sets"), [(2, 1), (3, 1), (3, 5), (40, 2)])
def test_the_smallest_seen_is_seen_as_often_as_wanted(seeds: int, sets: int) -> None:
    seen = smallest_seen(0.03, seeds, sets)
    assert seen is not None
    assert power(seen, 0.03, seeds, sets) == pytest.approx(0.8, abs=1e-6)
    assert smallest_seen(0.06, seeds, sets) == pytest.approx(2 * seen, rel=1e-6)


def test_the_smallest_seen_agrees_with_the_seeds_needed() -> None:
    needed = seeds_needed(0.01, 0.03, 5)
    assert needed is not None
    at, before = smallest_seen(0.03, needed, 5), smallest_seen(0.03, needed - 1, 5)
    assert at is not None
    assert before is not None
    assert at <= 0.01 < before
    assert smallest_seen(0.03, 1, 5) is None
    assert smallest_seen(0.0, 3) == 0.0


def test_the_bootstrap_of_one_seed_is_that_of_scipy() -> None:
    scores = np.random.default_rng(10).beta(2, 1, 400)
    found = bootstrap({0: scores}, {0: np.arange(400)}, "a", draws=8000)
    expected = stats.bootstrap(
        (scores,), np.mean, method="percentile", n_resamples=8000, rng=np.random.default_rng(11)
    ).confidence_interval
    assert found == pytest.approx(tuple(expected), abs=0.002)


def test_the_bootstrap_draws_identities_anew_in_every_seed() -> None:
    rng = np.random.default_rng(12)
    # Seeds alike but for their identities: the mean of three varies by a third of one's variance,
    # plus a third of that between the seeds' own means.
    scores = {seed: rng.normal(0.5, 0.2, 300) for seed in range(3)}
    scores = {seed: found - found.mean() + 0.5 for seed, found in scores.items()}
    low, high = bootstrap(scores, {seed: np.arange(300) for seed in scores}, "a", draws=8000)
    assert high - low == pytest.approx(2 * 1.96 * 0.2 / math.sqrt(900), rel=0.08)


def test_the_bootstrap_covers_and_repeats() -> None:
    rng = np.random.default_rng(7)
    hits = 0
    for trial in range(200):
        pids = {seed: np.repeat(np.arange(60), 3) for seed in range(10)}
        scores = {}
        for seed in range(10):
            own = rng.normal(0.0, 0.03) + np.repeat(rng.normal(0.6, 0.2, 60), 3)
            scores[seed] = own + rng.normal(0, 0.1, 180)
        low, high = bootstrap(scores, pids, str(trial), draws=400)
        hits += low <= 0.6 <= high
    assert hits / 200 == pytest.approx(0.93, abs=0.05)
    again = bootstrap(scores, pids, "199", draws=400)
    assert again == (low, high)
    assert bootstrap(scores, pids, "other", draws=400) != again


def test_skipped_queries_do_not_count() -> None:
    scores = {0: np.array([1.0, np.nan, 1.0])}
    assert bootstrap(scores, {0: np.array([1, 1, 2])}, "a") == (1.0, 1.0)
