"""Metrics of records, and the queries behind each: read from its artifact, or counted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.by_rate import NAMES, over_all_rates, rate_of, valid_queries_of
from crossres.benchmark.metrics.measure import METRICS
from crossres.benchmark.records.artifacts import ArtifactFolder
from crossres.benchmark.records.record import Record
from crossres.benchmark.stats.sample import (
    Queries,
    Sample,
    TrialId,
    counted_queries,
    scored_queries,
)

QueryReader = Callable[[Record, str, str], Queries]
"""The queries of a record under a gallery rule, by a metric that the record has."""


def from_counts(record: Record, gallery: str, metric: str) -> Queries:
    """Return what the record alone tells: how many identities its queries show."""
    mean = float(record.metrics[gallery][metric])
    images, pids = (max(1, record.counts[name]) for name in ("query_images", "query_pids"))
    if rate_of(metric) is not None:
        images = int(record.metrics[gallery][valid_queries_of(metric)])
    return counted_queries(record.cell.tested, mean, images, min(images, pids))


def sample_of(
    records: Mapping[TrialId, Record], gallery: str, metric: str, queries: QueryReader
) -> Sample:
    """Return a metric of a row, of those of its records by trial that have it, with the queries."""
    measured = {
        trial: record
        for trial, record in records.items()
        if metric in record.metrics.get(gallery, {})
    }
    return Sample(
        {trial: float(record.metrics[gallery][metric]) for trial, record in measured.items()},
        {trial: queries(record, gallery, metric) for trial, record in measured.items()},
    )


@dataclass(frozen=True, eq=False)
class _QueryScores:
    """Of all queries of a cell: pids (Q,), METRICS (Q, 6), and rates (Q,); 0: rate not known."""

    pids: NDArray[np.int64]
    scores: NDArray[np.float64]
    rates: NDArray[np.int64]


class FromArtifacts:
    """Reads the scores of all queries from the artifacts of a folder, each of them once.

    Its answers are kept, too: marks, differences and claims ask for the same cells. Where an
    artifact has no scores, or is damaged, `from_counts` serves.
    """

    def __init__(self, artifacts: ArtifactFolder) -> None:
        self.artifacts = artifacts
        self._answers: dict[tuple[str, str, str], Queries] = {}
        self._read: dict[tuple[str, str], _QueryScores | None] = {}

    def __call__(self, record: Record, gallery: str, metric: str) -> Queries:
        key = record.key, gallery, metric
        if key not in self._answers:
            self._answers[key] = self._queries(record, gallery, metric)
        return self._answers[key]

    def _queries(self, record: Record, gallery: str, metric: str) -> Queries:
        scored = self._scores(record.key, gallery) if metric in NAMES else None
        if scored is None:
            return from_counts(record, gallery, metric)
        scores = scored.scores[:, METRICS.index(over_all_rates(metric))]
        rate = rate_of(metric)
        counted = slice(None) if rate is None else scored.rates == rate
        return scored_queries(record.cell.tested, scored.pids[counted], scores[counted])

    def _scores(self, key: str, gallery: str) -> _QueryScores | None:
        if (key, gallery) not in self._read:
            names = "scored_pids", f"scores_{gallery}"
            arrays = self.artifacts.read(key, names, _fault, optional=("scored_rates",))
            self._read[key, gallery] = None if arrays is None else _scores_from(arrays, gallery)
        return self._read[key, gallery]


def _scores_from(arrays: Mapping[str, NDArray[Any]], gallery: str) -> _QueryScores:
    pids = arrays["scored_pids"]
    rates = arrays.get("scored_rates", np.zeros_like(pids))
    return _QueryScores(pids, arrays[f"scores_{gallery}"], rates)


def _fault(arrays: Mapping[str, NDArray[Any]]) -> str:
    queries = len(arrays["scored_pids"])
    for name, array in arrays.items():
        shape = (queries, len(METRICS)) if name.startswith("scores_") else (queries,)
        if array.shape != shape:
            return f"{name} has the shape {array.shape}, not {shape}"
    return ""
