"""The evaluator at the full size of Market-1501, after the distances: seconds on one core."""

from typing import Any

import numpy as np
import pytest

from crossres.benchmark.metrics.comparisons import DistanceComparison
from crossres.benchmark.metrics.measure import measure
from crossres.benchmark.metrics.own_images import ImageIds
from crossres.benchmark.metrics.rules import Rules


def test_market_multi_shot(benchmark: Any) -> None:
    rng = np.random.default_rng(0)
    pids = np.r_[np.repeat(np.arange(1, 751), 18)[:13115], np.zeros(2798, dtype=np.int64)]
    ids = ImageIds(
        rng.integers(1, 729, 3368), pids, rng.integers(1, 7, 3368), rng.integers(1, 7, len(pids))
    )
    distances = rng.random((3368, len(pids)))
    measured = benchmark.pedantic(
        measure, args=(DistanceComparison(lambda a, b: distances[a:b], len(pids)), ids), rounds=1
    )
    assert measured.valid_queries == 3368
    # A random ranking: the first of about 15 matches among 15,000 is hardly ever first.
    assert measured.rank1 < 0.01


def test_market_single_shot(benchmark: Any) -> None:
    rng = np.random.default_rng(0)
    pids = np.repeat(np.arange(750), 14)
    ids = ImageIds(np.arange(750), pids, np.zeros(750, dtype=np.int64), np.ones(10500, np.int64))
    distances = rng.random((750, 10500)) - 0.3 * (np.arange(750)[:, None] == pids)
    arguments = (
        DistanceComparison(lambda a, b: distances[a:b], len(pids)),
        ids,
        Rules("single-shot"),
    )
    measured = benchmark.pedantic(measure, args=arguments, rounds=1)
    # Closer than all 749 others only where the own distance falls below 0: chance 0.3.
    assert measured.rank1 == pytest.approx(0.3, abs=0.02)
