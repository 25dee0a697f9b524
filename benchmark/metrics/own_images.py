"""The gallery images of each query's own pid, and which of them the rules let a query find."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.rules import Rules

JUNK = -1
UNKNOWN_CAMERA = -1

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class ImageIds:
    """Who is on the images and which camera took them: (Q,) and (G,) int64.

    Where images are numbered, too, gallery entries of the query's own pid and number are dropped.
    """

    query_pids: Ids
    gallery_pids: Ids
    query_camids: Ids
    gallery_camids: Ids
    query_images: Ids | None = None
    gallery_images: Ids | None = None

    @cached_property
    def gallery_by_pid(self) -> Ids:
        """The gallery images that are no junk, ordered by pid and then by their index."""
        known = np.flatnonzero(self.gallery_pids != JUNK)
        return known[np.argsort(self.gallery_pids[known], kind="stable")]


@dataclass(frozen=True)
class OwnImages:
    """All gallery images of the pids of R queries, query after query: M in all.

    pids (R,): of the queries; starts (R + 1,): query r has the images from starts[r] to
    starts[r + 1]; columns (M,): their indices in the gallery, ascending for each query; usable
    (M,): whether it is a true match, and dropped otherwise.
    """

    pids: Ids
    starts: Ids
    columns: Ids
    usable: NDArray[np.bool_]

    @cached_property
    def rows(self) -> Ids:
        """Return (M,) the query of each image, from 0."""
        return np.repeat(np.arange(len(self.pids)), np.diff(self.starts))


def own_images(ids: ImageIds, rules: Rules, queries: slice) -> OwnImages:
    """Find the gallery images of the pids of these R queries; junk is nobody's."""
    by_pid = ids.gallery_by_pid
    pids, query_pids = ids.gallery_pids[by_pid], ids.query_pids[queries]
    first = np.searchsorted(pids, query_pids, side="left")
    counts = np.searchsorted(pids, query_pids, side="right") - first
    starts = np.concatenate([[0], np.cumsum(counts)])
    columns = by_pid[np.arange(starts[-1]) + np.repeat(first - starts[:-1], counts)]
    rows = np.arange(len(ids.query_pids))[queries].repeat(counts)
    usable = np.ones(len(columns), dtype=np.bool_)
    if rules.same_camera == "drop":
        camids = ids.query_camids[rows]
        usable &= (camids == UNKNOWN_CAMERA) | (camids != ids.gallery_camids[columns])
    if ids.query_images is not None and ids.gallery_images is not None:
        usable &= ids.query_images[rows] != ids.gallery_images[columns]
    return OwnImages(query_pids, starts, columns, usable)


def count_pairs(ids: ImageIds, rules: Rules, queries: slice, own: OwnImages) -> tuple[int, int]:
    """Return how many pairs of valid queries and gallery images are ranked, and are true.

    own: of these queries.
    """
    ranked, true = pairs_of_queries(ids, rules, queries, own)
    return int(ranked.sum()), int(true.sum())


def pairs_of_queries(
    ids: ImageIds, rules: Rules, queries: slice, own: OwnImages
) -> tuple[Ids, Ids]:
    """Return of each of R queries, (R,), how many gallery images are ranked, and are true matches.

    Of a query without a true match none is ranked. own: of these queries.
    """
    true = np.bincount(own.rows[own.usable], minlength=len(own.pids))
    known, query_camids = ids.gallery_by_pid, ids.query_camids[queries]
    hidden = np.diff(own.starts) - true
    if rules.separate_cameras:
        camids, counts = np.unique(ids.gallery_camids[known], return_counts=True)
        place = np.minimum(np.searchsorted(camids, query_camids), len(camids) - 1)
        of_camera = (camids[place] == query_camids) & (query_camids != UNKNOWN_CAMERA)
        own_camera = ids.gallery_camids[own.columns] == query_camids[own.rows]
        own_count = np.bincount(own.rows[own_camera], minlength=len(own.pids))
        hidden += np.where(of_camera, counts[place] - own_count, 0)
    return np.where(true > 0, len(known) - hidden, 0), true
