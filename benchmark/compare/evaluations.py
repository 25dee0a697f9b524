"""Features of two methods, A and B, of the same images: by how much metrics differ, and where.

Differences are B minus A.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.compare.same_images import MatchedBy, rows_of_same_images
from crossres.benchmark.feature_files.names import ARRAYS
from crossres.benchmark.metrics.by_rate import METRICS_BY_RATE
from crossres.benchmark.metrics.evaluate import FeatureSource, arrays_of, check_choices, evaluated
from crossres.benchmark.metrics.evaluation import OF_QUERY, Evaluation
from crossres.benchmark.metrics.features import Metric
from crossres.benchmark.metrics.measure import METRICS
from crossres.benchmark.metrics.rules import Rules
from crossres.benchmark.stats.query_difference import QueryDifference, query_difference
from crossres.datasets.base.arguments import as_function
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.progress import Report, silent

COMPARED = ("rank1", "mAP", "mINP")
Flip = Literal["both_right", "rescued", "broken", "never_right"]
FLIPS: tuple[Flip, ...] = ("both_right", "rescued", "broken", "never_right")
ALL = "all"
RIGHT = 0.5  # a query is right whose rank-1 is above: 1 under multi-shot, else more often than not
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class EvaluationPair:
    """Two evaluations of the same queries and gallery.

    matched_by: how their images were found to be the same, of the queries and of the gallery. rows
    (Q,): the query of B that is query q of A. differences: of COMPARED, and of rank1 and mAP of
    each rate and camera that is known ("rank1@4", "mAP@camid=3"), over the queries that are valid
    in both. flips: how many of these queries are of each of FLIPS: under "all", and those of each
    rate and camera under "@4", "@camid=3". a, b: each by itself, in its own order.
    """

    a: Evaluation
    b: Evaluation
    matched_by: dict[str, MatchedBy]
    rows: NDArray[np.int64]
    differences: dict[str, QueryDifference]
    flips: dict[str, dict[Flip, int]]

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON has of B and of the differences, without the single queries."""
        return {
            "metrics": self.b.as_dict(),
            "matched_by": self.matched_by,
            "differences": {name: asdict(gap) for name, gap in self.differences.items()},
            "flips": self.flips,
        }

    def columns(self) -> dict[str, list[Any]]:
        """Return a row for each query of A: its columns, those of B's scores as "b_AP", and `flip`.

        `flip` is one of FLIPS, None for a query that is not valid in both.
        """
        of_b = self.b.per_query.columns()
        scores = [OF_QUERY.get(name, name) for name in METRICS]
        rows = self.rows.tolist()
        valid, flips = _valid(self.a, self.b, self.rows), _flips(self.a, self.b, self.rows)
        return {
            **self.a.per_query.columns(),
            **{f"b_{name}": [of_b[name][row] for row in rows] for name in scores},
            "flip": [
                FLIPS[flip] if is_valid else None
                for flip, is_valid in zip(flips.tolist(), valid.tolist(), strict=True)
            ],
        }


def compare_features(
    features: FeatureSource,
    against: FeatureSource,
    metric: Metric = "euclidean",
    rules: Rules | None = None,
    progress: Report = silent,
    device: str = "cpu",
) -> EvaluationPair:
    """Evaluate features (A) and others of the same queries and gallery (B), and compare them.

    Each is what `evaluate_features` takes, and may have gallery_paths, too. Images are matched by
    query_paths and gallery_paths where both have them, else by their order; pids must be the same,
    and camids where a rule looks at them. Differences are paired over the queries that are valid in
    both, with identities as what is drawn. Raises InputError for images that do not correspond,
    naming the first, and as `evaluate_features` does.
    """
    as_function(progress, "progress")
    rules = Rules() if rules is None else rules
    check_choices(metric, rules, device)
    wanted = (*ARRAYS, "gallery_paths")
    (where_a, a), (where_b, b) = (
        arrays_of(source, name, wanted)
        for source, name in ((features, "features"), (against, "against"))
    )
    rows, matched_by = _matched(where_a, where_b, a, b, cameras=rules.same_camera == "drop")
    evaluation_a = evaluated(where_a, a, metric, rules, lambda n, of: progress(n, 2 * of), device)
    evaluation_b = evaluated(
        where_b, b, metric, rules, lambda n, of: progress(of + n, 2 * of), device
    )
    return EvaluationPair(
        evaluation_a,
        evaluation_b,
        matched_by,
        rows,
        _differences(evaluation_a, evaluation_b, rows),
        _flip_counts(evaluation_a, evaluation_b, rows),
    )


def _matched(
    where_a: str, where_b: str, a: Mapping[str, Any], b: Mapping[str, Any], cameras: bool
) -> tuple[NDArray[np.int64], dict[str, MatchedBy]]:
    try:
        rows, by = rows_of_same_images(a, b, "query", cameras)
        _, by_gallery = rows_of_same_images(a, b, "gallery", cameras)
    except InputError as error:
        raise InputError(f"{where_a} (A), {where_b} (B): {error}") from error
    return rows, {"query": by, "gallery": by_gallery}


def _valid(a: Evaluation, b: Evaluation, rows: NDArray[np.int64]) -> Flags:
    return np.asarray(a.per_query.valid & b.per_query.valid[rows])


def _parts(a: Evaluation) -> list[tuple[str, Flags]]:
    """Return all queries, and those of each rate and camera, with the suffix of their metrics."""
    everything = np.ones(len(a.per_query.pids), dtype=np.bool_)
    return [("", everything), *((group.suffix, group.which) for group in a.per_query.groups)]


def _differences(
    a: Evaluation, b: Evaluation, rows: NDArray[np.int64]
) -> dict[str, QueryDifference]:
    valid, pids = _valid(a, b, rows), a.per_query.pids
    left, right = a.per_query.scores, b.per_query.scores[rows]
    return {
        name + suffix: query_difference(
            pids[some], left[some, METRICS.index(name)], right[some, METRICS.index(name)]
        )
        for suffix, which in _parts(a)
        if (some := which & valid).any()
        for name in (METRICS_BY_RATE if suffix else COMPARED)
    }


def _flips(a: Evaluation, b: Evaluation, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (Q,) the place of each query's flip in FLIPS; of no meaning where it is not valid."""
    before, after = (e.per_query.scores[:, 0] > RIGHT for e in (a, b))
    return np.where(before, np.where(after[rows], 0, 2), np.where(after[rows], 1, 3))


def _flip_counts(
    a: Evaluation, b: Evaluation, rows: NDArray[np.int64]
) -> dict[str, dict[Flip, int]]:
    valid, flips = _valid(a, b, rows), _flips(a, b, rows)
    counts = {}
    for suffix, which in _parts(a):
        if (some := which & valid).any():
            numbers = np.bincount(flips[some], minlength=len(FLIPS)).tolist()
            counts[suffix or ALL] = dict(zip(FLIPS, numbers, strict=True))
    return counts
