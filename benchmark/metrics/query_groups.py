"""Metrics of some of the queries, called "rank1@4" for rate 4 and "rank1@camid=3" for a camera."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.by_rate import METRICS_BY_RATE, VALID_QUERIES
from crossres.benchmark.metrics.measure import METRICS
from crossres.benchmark.metrics.own_images import UNKNOWN_CAMERA
from crossres.benchmark.metrics.text_ids import Ids, Texts, id_of
from crossres.benchmark.stats.mean_interval import Interval, mean_interval

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class QueryGroup:
    """Queries of one rate or camera: `value` is that; which (Q,) says whether a query is of it."""

    kind: Literal["rate", "camera"]
    value: int | str
    which: Flags

    @property
    def suffix(self) -> str:
        """What stands behind the name of a metric of these queries."""
        return f"@{self.value}" if self.kind == "rate" else f"@camid={self.value}"


def groups_of(rates: Ids | None, camids: Ids | None, texts: Texts | None) -> list[QueryGroup]:
    """Return the queries of each rate and of each camera that is known, both ascending.

    rates (Q,): 0 is not known; camids (Q,): -1 is not known; texts: what these stand for. The
    queries of a single camera are no group.
    """
    known = [] if rates is None else np.unique(rates[rates > 0]).tolist()
    groups = [QueryGroup("rate", rate, np.asarray(rates == rate)) for rate in known]
    cameras = [] if camids is None else np.unique(camids[camids != UNKNOWN_CAMERA]).tolist()
    if len(cameras) < 2:
        return groups
    return groups + [
        QueryGroup("camera", id_of(camera, texts), np.asarray(camids == camera))
        for camera in cameras
    ]


def metrics_of(groups: list[QueryGroup], scores: Floats) -> dict[str, float]:
    """Return METRICS_BY_RATE and how many queries are valid, of each group that has such queries.

    scores (Q, 6): METRICS of each query, NaN for a skipped one.
    """
    metrics: dict[str, float] = {}
    valid = np.isfinite(scores[:, 0])
    for group in groups:
        some = scores[group.which & valid]
        if not len(some):
            continue
        for name in METRICS_BY_RATE:
            column = some[:, METRICS.index(name)].tolist()
            metrics[name + group.suffix] = math.fsum(column) / len(some)
        metrics[VALID_QUERIES + group.suffix] = len(some)
    return metrics


def intervals_by_group(
    groups: list[QueryGroup], pids: Ids, scores: Floats
) -> dict[str, Interval | None]:
    """Return the intervals of the metrics that `metrics_of` gives, by their names."""
    return {
        name + group.suffix: mean_interval(
            pids[group.which], scores[group.which, METRICS.index(name)]
        )
        for group in groups
        if np.isfinite(scores[group.which, 0]).any()
        for name in METRICS_BY_RATE
    }
