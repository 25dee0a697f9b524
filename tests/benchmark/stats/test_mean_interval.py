"""The interval of a mean over queries: known cases, and how often it covers the truth."""

import math

import numpy as np
import pytest

from crossres.benchmark.stats.mean_interval import mean_interval

NAN = float("nan")


def test_of_many_identities_it_is_that_of_a_normal_mean() -> None:
    scores = np.random.default_rng(0).random(20000)
    low, high = mean_interval(np.arange(20000), scores) or (NAN, NAN)
    half = 1.96 * scores.std() / math.sqrt(20000)
    assert (low, high) == pytest.approx((scores.mean() - half, scores.mean() + half), abs=half / 50)


def test_of_right_and_wrong_it_is_wilsons() -> None:
    """Newcombe 1998 (Statistics in Medicine 17), table I: 81 of 263 are 0.2553 to 0.3662."""
    scores = np.r_[np.ones(81), np.zeros(182)]
    interval = mean_interval(np.arange(263), scores)
    # Student's quantile, the sample variance, and one query more make it wider by a hundredth.
    assert interval == pytest.approx((0.2553, 0.3662), abs=0.0012)


def test_queries_of_one_identity_count_as_one() -> None:
    scores = np.random.default_rng(1).integers(0, 2, 60).astype(float)
    once = mean_interval(np.arange(60), scores)
    often = mean_interval(np.arange(60).repeat(20), scores.repeat(20))
    alone = mean_interval(np.arange(1200), scores.repeat(20))
    assert once is not None
    assert often is not None
    assert alone is not None
    # The step of one query is smaller, and nothing else is.
    assert once[1] - once[0] == pytest.approx(often[1] - often[0], rel=0.05)
    assert alone[1] - alone[0] < (often[1] - often[0]) / 3


def test_neither_skipped_queries_nor_the_order_count() -> None:
    rng = np.random.default_rng(2)
    pids, scores = rng.integers(0, 30, 500), rng.random(500) ** 3
    expected = mean_interval(pids, scores)
    with_skipped = mean_interval(np.r_[pids, 77, 3], np.r_[scores, NAN, NAN])
    assert with_skipped == expected
    for _ in range(20):
        order = rng.permutation(500)
        assert mean_interval(pids[order], scores[order]) == expected


def test_it_stays_between_0_and_1_and_is_never_a_point() -> None:
    squared = 3.182446**2  # Student's quantile for four identities
    assert mean_interval(np.arange(4), np.ones(4)) == pytest.approx((4 / (4 + squared), 1.0))
    assert mean_interval(np.arange(4), np.zeros(4)) == pytest.approx((0.0, squared / (4 + squared)))
    nearly = mean_interval(np.arange(4), np.full(4, 1 - 1e-9))  # an expectation over galleries
    assert nearly == pytest.approx((4 / (4 + squared), 1.0))
    low, high = mean_interval(np.arange(100), np.full(100, 0.5)) or (NAN, NAN)
    assert low < 0.49
    assert high > 0.51


@pytest.mark.parametrize("scores", [[NAN, NAN, NAN], [0.5, 0.7, NAN]])
def test_one_identity_says_nothing_of_others(scores: list[float]) -> None:
    assert mean_interval(np.array([3, 3, 4]), np.array(scores)) is None


@pytest.mark.parametrize("identities", [10, 40, 200])
@pytest.mark.parametrize("mean", [0.5, 0.9, 0.97])
def test_it_covers_the_truth(identities: int, mean: float) -> None:
    """Identities are hard or easy, and each has 1 to 6 queries: 95 % are meant.

    With 400 drawings of an interval that covers in 95 %, fewer than 367 is a chance of 1 in 100.
    """
    covered = 0
    for draw in range(400):
        rng = np.random.default_rng([identities, round(100 * mean), draw])
        pids = np.arange(identities).repeat(rng.integers(1, 7, identities))
        ease = rng.beta(3 * mean, 3 * (1 - mean), identities)
        scores = (rng.random(len(pids)) < ease[pids]).astype(float)
        low, high = mean_interval(pids, scores) or (NAN, NAN)
        covered += low <= mean <= high
    assert covered >= 367
