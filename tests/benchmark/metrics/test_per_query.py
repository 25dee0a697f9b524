"""Scores of queries against scikit-learn and plain walks."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from sklearn.metrics import average_precision_score

from crossres.benchmark.metrics.expectation import Outranking
from crossres.benchmark.metrics.per_query import (
    CMC_LENGTH,
    average_precision,
    curves,
    multi_shot,
    single_shot,
)

HITS = st.lists(st.booleans(), min_size=1, max_size=30).filter(any)


def ranks_of(hits: Any) -> np.ndarray:
    return 1 + np.flatnonzero(hits)


@settings(deadline=None)
@given(HITS)
def test_the_standard_ap_is_that_of_scikit_learn(hits: list[bool]) -> None:
    scores = -np.arange(len(hits), dtype=np.float64)
    expected = average_precision_score(hits, scores)
    assert average_precision(ranks_of(hits), "standard") == pytest.approx(expected)


@settings(deadline=None)
@given(HITS)
def test_the_trapezoid_is_the_area_below_the_curve(hits: list[bool]) -> None:
    """Precision over recall, from (0, 1), with a straight line from each rank to the next."""
    found_so_far = np.cumsum(hits)
    recalls = np.concatenate([[0.0], found_so_far / sum(hits)])
    precisions = np.concatenate([[1.0], found_so_far / np.arange(1, len(hits) + 1)])
    expected = trapezoid(precisions, recalls)
    assert average_precision(ranks_of(hits), "trapezoid") == pytest.approx(expected)


def test_a_curve_rises_at_the_rank_of_the_first_match() -> None:
    curve_of_2, last, beyond = curves(np.array([2, CMC_LENGTH, CMC_LENGTH + 1]))
    assert curve_of_2.tolist() == [0.0] + [1.0] * (CMC_LENGTH - 1)
    assert last.tolist() == [0.0] * (CMC_LENGTH - 1) + [1.0]
    assert not beyond.any()


@settings(deadline=None)
@given(st.lists(HITS, min_size=1, max_size=5))
def test_queries_are_scored_one_by_one(queries: list[list[bool]]) -> None:
    """Ranks by a plain walk; the rank of a true match is one more than what is closer."""
    ranks = [ranks_of(hits) for hits in queries]
    starts = np.cumsum([0, *map(len, ranks)])[:-1]
    scores = multi_shot(np.concatenate(ranks) - 1, starts, "standard")
    for row, of_query in enumerate(ranks):
        cmc = [float(of_query[0] <= k) for k in range(1, CMC_LENGTH + 1)]
        assert scores.cmc[row].tolist() == cmc
        precisions = [n / rank for n, rank in enumerate(of_query, start=1)]
        assert scores.ap[row] == pytest.approx(np.mean(precisions))
        assert scores.inp[row] == len(of_query) / of_query[-1]


def test_matches_of_which_one_is_drawn_share_the_score() -> None:
    """Two matches of a query, outranked by nobody and by one for sure; and a query with one."""
    outranking = Outranking(
        np.array([0, 0, 1, 2]), np.array([0, 1]), np.array([1, 1]), np.array([1.0, 0.5])
    )
    scores = single_shot(outranking, np.array([0, 2]), "standard")
    assert scores.cmc[:, :2].tolist() == [[0.5, 1.0], [0.5, 1.0]]
    assert scores.ap == pytest.approx([3 / 4, 3 / 4])
    trapezoid = single_shot(outranking, np.array([0, 2]), "trapezoid")
    assert trapezoid.ap == pytest.approx([(3 / 4 + 1 / 2) / 2] * 2)
    assert np.array_equal(trapezoid.inp, scores.ap)
