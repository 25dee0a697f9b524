"""Scores of single queries against scikit-learn, plain walks, and galleries drawn one by one."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from sklearn.metrics import average_precision_score

from crossres.benchmark.metrics.per_query import (
    CMC_LENGTH,
    average_precision,
    curves,
    multi_shot,
    single_shot,
)

HITS = st.lists(st.booleans(), min_size=1, max_size=30).filter(any)
DISTANCES = st.sampled_from([0.0, 0.25, 0.5, 0.75, np.inf])  # infinite: dropped by a rule


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


@st.composite
def queries(draw: st.DrawFn) -> tuple[list[float], list[int]]:
    """Distances with ties and dropped images, grouped by pid; pid 0, of the query, has a match."""
    pids = sorted(draw(st.lists(st.integers(0, 3), min_size=1, max_size=8)))
    distances = draw(st.lists(DISTANCES, min_size=len(pids), max_size=len(pids)))
    return [draw(st.sampled_from([0.25, 0.5])), *distances], [0, *pids]


@settings(deadline=None)
@given(queries())
def test_multi_shot_ranks_by_distance_and_then_by_column(query: Any) -> None:
    distances, pids = query
    block = np.array([distances])
    match = (np.array([pids]) == 0) & np.isfinite(block)
    order = sorted(range(len(pids)), key=lambda column: (distances[column], column))
    ranks = [rank for rank, column in enumerate(order, start=1) if match[0, column]]
    scores = multi_shot(block, match, "standard")
    assert scores.cmc[0].tolist() == [float(ranks[0] <= k) for k in range(1, CMC_LENGTH + 1)]
    assert scores.ap[0] == pytest.approx(np.mean([n / r for n, r in enumerate(ranks, start=1)]))
    assert scores.inp[0] == len(ranks) / ranks[-1]


@settings(deadline=None)
@given(queries(), st.randoms(use_true_random=False))
def test_single_shot_is_the_mean_over_all_galleries(query: Any, random: Any) -> None:
    """Ties go by the place in the gallery, which the grouping by pid has left behind."""
    distances, pids = query
    columns = list(range(len(pids)))
    random.shuffle(columns)
    match = (np.array([pids]) == 0) & np.isfinite([distances])
    usable = [
        [k for k, pid in enumerate(pids) if pid == identity and np.isfinite(distances[k])]
        for identity in range(4)
    ]
    ranks = []
    for gallery in itertools.product(*filter(None, usable)):
        order = sorted(gallery, key=lambda k: (distances[k], columns[k]))
        ranks.append(1 + [pids[k] for k in order].index(0))
    scores = single_shot(
        np.array([distances]), match, np.array(columns), np.array(pids), "standard", "order"
    )
    assert scores.cmc[0, :4] == pytest.approx([np.mean(np.array(ranks) <= k) for k in range(1, 5)])
    assert scores.ap[0] == scores.inp[0] == pytest.approx(np.mean([1 / rank for rank in ranks]))


@pytest.mark.parametrize(
    ("columns", "ties", "ap", "trapezoid_ap"),
    [
        ([0, 1], "order", 1.0, 1.0),
        ([1, 0], "order", 1 / 2, 1 / 4),
        ([1, 0], "half", 3 / 4, (3 / 4 + 1 / 2) / 2),
    ],
)
def test_a_tie_is_won_lost_or_half_won(
    columns: list[int], ties: Any, ap: float, trapezoid_ap: float
) -> None:
    block, match = np.array([[0.5, 0.5]]), np.array([[True, False]])
    arguments = (block, match, np.array(columns), np.array([7, 8]))
    standard = single_shot(*arguments, "standard", ties)
    assert (standard.ap[0], standard.inp[0]) == (pytest.approx(ap), pytest.approx(ap))
    assert single_shot(*arguments, "trapezoid", ties).ap[0] == pytest.approx(trapezoid_ap)
