"""What an evaluation found: metrics and their intervals, by which rules, and of each query."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.comparisons import blocks
from crossres.benchmark.metrics.feature_arrays import CheckedFeatures
from crossres.benchmark.metrics.features import Metric
from crossres.benchmark.metrics.measure import METRICS
from crossres.benchmark.metrics.own_images import Ids, ImageIds, own_images, pairs_of_queries
from crossres.benchmark.metrics.query_groups import (
    QueryGroup,
    groups_of,
    intervals_by_group,
    metrics_of,
)
from crossres.benchmark.metrics.rules import Rules
from crossres.benchmark.metrics.text_ids import Texts, id_of
from crossres.benchmark.stats.mean_interval import LEVEL, Interval, mean_interval

OF_QUERY = {"mAP": "AP", "mINP": "INP"}  # what a mean over queries is of each
QUERIES = 1024  # whose own images are looked up at once


@dataclass(frozen=True, eq=False)
class PerQuery:
    """Each of Q queries.

    pids, camids (Q,): camids are None where no rule looks at cameras. scores (Q, 6) float64:
    METRICS as fractions, NaN for a skipped query; under the gallery rule "shared" their means over
    the repetitions. ranked_images, true_matches (Q,): how many gallery images no rule drops, and
    how many of them show the query's pid (before any is drawn); 0 for a skipped query. rates (Q,),
    0 for one that is not known, and paths (Q,) are None where the features have none. pid_texts,
    camid_texts: what the numbers in pids and camids stand for where ids are texts.
    """

    pids: Ids
    camids: Ids | None
    scores: NDArray[np.float64]
    ranked_images: Ids
    true_matches: Ids
    rates: Ids | None = None
    paths: Texts | None = None
    pid_texts: Texts | None = None
    camid_texts: Texts | None = None

    @property
    def groups(self) -> list[QueryGroup]:
        """Return the queries of each rate and camera, where these are known."""
        return groups_of(self.rates, self.camids, self.camid_texts)

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Return (Q,) whether the query has a true match."""
        return np.asarray(self.true_matches > 0)

    def columns(self) -> dict[str, list[Any]]:
        """Return a table of one row for each query: names of columns -> Q plain values.

        query, pid, camid, valid, rank1, rank5, rank10, rank20, AP, INP, true_matches,
        ranked_images, and where they are known path, before pid, and rate, before valid; None where
        there is no value.
        """
        queries, valid = len(self.pids), self.valid.tolist()
        scores = {
            OF_QUERY.get(name, name): [
                value if is_valid else None
                for value, is_valid in zip(column.tolist(), valid, strict=True)
            ]
            for name, column in zip(METRICS, self.scores.T, strict=True)
        }
        camids: list[Any] = [None] * queries
        if self.camids is not None:
            camids = [id_of(camid, self.camid_texts) for camid in self.camids.tolist()]
        return {
            "query": list(range(queries)),
            **({} if self.paths is None else {"path": self.paths.tolist()}),
            "pid": [id_of(pid, self.pid_texts) for pid in self.pids.tolist()],
            "camid": camids,
            **({} if self.rates is None else {"rate": self.rates.tolist()}),
            "valid": valid,
            **scores,
            "true_matches": self.true_matches.tolist(),
            "ranked_images": self.ranked_images.tolist(),
        }


@dataclass(frozen=True)
class Evaluation:
    """The numbers that `evaluate` returns, and all there is to know about them.

    metrics: what `evaluate` returns. notes: one line for each thing to know. intervals: the 95 %
    confidence interval (low, high) of each of METRICS, and of rank1 and mAP in `by_group`, None
    where fewer than two identities have valid queries. by_group: "rank1@4", "mAP@4" and
    "valid_queries@4" of the queries of rate 4, "rank1@camid=3" of those of a camera, and so on,
    where rates and cameras are known. counts: skipped_queries, query_images, gallery_images,
    embedding_size, and valid_identities, the pids of valid queries. rules: the metric, and each
    rule that was used.
    """

    metrics: dict[str, float]
    notes: tuple[str, ...]
    intervals: dict[str, Interval | None]
    counts: dict[str, int]
    rules: dict[str, str | bool | int]
    per_query: PerQuery
    by_group: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return all but the single queries as JSON has it."""
        return {
            **self.metrics,
            **self.by_group,
            **self.counts,
            "intervals": {
                name: None if interval is None else list(interval)
                for name, interval in self.intervals.items()
            },
            "level": LEVEL,
            "rules": self.rules,
            "notes": list(self.notes),
        }


def queries_of(
    ids: ImageIds, rules: Rules, scores: NDArray[np.float64], features: CheckedFeatures
) -> PerQuery:
    """Put together what is known of each query; ids: those that were ranked; scores (Q, 6)."""
    ranked, true = (np.zeros(len(ids.query_pids), np.int64) for _ in range(2))
    for some in blocks(len(ids.query_pids), QUERIES):
        ranked[some], true[some] = pairs_of_queries(ids, rules, some, own_images(ids, rules, some))
    camids = ids.query_camids if rules.same_camera == "drop" else None
    return PerQuery(
        ids.query_pids,
        camids,
        scores,
        ranked,
        true,
        features.rates,
        features.query_paths,
        features.pid_texts,
        features.camid_texts,
    )


def intervals_of(queries: PerQuery) -> dict[str, Interval | None]:
    """Return the interval of each of METRICS, and of the metrics of rates and cameras."""
    overall = {
        name: mean_interval(queries.pids, column)
        for name, column in zip(METRICS, queries.scores.T, strict=True)
    }
    return overall | intervals_by_group(queries.groups, queries.pids, queries.scores)


def by_group(queries: PerQuery) -> dict[str, float]:
    """Return the metrics of the queries of each rate and camera, where these are known."""
    return metrics_of(queries.groups, queries.scores)


def rules_in_words(metric: Metric, rules: Rules) -> dict[str, str | bool | int]:
    """Return the metric and the rules that were used, by the names they have in Rules."""
    used: Mapping[str, Any] = asdict(rules)
    unused = () if rules.gallery == "shared" else ("repetitions", "seed")
    return {
        "metric": metric,
        **{name: value for name, value in used.items() if name not in unused},
    }
