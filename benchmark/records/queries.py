"""Metrics of records, and the queries behind each: read from its artifact, or counted."""

from collections.abc import Callable, Mapping
from pathlib import Path

from crossres.benchmark.metrics.by_rate import NAMES, over_all_rates, rate_of, valid_queries_of
from crossres.benchmark.metrics.measure import METRICS
from crossres.benchmark.records.artifacts import QueryScores, artifact_path, read_scores
from crossres.benchmark.records.record import Record
from crossres.benchmark.stats.sample import (
    Queries,
    Sample,
    TrialId,
    counted_queries,
    scored_queries,
)
from crossres.datasets.base.errors import InputError

QueryReader = Callable[[Record, str, str], Queries]
"""The queries of a record under a gallery rule, by a metric that the record has."""


def from_counts(record: Record, gallery: str, metric: str) -> Queries:
    """Return what the record alone tells: how many identities its queries show."""
    mean = float(record.metrics[gallery][metric])
    images, pids = (max(1, record.counts[name]) for name in ("query_images", "query_pids"))
    if rate_of(metric) is not None:
        images = int(record.metrics[gallery][valid_queries_of(metric)])
    return counted_queries(record.cell.dataset, mean, images, min(images, pids))


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


class FromArtifacts:
    """Reads the scores of all queries from the artifacts of a folder, each of them once.

    Its answers are kept, too: marks, differences and claims ask for the same cells. Where an
    artifact has no scores, `from_counts` serves; a damaged one becomes a line in `notes`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes: list[str] = []
        self._answers: dict[tuple[str, str, str], Queries] = {}
        self._read: dict[tuple[str, str], QueryScores | None] = {}

    def __call__(self, record: Record, gallery: str, metric: str) -> Queries:
        key = record.key, gallery, metric
        if key not in self._answers:
            self._answers[key] = self._queries(record, gallery, metric)
        return self._answers[key]

    def _queries(self, record: Record, gallery: str, metric: str) -> Queries:
        scored = self.scores(record.key, gallery) if metric in NAMES else None
        if scored is None:
            return from_counts(record, gallery, metric)
        scores = scored.scores[:, METRICS.index(over_all_rates(metric))]
        rate = rate_of(metric)
        counted = slice(None) if rate is None else scored.rates == rate
        return scored_queries(record.cell.dataset, scored.pids[counted], scores[counted])

    def scores(self, key: str, gallery: str) -> QueryScores | None:
        """Return the scores of all queries of a cell; None: absent or unreadable."""
        if (key, gallery) not in self._read:
            self._read[key, gallery] = self._opened(key, gallery)
        return self._read[key, gallery]

    def _opened(self, key: str, gallery: str) -> QueryScores | None:
        try:
            return read_scores(artifact_path(self.folder, key), gallery)
        except InputError as error:
            self.notes.append(str(error))
            return None
