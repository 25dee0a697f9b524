"""Exact CMC, mAP and mINP, under the multi-shot and single-shot rules.

docs/protocols.md states the rules; ties are ordered by (distance, gallery index), nothing is drawn.
"""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.blas_threads import one_thread_each
from crossres.benchmark.metrics.buffers import kept
from crossres.benchmark.metrics.comparisons import Comparison, blocks
from crossres.benchmark.metrics.own_images import ImageIds
from crossres.benchmark.metrics.per_query import Scores
from crossres.benchmark.metrics.rules import GALLERY_RULES, Rules
from crossres.benchmark.metrics.scoring import Result, Scoring
from crossres.datasets.base.arguments import as_choice
from crossres.datasets.base.errors import InputError

METRICS = ("rank1", "rank5", "rank10", "rank20", "mAP", "mINP")


@dataclass(frozen=True)
class Metrics:
    """Means over the valid queries, as fractions in [0, 1]; cmc[k - 1] is rank-k, k up to 50.

    per_query (Q, 6): METRICS of each query, NaN for a skipped one; empty where only means are made.
    ranked_pairs, true_pairs: over the valid queries, the gallery images that none of the rules
    drops, and those of them that show the query's pid; 0 where only means are made.
    """

    rank1: float
    rank5: float
    rank10: float
    rank20: float
    mAP: float
    mINP: float
    valid_queries: int
    skipped_queries: int
    cmc: tuple[float, ...]
    per_query: NDArray[np.float64] = field(
        default_factory=lambda: np.empty((0, len(METRICS))), compare=False, repr=False
    )
    ranked_pairs: int = 0
    true_pairs: int = 0


def measure(
    comparison: Comparison,
    ids: ImageIds,
    rules: Rules | None = None,
    threads: int = 1,
    progress: Callable[[float], None] | None = None,
) -> Metrics:
    """Rank G gallery images for each of Q queries, and measure the ranking by these rules.

    Gallery entries of pid -1 are junk and dropped; with `same_camera` "drop", so are entries of the
    query's own pid and camera, and with `separate_cameras` all entries of its camera (camid -1 is
    unknown and never the same camera). Every other pid is an identity; those that no query has are
    distractors. multi-shot: rank-k and AP over all that is left; INP = matches / rank of the last
    match. single-shot: the exact expectation over drawing one usable image of each identity (then
    AP = INP = 1 / rank). `ap`: see `average_precision`. `ties` "half" counts a gallery image as
    close as the true one as closer in half of the cases (single-shot only). `self_matches` is for
    `equal_rows.settle`, before. Neither the order of the queries nor `threads` changes a bit.
    `progress` is called now and then with the fraction that is done. Raises InputError for the
    gallery rule "shared" (`measure_shared`), for distances that are no numbers, and when no query
    has a true match left.
    """
    rules = Rules() if rules is None else rules
    as_choice(rules.gallery, GALLERY_RULES, "gallery")
    queries, results = len(ids.query_pids), list[Result]()
    with one_thread_each(), ThreadPoolExecutor(threads) as pool, kept():
        scoring = Scoring(ids, rules, pool, threads, progress)
        for some in blocks(queries, comparison.most_queries):
            results += scoring.results(comparison, some)
            if progress is not None:
                progress(some.stop / queries)
    return replace(
        mean_scores([result.scores for result in results], queries),
        per_query=_per_query(results, queries),
        ranked_pairs=sum(result.ranked_pairs for result in results),
        true_pairs=sum(result.true_pairs for result in results),
    )


def as_dict(metrics: Metrics) -> dict[str, float]:
    """Return the numbers that records and `crossres evaluate` give: METRICS and valid_queries."""
    return {name: getattr(metrics, name) for name in (*METRICS, "valid_queries")}


def _per_query(results: Sequence[Result], queries: int) -> NDArray[np.float64]:
    """Return (Q, 6) METRICS of each query."""
    table = np.full((queries, len(METRICS)), np.nan)
    for result in results:
        table[result.queries] = columns_of(result.scores)
    return table


def columns_of(scores: Scores) -> NDArray[np.float64]:
    """Return (n, 6) METRICS of n valid queries."""
    ranks = scores.cmc[:, [0, 4, 9, 19]].clip(0.0, 1.0)
    return np.column_stack([ranks, scores.ap, scores.inp])


def mean_scores(scores: Sequence[Scores], queries: int) -> Metrics:
    """Return the means over all valid queries; InputError when there is none."""
    valid = sum(len(block.ap) for block in scores)
    if not valid:
        raise InputError(
            f"none of the {queries} queries has a true match in the gallery; "
            "check that they share pids, seen by different cameras and in different images"
        )
    cmc = np.concatenate([block.cmc for block in scores])
    curve = tuple(min(_mean(column), 1.0) for column in cmc.T)
    ap, inp = (np.concatenate([getattr(s, name) for s in scores]) for name in ("ap", "inp"))
    return Metrics(
        rank1=curve[0],
        rank5=curve[4],
        rank10=curve[9],
        rank20=curve[19],
        mAP=_mean(ap),
        mINP=_mean(inp),
        valid_queries=valid,
        skipped_queries=queries - valid,
        cmc=curve,
    )


def _mean(values: NDArray[np.float64]) -> float:
    """Return the mean, rounded once: the same in any order."""
    return math.fsum(values.tolist()) / len(values)
