"""Metrics of the queries of one down-sampling rate, called "rank1@4": rank-1 at rate 4."""

import math

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.measure import METRICS
from crossres.datasets.splits.manifest import RATES as MANIFEST_RATES

METRICS_BY_RATE = ("rank1", "mAP")
RATES = tuple(rate for rate in MANIFEST_RATES if rate)  # 0: natively LR, not known; 1: HR
NAMES = (*METRICS, *(f"{metric}@{rate}" for metric in METRICS_BY_RATE for rate in RATES))
VALID_QUERIES = "valid_queries"


def rate_of(name: str) -> int | None:
    """Return the rate in the name of a metric or of a number of queries; None: all queries."""
    rate = name.partition("@")[2]
    return int(rate) if rate.isdecimal() else None


def over_all_rates(name: str) -> str:
    """Return the name of the same metric of all queries: "rank1" for "rank1@4"."""
    return name.partition("@")[0]


def valid_queries_of(name: str) -> str:
    """Return the name of the number of queries behind a metric: "valid_queries@4" for "mAP@4"."""
    rate = rate_of(name)
    return VALID_QUERIES if rate is None else f"{VALID_QUERIES}@{rate}"


def by_rate(per_query: NDArray[np.float64], rates: NDArray[np.int64]) -> dict[str, float]:
    """Return METRICS_BY_RATE, and how many queries are valid, for each rate that queries have.

    per_query (Q, 6): METRICS of each query, fractions, NaN for a skipped one; rates (Q,). Natively
    LR queries (rate 0) are left out, as nobody knows their rates, and a rate without valid ones.
    """
    metrics: dict[str, float] = {}
    valid = np.isfinite(per_query[:, 0])
    for rate in RATES:
        scores = per_query[valid & (rates == rate)]
        if len(scores):
            for metric in METRICS_BY_RATE:
                values = scores[:, METRICS.index(metric)]
                metrics[f"{metric}@{rate}"] = math.fsum(values.tolist()) / len(scores)
            metrics[f"{VALID_QUERIES}@{rate}"] = len(scores)
    return metrics
