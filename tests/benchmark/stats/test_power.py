"""Power and the seeds that a difference needs, against drawn tables."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from crossres.benchmark.stats.paired import (
    Difference,
    Drawn,
    difference_of_runs,
    error_of_mean,
    mean_difference,
)
from crossres.benchmark.stats.power import (
    chance_to_find,
    detectable_difference,
    detectable_drop,
    margin,
    power,
    seeds_beyond,
    seeds_needed,
    seeds_to_find,
)
from tests.benchmark.stats.cases import sample


def detectable_effect(deviation: float, seeds: int, sets: int = 1) -> float | None:
    return detectable_drop(deviation / np.sqrt(seeds * sets), sets * (seeds - 1))


@pytest.mark.parametrize(("effect", "deviation", "seeds", "sets"), [(2, 2, 5, 1), (1, 3, 8, 5)])
def test_power_is_how_often_the_test_finds_the_effect(
    effect: float, deviation: float, seeds: int, sets: int
) -> None:
    rng = np.random.default_rng(5)
    trials = 4000
    effect, deviation = effect / 100, deviation / 100
    gaps = rng.normal(effect, deviation, (trials, sets, seeds))
    detected = 0
    for trial in gaps:
        left = {(str(d), s): trial[d, s] for d, s in itertools.product(range(sets), range(seeds))}
        outcome = difference_of_runs(left, dict.fromkeys(left, 0.0))
        assert outcome is not None
        detected += outcome.beyond_chance
    assert detected / trials == pytest.approx(power(effect, deviation, seeds, sets), abs=0.025)


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


@pytest.mark.parametrize(("seeds", "sets"), [(2, 1), (3, 1), (3, 5), (40, 2)])
def test_the_smallest_seen_is_seen_as_often_as_wanted(seeds: int, sets: int) -> None:
    effect = detectable_effect(0.03, seeds, sets)
    assert effect is not None
    assert power(effect, 0.03, seeds, sets) == pytest.approx(0.8, abs=1e-6)
    assert detectable_effect(0.06, seeds, sets) == pytest.approx(2 * effect, rel=1e-6)


def test_an_effect_beyond_a_bound_by_the_margin_is_seen_in_four_cases_of_five() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0.05 + margin(0.01, 10**6), 0.01, 200_000)
    assert np.mean(values > 0.05) == pytest.approx(0.8, abs=0.005)
    assert margin(0.01, 1) > margin(0.01, 3) > margin(0.01, 10**6)
    seeds = seeds_beyond(0.01, 0.03, sets=2)
    assert seeds is not None
    assert margin(0.03 / np.sqrt(2 * seeds), 2 * (seeds - 1)) <= 0.01
    assert margin(0.03 / np.sqrt(2 * (seeds - 1)), 2 * (seeds - 2)) > 0.01
    assert seeds_beyond(0.0, 0.03) is None
    assert (seeds_beyond(0.02, 0.03), seeds_beyond(0.02, 0.03, runs=4)) == (3, 2)


def test_the_smallest_seen_agrees_with_the_seeds_needed() -> None:
    needed = seeds_needed(0.01, 0.03, 5)
    assert needed is not None
    at, before = detectable_effect(0.03, needed, 5), detectable_effect(0.03, needed - 1, 5)
    assert at is not None
    assert before is not None
    assert at <= 0.01 < before
    assert detectable_effect(0.03, 1, 5) is None
    assert detectable_effect(0.0, 3) == 0.0


def test_power_counts_what_seeds_cannot_take_away() -> None:
    seeds_alone = Difference(0.01, 3, 1, 2, 0.03, -0.1, 0.1, 0.5, Drawn())
    for effect, seeds in [(0.05, 3), (0.02, 10), (0.01, 2), (0.1, 2)]:
        expected = power(effect, 0.03, seeds)
        assert chance_to_find(effect, seeds_alone, seeds) == pytest.approx(expected, abs=1e-4)
    assert detectable_difference(seeds_alone) == pytest.approx(detectable_effect(0.03, 3), rel=1e-3)
    assert seeds_to_find(0.01, seeds_alone) == seeds_needed(0.01, 0.03)
    with_identities = replace(seeds_alone, drawn=Drawn(5e-4, 4e-4, 99))
    assert seeds_to_find(0.01, with_identities) is None
    assert seeds_to_find(0.07, with_identities) > seeds_to_find(0.07, seeds_alone)
    assert detectable_difference(with_identities) > detectable_difference(seeds_alone)


def test_power_is_how_often_the_test_finds_an_effect_over_seeds_and_identities() -> None:
    rng, detected, trials = np.random.default_rng(7), 0, 3000
    spread, of_identity, count, seeds = 0.02, 0.2, 60, 4
    beyond = of_identity**2 / count
    gap = Difference(0, seeds, 1, seeds - 1, spread, 0, 0, 1, Drawn(beyond, beyond, count - 1))
    for _ in range(trials):
        alike = rng.normal(0, of_identity, count)
        scores = {s: 0.09 + np.repeat(alike, 9) + rng.normal(0, spread) for s in range(seeds)}
        trial = sample(scores, np.repeat(np.arange(count), 9))
        detected += mean_difference(trial, trial.queries).beyond_chance
    assert detected / trials == pytest.approx(chance_to_find(0.09, gap, seeds), abs=0.03)


def test_a_drop_is_detected_as_often_as_said_where_sets_have_unlike_numbers_of_seeds() -> None:
    rng = np.random.default_rng(6)
    trials, deviation, counts = 4000, 0.02, {"a": 10, "b": 1, "c": 3}
    pairs = [(name, seed) for name, count in counts.items() for seed in range(count)]
    error = error_of_mean(deviation, counts.values())
    assert error == pytest.approx(deviation * np.sqrt(1 / 10 + 1 + 1 / 3) / 3)
    drop = detectable_drop(error, len(pairs) - len(counts))
    assert drop is not None
    values = rng.normal(-drop, deviation, (trials, len(pairs)))
    detected = 0
    for trial in values:
        now = dict(zip(pairs, trial.tolist(), strict=True))
        outcome = difference_of_runs(now, dict.fromkeys(now, 0.0))
        assert outcome is not None
        detected += outcome.beyond_chance
    assert detected / trials == pytest.approx(0.8, abs=0.025)
