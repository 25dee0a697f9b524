"""Paired differences over queries, against the formula and against drawing identities."""

import numpy as np
import pytest
from scipy import stats

from crossres.benchmark.stats.query_difference import query_difference


def scores(seed: int, people: int, effect: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One to six queries of each identity, which are alike; b is right more often."""
    rng = np.random.default_rng(seed)
    pids = np.repeat(rng.permutation(people), rng.integers(1, 7, people))
    ease = rng.normal(size=people)[pids]
    shift = effect + rng.normal(size=people)[pids]
    a = (ease + rng.normal(size=len(pids)) > 0).astype(float)
    b = (ease + shift + rng.normal(size=len(pids)) > 0).astype(float)
    return pids, a, b


def test_it_is_the_clustered_variance_of_the_gaps() -> None:
    pids, a, b = scores(0, 40, 0.3)
    gap = query_difference(pids, a, b)
    assert (gap.a, gap.b) == (a.mean(), b.mean())
    assert gap.difference == pytest.approx(b.mean() - a.mean())
    assert (gap.queries, gap.identities) == (len(pids), 40)
    off_mean = (b - a) - (b - a).mean()
    sums = [off_mean[pids == pid].sum() / len(pids) for pid in np.unique(pids)]
    error = np.sqrt(40 / 39 * np.sum(np.square(sums)) + 1 / len(pids) ** 2)
    half = stats.t.ppf(0.975, 39) * error
    assert (gap.low, gap.high) == pytest.approx((gap.difference - half, gap.difference + half))
    assert gap.p == pytest.approx(2 * stats.t.sf(abs(gap.difference) / error, 39))


def test_drawing_identities_anew_scatters_as_much() -> None:
    pids, a, b = scores(1, 150, 0.5)
    rng = np.random.default_rng(2)
    sums = np.bincount(pids, b - a)
    counts = np.bincount(pids)
    drawn = rng.integers(0, 150, (4000, 150))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    gap = query_difference(pids, a, b)
    assert gap.low is not None
    assert gap.high is not None
    assert (gap.low, gap.high) == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.012)


def test_queries_of_one_identity_are_no_more_than_one_draw() -> None:
    pids, a, b = scores(3, 30, 0.4)
    once, thrice = query_difference(pids, a, b), query_difference(*np.tile([pids, a, b], 3))
    assert once.low is not None
    assert thrice.low is not None
    assert thrice.low == pytest.approx(once.low, abs=0.004)


def test_it_covers_the_truth() -> None:
    """Where b is no better, zero lies in 93 to 98 % of the intervals."""
    inside = 0
    for seed in range(300):
        gap = query_difference(*scores(seed, 25, 0.0))
        assert gap.low is not None
        assert gap.high is not None
        inside += gap.low <= 0 <= gap.high
    assert 0.93 * 300 <= inside <= 0.98 * 300


def test_the_order_of_the_queries_changes_no_bit() -> None:
    pids, a, b = scores(4, 20, 0.2)
    order = np.random.default_rng(0).permutation(len(pids))
    assert query_difference(pids[order], a[order], b[order]) == query_difference(pids, a, b)


def test_equal_values_are_no_certainty() -> None:
    pids, a, _ = scores(5, 20, 0.2)
    gap = query_difference(pids, a, a)
    assert (gap.difference, gap.p) == (0, 1)
    assert gap.low is not None
    assert -0.1 < gap.low < 0


def test_one_identity_tells_nothing_about_chance() -> None:
    gap = query_difference(np.zeros(3, int), np.array([0.0, 0, 1]), np.ones(3))
    assert (gap.low, gap.high, gap.p, gap.identities) == (None, None, None, 1)
    assert gap.difference == pytest.approx(2 / 3)
