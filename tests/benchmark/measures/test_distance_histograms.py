"""Histograms of distances, against numpy's of all pairs at once."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from crossres.benchmark.measures.distance_histograms import BINS, DistanceHistograms

Arrays = dict[str, NDArray[Any]]


def counted(rates: Any, distances: Any, matches: Any, cuts: tuple[int, ...] = ()) -> Arrays:
    """The arrays of these pairs, added in blocks that end at `cuts`."""
    histograms = DistanceHistograms()
    for start, stop in pairwise((0, *sorted(cuts), len(rates))):
        some = slice(start, stop)
        histograms.add(rates[some], distances[some], matches[some])
    return histograms.arrays()


def edges(arrays: Arrays) -> NDArray[np.float64]:
    start, width = arrays["distance_bins"]
    return start + width * np.arange(arrays["distance_counts"].shape[2] + 1)


@pytest.mark.parametrize(("low", "spread"), [(0.0, 1.0), (-7.0, 3.0), (1e6, 1e-3), (0.0, 1e-12)])
def test_counts_are_those_of_all_pairs_by_rate(low: float, spread: float) -> None:
    rng = np.random.default_rng(3)
    rates = rng.choice([0, 2, 4], 40)
    distances = low + spread * rng.random((40, 70))
    matches = rng.random((40, 70)) < 0.2
    matches[:, 0] = True
    distances[rng.random((40, 70)) < 0.1] = np.inf
    distances[:, 0] = low
    arrays = counted(rates, distances, matches)
    assert arrays["distance_rates"].tolist() == [0, 2, 4]
    assert arrays["distance_queries"].tolist() == [int((rates == r).sum()) for r in (0, 2, 4)]
    assert arrays["distance_counts"].shape[2] in range(BINS // 2, BINS + 1)
    for place, rate in enumerate((0, 2, 4)):
        of_rate = np.isfinite(distances) & (rates == rate)[:, None]
        for kind, pairs in enumerate((of_rate & matches, of_rate & ~matches)):
            expected = np.histogram(distances[pairs], edges(arrays))[0]
            assert arrays["distance_counts"][place, kind].tolist() == expected.tolist()
            assert expected.sum() == pairs.sum()


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=12, max_size=12),
    st.lists(st.integers(0, 4), max_size=5),
)
def test_blocks_change_no_bit(values: list[float], cuts: list[int]) -> None:
    distances = np.array(values).reshape(4, 3)
    rates, matches = np.array([2, 2, 3, 1]), np.eye(4, 3, dtype=bool) | (np.arange(3) == 1)
    whole = counted(rates, distances, matches)
    for name, array in counted(rates, distances, matches, tuple(cuts)).items():
        assert array.dtype == whole[name].dtype
        assert array.tolist() == whole[name].tolist()
    assert whole["distance_counts"].sum() == 12


def test_queries_that_the_evaluation_skips_count_nothing() -> None:
    distances = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [np.inf, 2.0, 3.0]])
    matches = np.array([[False, True, False], [False] * 3, [True, False, False]])
    arrays = counted(np.array([2, 2, 3]), distances, matches)
    assert arrays["distance_rates"].tolist() == [2]
    assert arrays["distance_counts"].sum(axis=2).tolist() == [[1, 2]]
    assert counted(np.array([2, 3]), distances[1:], matches[1:]) == {}


def test_distances_that_are_all_the_same_stand_in_one_bin() -> None:
    for distance in (0.0, 1.5, -2.0):
        arrays = counted(np.array([2]), np.full((1, 9), distance), np.arange(9)[None] < 4)
        assert arrays["distance_counts"].tolist() == [[[4], [5]]]
        assert edges(arrays)[0] <= distance < edges(arrays)[1]
