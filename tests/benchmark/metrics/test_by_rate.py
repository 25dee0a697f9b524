"""Metrics of the queries of one rate, against means that are taken query by query."""

import math

import numpy as np
import pytest

from crossres.benchmark.metrics.by_rate import (
    NAMES,
    by_rate,
    over_all_rates,
    rate_of,
    valid_queries_of,
)
from crossres.benchmark.metrics.measure import METRICS

RATES = np.array([2, 4, 4, 0, 3, 2, 4, 1, 3])


def scores() -> np.ndarray:
    """Draw the scores of nine queries, of which the last one of rate 3 alone is left valid."""
    drawn = np.random.default_rng(0).random((9, len(METRICS)))
    drawn[4] = np.nan
    return drawn


def test_each_rate_has_the_mean_of_its_valid_queries() -> None:
    drawn = scores()
    metrics = by_rate(drawn, RATES)
    for rate in (1, 2, 3, 4):
        queries = [q for q in range(9) if RATES[q] == rate and not math.isnan(drawn[q, 0])]
        assert metrics[f"valid_queries@{rate}"] == len(queries)
        for name in ("rank1", "mAP"):
            expected = sum(drawn[q, METRICS.index(name)] for q in queries) / len(queries)
            assert metrics[f"{name}@{rate}"] == pytest.approx(expected)
    assert len(metrics) == 4 * 3  # nothing of natively LR queries, or of rates that none has
    assert set(metrics) - {f"valid_queries@{rate}" for rate in (1, 2, 3, 4)} <= set(NAMES)


def test_rates_together_give_the_mean_of_all() -> None:
    drawn, rates = scores()[RATES > 0], RATES[RATES > 0]
    metrics = by_rate(drawn, rates)
    weighted = [metrics[f"mAP@{r}"] * metrics[f"valid_queries@{r}"] for r in (1, 2, 3, 4)]
    expected = np.nanmean(drawn[:, METRICS.index("mAP")])
    assert sum(weighted) / 7 == pytest.approx(expected)


def test_a_rate_without_valid_queries_and_native_queries_have_none() -> None:
    assert by_rate(np.full((2, 6), np.nan), np.array([2, 3])) == {}
    assert by_rate(np.ones((2, 6)), np.array([0, 0])) == {}
    assert by_rate(np.empty((0, 6)), np.array([], dtype=np.int64)) == {}


def test_names_say_metric_and_rate() -> None:
    assert (over_all_rates("rank1@4"), rate_of("rank1@4")) == ("rank1", 4)
    assert (over_all_rates("mAP"), rate_of("mAP")) == ("mAP", None)
    assert valid_queries_of("mAP@4") == "valid_queries@4"
    assert valid_queries_of("mAP") == "valid_queries"
    assert rate_of("strange@x") is None
