"""Exact CMC, mAP and mINP from blocks of distances, under the multi-shot and single-shot rules.

docs/protocols.md states the rules; ties are ordered by (distance, gallery index), nothing is drawn.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.per_query import (
    AveragePrecision,
    Ids,
    Scores,
    Ties,
    multi_shot,
    single_shot,
)
from crossres.datasets.base.errors import InputError

GalleryRule = Literal["single-shot", "multi-shot"]
SameCamera = Literal["drop", "keep"]
GALLERY_RULES: tuple[GalleryRule, ...] = get_args(GalleryRule)
METRICS = ("rank1", "rank5", "rank10", "rank20", "mAP", "mINP")
JUNK = -1
UNKNOWN_CAMERA = -1
BLOCK_BYTES = 64 * 2**20

Distances = Callable[[int, int], NDArray[np.float64]]
"""distances(start, stop): (stop - start, G) float64, these queries' rows, smaller = closer."""


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


def measure(
    distances: Distances,
    ids: ImageIds,
    gallery: GalleryRule = "multi-shot",
    same_camera: SameCamera = "drop",
    *,
    separate_cameras: bool = False,
    ap: AveragePrecision = "standard",
    ties: Ties = "order",
) -> Metrics:
    """Evaluate a ranking of G gallery images for each of Q queries.

    Gallery entries of pid -1 are junk and dropped; with "drop", so are entries of the query's own
    pid and camera, and with `separate_cameras` all entries of its camera (camid -1 is unknown and
    never the same camera). Every other pid is an identity; those that no query has are distractors.
    multi-shot: rank-k and AP over all that is left; INP = matches / rank of the last match.
    single-shot: the exact expectation over drawing one usable image of each identity (then AP = INP
    = 1 / rank). `ap`: see `average_precision`. `ties` "half" counts a gallery image as close as the
    true one as closer in half of the cases (single-shot only). Memory: a few blocks of 64 MiB.
    Raises InputError for NaN distances and when no query has a true match left.
    """
    gallery_pids = ids.gallery_pids
    columns = np.flatnonzero(gallery_pids != JUNK)
    if gallery == "single-shot":
        columns = columns[np.argsort(gallery_pids[columns], kind="stable")]
    pids = gallery_pids[columns]
    found, rows = list[Scores](), list[Ids]()
    ranked = true = 0
    for start, stop in blocks(len(ids.query_pids), len(gallery_pids)):
        block = checked_block(distances, start, stop, len(gallery_pids))[:, columns]
        match, dropped = _matches(ids, slice(start, stop), columns, same_camera, separate_cameras)
        if dropped is not None:
            block[dropped] = np.inf
            match &= ~dropped
        valid = match.any(axis=1)
        if not valid.any():
            continue
        rows.append(start + np.flatnonzero(valid))
        ranked += int(np.count_nonzero(np.isfinite(block[valid])))
        true += int(np.count_nonzero(match[valid]))
        if gallery == "single-shot":
            found.append(single_shot(block[valid], match[valid], columns, pids, ap, ties))
        else:
            found.append(multi_shot(block[valid], match[valid], ap))
    queries = len(ids.query_pids)
    return replace(
        mean_scores(found, queries),
        per_query=_per_query(found, rows, queries),
        ranked_pairs=ranked,
        true_pairs=true,
    )


def as_dict(metrics: Metrics) -> dict[str, float]:
    """The numbers that records and `crossres evaluate` give: METRICS and valid_queries."""
    return {name: getattr(metrics, name) for name in (*METRICS, "valid_queries")}


def _matches(
    ids: ImageIds, rows: slice, columns: Ids, same_camera: SameCamera, separate_cameras: bool
) -> tuple[NDArray[np.bool_], NDArray[np.bool_] | None]:
    """(rows, columns): entries of the query's pid, and those that are dropped, if any can be."""
    match = ids.query_pids[rows, None] == ids.gallery_pids[columns][None, :]
    dropped = None
    if same_camera == "drop":
        camids = ids.query_camids[rows]
        dropped = camids[:, None] == ids.gallery_camids[columns][None, :]
        dropped[camids == UNKNOWN_CAMERA] = False
        if not separate_cameras:
            dropped &= match
    if ids.query_images is not None and ids.gallery_images is not None:
        itself = ids.query_images[rows, None] == ids.gallery_images[columns][None, :]
        dropped = itself if dropped is None else dropped | itself
    return match, dropped


def blocks(queries: int, gallery: int) -> Iterator[tuple[int, int]]:
    """(start, stop) of the queries whose distances fit into BLOCK_BYTES."""
    rows = max(1, BLOCK_BYTES // (8 * max(1, gallery)))
    for start in range(0, queries, rows):
        yield start, min(start + rows, queries)


def checked_block(distances: Distances, start: int, stop: int, columns: int) -> NDArray[np.float64]:
    """The distances of these queries; InputError when they are not finite (rows, columns)."""
    block, rows = distances(start, stop), stop - start
    if block.shape != (rows, columns) or block.dtype != np.float64:
        raise InputError(
            f"distances must be ({rows}, {columns}) float64, not {block.shape} {block.dtype}"
        )
    if not np.isfinite(block).all():
        raise InputError("distances hold NaN or infinity; look for it in the embeddings")
    return block


def _per_query(found: Sequence[Scores], rows: Sequence[Ids], queries: int) -> NDArray[np.float64]:
    """(Q, 6): METRICS of the valid queries, which stand at `rows`, block by block."""
    scores = np.full((queries, len(METRICS)), np.nan)
    for one, where in zip(found, rows, strict=True):
        ranks = one.cmc[:, [0, 4, 9, 19]].clip(0.0, 1.0)
        scores[where] = np.column_stack([ranks, one.ap, one.inp])
    return scores


def mean_scores(found: Sequence[Scores], queries: int) -> Metrics:
    """The means over all valid queries; InputError when there is none."""
    valid = sum(len(scores.ap) for scores in found)
    if not valid:
        raise InputError(
            f"none of the {queries} queries has a true match in the gallery; "
            "check that they share pids, seen by different cameras and in different images"
        )
    cmc = np.concatenate([scores.cmc for scores in found]).mean(axis=0).clip(0.0, 1.0)
    curve = tuple(float(value) for value in cmc)
    ap, inp = (np.concatenate([getattr(s, name) for s in found]) for name in ("ap", "inp"))
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
