"""Ranks by chance against every outcome, the full distribution, and closed forms."""

import itertools
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from crossres.benchmark.metrics import compiled_passes, passes
from crossres.benchmark.metrics.expectation import (
    Outranking,
    expected_reciprocal_rank,
    rank_cdf,
)

pytestmark = pytest.mark.usefixtures("both_passes")


def outranking(chances: np.ndarray) -> Outranking:
    """Of rows (T, J) of one chance for each identity."""
    table = np.unique(chances)[::-1]
    rows = [
        np.unique(np.searchsorted(-table, -row[row > 0]), return_counts=True) for row in chances
    ]
    starts = np.cumsum([0, *(len(different) for different, _ in rows)])
    places, times = (np.concatenate(column) for column in zip(*rows, strict=True))
    return Outranking(starts, places, times, table, passes.passes_for(10**6))


CHANCES = st.lists(st.sampled_from([Fraction(n, 6) for n in range(7)]), min_size=1, max_size=7)


def distribution(chances: list[Fraction]) -> list[Fraction]:
    """The exact chance of each rank from 1, from all outcomes of who outranks the match."""
    chance_of_rank = [Fraction(0)] * (len(chances) + 1)
    for outranked in itertools.product((False, True), repeat=len(chances)):
        sides = (p if above else 1 - p for p, above in zip(chances, outranked, strict=True))
        chance_of_rank[sum(outranked)] += math.prod(sides, start=Fraction(1))
    return chance_of_rank


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CHANCES, st.integers(1, 9))
def test_both_are_what_all_outcomes_give(chances: list[Fraction], length: int) -> None:
    ranks = distribution(chances)
    array = np.array([chances], dtype=np.float64)
    expected = [float(sum(ranks[:k])) for k in range(1, length + 1)]
    assert rank_cdf(outranking(array), length)[0] == pytest.approx(expected, abs=1e-14)
    reciprocal = sum(chance / rank for rank, chance in enumerate(ranks, start=1))
    assert expected_reciprocal_rank(outranking(array))[0] == pytest.approx(
        float(reciprocal), abs=1e-14
    )


@pytest.mark.parametrize("people", [1, 7, 300, 2500])
def test_many_identities_against_the_full_distribution(people: int) -> None:
    rng = np.random.default_rng(people)
    chances = rng.choice([0.0, 1.0, *rng.random(12)], size=(3, people))
    full = np.zeros((3, people + 1))
    full[:, 0] = 1.0
    for chance in chances.T:
        moved = full * chance[:, None]
        full -= moved
        full[:, 1:] += moved[:, :-1]
    expected = (full / np.arange(1, people + 2)).sum(axis=1)
    assert expected_reciprocal_rank(outranking(chances)) == pytest.approx(expected, rel=1e-11)
    cdf = np.cumsum(full, axis=1)[:, :50]
    assert rank_cdf(outranking(chances), 50)[:, : people + 1] == pytest.approx(cdf, abs=1e-12)


@pytest.mark.parametrize("chance", [1e-4, 0.01, 0.5, 0.999])
@pytest.mark.parametrize("trials", [1, 40, 6000])
def test_equal_chances_have_the_closed_form_of_the_binomial(trials: int, chance: float) -> None:
    """E[1 / (1 + X)] = (1 - (1 - p)^(n + 1)) / ((n + 1) p), with as few nodes as there are."""
    expected = -math.expm1((trials + 1) * math.log1p(-chance)) / ((trials + 1) * chance)
    chances = np.full((1, trials), chance)
    assert expected_reciprocal_rank(outranking(chances))[0] == pytest.approx(expected, rel=1e-10)


def test_each_match_has_its_own_distribution() -> None:
    """Rows with other numbers of sure identities are computed together, and shifted apart."""
    chances = np.array([[1.0, 0.5, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    assert rank_cdf(outranking(chances), 4).tolist() == [[0, 0, 0.5, 1], [1, 1, 1, 1], [0, 0, 0, 0]]
    assert expected_reciprocal_rank(outranking(chances)) == pytest.approx(
        [(1 / 3 + 1 / 4) / 2, 1, 1 / 5]
    )


def test_a_match_gets_the_same_bits_whatever_stands_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(4)
    chances = rng.integers(0, 8, (40, 90)) / 7 * (rng.random((40, 1)) > rng.random((40, 90)))
    together = outranking(chances)
    cdf, reciprocal = rank_cdf(together, 50), expected_reciprocal_rank(together)
    for row in range(len(chances)):
        alone = together.of(np.array([row]))
        assert np.array_equal(rank_cdf(alone, 50)[0], cdf[row])
        assert expected_reciprocal_rank(alone)[0] == reciprocal[row]
    monkeypatch.setattr(passes, "NUMBERS_AT_ONCE", 1)
    monkeypatch.setattr(passes, "SUMS_AT_ONCE", 1)
    assert np.array_equal(rank_cdf(together, 50), cdf)
    assert np.array_equal(expected_reciprocal_rank(together), reciprocal)
    for module in (passes, compiled_passes):
        other = replace(together, passes=module)
        assert np.array_equal(rank_cdf(other, 50), cdf)
        assert np.array_equal(expected_reciprocal_rank(other), reciprocal)


@pytest.mark.parametrize("chance", [0.2, 0.5, 0.9, 0.999])
def test_what_is_left_out_of_the_curve_is_nothing(chance: float) -> None:
    """P(X < 50) against scipy, where the mean is around and far above 50."""
    for trials in (40, 60, 100, 200, 400, 3000):
        expected = binom.cdf(np.arange(50), trials, chance)
        assert rank_cdf(outranking(np.full((1, trials), chance)), 50)[0] == pytest.approx(
            expected, abs=1e-13
        )
