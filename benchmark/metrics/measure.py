"""Exact CMC, mAP and mINP from blocks of distances, under the multi-shot and single-shot rules.

docs/protocols.md states the rules; ties are ordered by (distance, gallery index), nothing is drawn.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.per_query import Ids, Scores, multi_shot, single_shot
from crossres.benchmark.metrics.rules import GALLERY_RULES, Rules
from crossres.datasets.base.arguments import as_choice
from crossres.datasets.base.errors import InputError

METRICS = ("rank1", "rank5", "rank10", "rank20", "mAP", "mINP")
JUNK = -1
UNKNOWN_CAMERA = -1
BLOCK_BYTES = 64 * 2**20

Distances = Callable[[int, int], NDArray[np.float64]]
"""distances(start, stop): (stop - start, G) float64, of these queries; smaller = closer."""


@dataclass(frozen=True)
class ImageIds:
    """Who is on the images and which camera took them: (Q,) and (G,) int64.

    Where images are numbered, too, gallery entries of the query's own number are dropped.
    """

    query_pids: Ids
    gallery_pids: Ids
    query_camids: Ids
    gallery_camids: Ids
    query_images: Ids | None = None
    gallery_images: Ids | None = None


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


def measure(distances: Distances, ids: ImageIds, rules: Rules | None = None) -> Metrics:
    """Rank G gallery images for each of Q queries, and measure the ranking by these rules.

    Gallery entries of pid -1 are junk and dropped; with `same_camera` "drop", so are entries of the
    query's own pid and camera, and with `separate_cameras` all entries of its camera (camid -1 is
    unknown and never the same camera). Every other pid is an identity; those that no query has are
    distractors. multi-shot: rank-k and AP over all that is left; INP = matches / rank of the last
    match. single-shot: the exact expectation over drawing one usable image of each identity (then
    AP = INP = 1 / rank). `ap`: see `average_precision`. `ties` "half" counts a gallery image as
    close as the true one as closer in half of the cases (single-shot only). `self_matches` is for
    `equal_rows.settle`, before. Memory: a few blocks of 64 MiB. Raises InputError for the gallery
    rule "shared" (`measure_shared`), NaN distances, and when no query has a true match left.
    """
    rules = Rules() if rules is None else rules
    as_choice(rules.gallery, GALLERY_RULES, "gallery")
    single = rules.gallery == "single-shot"
    gallery_pids = ids.gallery_pids
    columns = np.flatnonzero(gallery_pids != JUNK)
    if single:
        columns = columns[np.argsort(gallery_pids[columns], kind="stable")]
    pids = gallery_pids[columns]
    scores, rows = list[Scores](), list[Ids]()
    ranked = true = 0
    for start, stop in blocks(len(ids.query_pids), len(gallery_pids)):
        block = checked_block(distances, start, stop, len(gallery_pids))[:, columns]
        match, dropped = _matches(ids, slice(start, stop), columns, rules)
        if dropped is not None:
            block[dropped] = np.inf
            match &= ~dropped
        valid = match.any(axis=1)
        if not valid.any():
            continue
        rows.append(start + np.flatnonzero(valid))
        block, match = block[valid], match[valid]
        ranked += int(np.count_nonzero(np.isfinite(block)))
        true += int(np.count_nonzero(match))
        if single:
            scores.append(single_shot(block, match, columns, pids, rules.ap, rules.ties))
        else:
            scores.append(multi_shot(block, match, rules.ap))
    queries = len(ids.query_pids)
    return replace(
        mean_scores(scores, queries),
        per_query=_per_query(scores, rows, queries),
        ranked_pairs=ranked,
        true_pairs=true,
    )


def as_dict(metrics: Metrics) -> dict[str, float]:
    """Return the numbers that records and `crossres evaluate` give: METRICS and valid_queries."""
    return {name: getattr(metrics, name) for name in (*METRICS, "valid_queries")}


def _matches(
    ids: ImageIds, rows: slice, columns: Ids, rules: Rules
) -> tuple[NDArray[np.bool_], NDArray[np.bool_] | None]:
    """Find the entries (rows, columns) of the query's pid, and the dropped ones, if any can be."""
    match = ids.query_pids[rows, None] == ids.gallery_pids[columns][None, :]
    dropped = None
    if rules.same_camera == "drop":
        camids = ids.query_camids[rows]
        dropped = camids[:, None] == ids.gallery_camids[columns][None, :]
        dropped[camids == UNKNOWN_CAMERA] = False
        if not rules.separate_cameras:
            dropped &= match
    if ids.query_images is not None and ids.gallery_images is not None:
        itself = ids.query_images[rows, None] == ids.gallery_images[columns][None, :]
        dropped = itself if dropped is None else dropped | itself
    return match, dropped


def blocks(queries: int, gallery: int) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of queries whose distances fit into BLOCK_BYTES."""
    rows = max(1, BLOCK_BYTES // (8 * max(1, gallery)))
    for start in range(0, queries, rows):
        yield start, min(start + rows, queries)


def checked_block(distances: Distances, start: int, stop: int, columns: int) -> NDArray[np.float64]:
    """Return the distances of these queries; InputError unless they are finite (rows, columns)."""
    block, rows = distances(start, stop), stop - start
    if block.shape != (rows, columns) or block.dtype != np.float64:
        raise InputError(
            f"distances must be ({rows}, {columns}) float64, not {block.shape} {block.dtype}"
        )
    if not np.isfinite(block).all():
        raise InputError("distances hold NaN or infinity; look for it in the embeddings")
    return block


def _per_query(scores: Sequence[Scores], rows: Sequence[Ids], queries: int) -> NDArray[np.float64]:
    """Return (Q, 6) METRICS of each query; the scores are of the queries `rows`, block by block."""
    table = np.full((queries, len(METRICS)), np.nan)
    for block, valid in zip(scores, rows, strict=True):
        ranks = block.cmc[:, [0, 4, 9, 19]].clip(0.0, 1.0)
        table[valid] = np.column_stack([ranks, block.ap, block.inp])
    return table


def mean_scores(scores: Sequence[Scores], queries: int) -> Metrics:
    """Return the means over all valid queries; InputError when there is none."""
    valid = sum(len(block.ap) for block in scores)
    if not valid:
        raise InputError(
            f"none of the {queries} queries has a true match in the gallery; "
            "check that they share pids, seen by different cameras and in different images"
        )
    cmc = np.concatenate([block.cmc for block in scores]).mean(axis=0).clip(0.0, 1.0)
    curve = tuple(float(value) for value in cmc)
    ap, inp = (np.concatenate([getattr(s, name) for s in scores]) for name in ("ap", "inp"))
    return Metrics(
        rank1=curve[0],
        rank5=curve[4],
        rank10=curve[9],
        rank20=curve[19],
        mAP=float(ap.mean()),
        mINP=float(inp.mean()),
        valid_queries=valid,
        skipped_queries=queries - valid,
        cmc=curve,
    )
