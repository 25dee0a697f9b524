"""Feature rows that are equal to the bit: ties, queries that stand in the gallery, collapse."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.own_images import JUNK, UNKNOWN_CAMERA, Ids, ImageIds
from crossres.benchmark.metrics.row_numbers import row_numbers
from crossres.benchmark.metrics.rules import Rules

NO_IMAGE = -1


@dataclass(frozen=True)
class EqualRows:
    """Numbers of feature rows, (Q,) and (G,): equal rows, and only these, have the same one.

    The gallery's are 0, 1, ... in the order in which they first appear. `zero`: the number that
    rows of zeros have, if there are any.
    """

    query: Ids
    gallery: Ids
    zero: int

    @classmethod
    def of(cls, query: NDArray[Any], gallery: NDArray[Any]) -> "EqualRows":
        """Number the rows of (Q, D) and (G, D); 0.0 equals -0.0."""
        zeros = np.zeros((1, gallery.shape[1]), np.float32)
        numbers = row_numbers([gallery, query, zeros])
        return cls(
            query=numbers[len(gallery) : -1], gallery=numbers[: len(gallery)], zero=int(numbers[-1])
        )

    @cached_property
    def firsts(self) -> Ids:
        """The index of the first gallery row of each number."""
        return np.flatnonzero(np.diff(np.maximum.accumulate(self.gallery), prepend=-1))

    @property
    def zeros(self) -> int:
        """How many rows are zero."""
        return sum(int((rows == self.zero).sum()) for rows in (self.query, self.gallery))

    @property
    def constant(self) -> bool:
        """Whether the gallery has several rows, all equal."""
        return len(self.firsts) == 1 < len(self.gallery)

    def faults(self, ids: ImageIds) -> list[str]:
        """Say in a line where features cannot tell the images of several people apart."""
        if self.constant:
            return [
                f"all {len(self.gallery)} gallery feature rows are equal: nothing but the order of "
                "the gallery decides"
            ]
        numbers, pids = np.r_[self.query, self.gallery], np.r_[ids.query_pids, ids.gallery_pids]
        numbers, pids = numbers[pids != JUNK], pids[pids != JUNK]
        least, most = _extremes(pids, numbers, int(numbers.max(initial=-1)) + 1)
        shared = int((least < most)[numbers].sum())
        fault = f"{shared} of {len(numbers)} feature rows are equal to one of another pid"
        return [fault] if shared else []


def with_images(ids: ImageIds, rows: EqualRows) -> ImageIds:
    """Number the images of `ids`: those of one pid and one feature row are the same image.

    Constant features say nothing about images, so no two are the same then.
    """
    if rows.constant:
        return ids
    numbers, pids = np.r_[rows.query, rows.gallery], np.r_[ids.query_pids, ids.gallery_pids]
    order = np.lexsort((pids, numbers))
    new = (np.diff(numbers[order]) != 0) | (np.diff(pids[order]) != 0)
    images = np.empty_like(order)
    images[order] = np.concatenate([[0], np.cumsum(new)])
    queries = len(rows.query)
    return replace(ids, query_images=images[:queries], gallery_images=images[queries:])


def self_matched(ids: ImageIds, rules: Rules) -> NDArray[np.bool_]:
    """Return (Q,) whether the query's own image is in the gallery and no camera rule drops it."""
    if ids.query_images is None or ids.gallery_images is None:
        return np.zeros(len(ids.query_pids), dtype=np.bool_)
    count = int(max(ids.query_images.max(initial=-1), ids.gallery_images.max(initial=-1))) + 1
    cameras = _extremes(ids.gallery_camids, ids.gallery_images, count)
    least, most = (camids[ids.query_images] for camids in cameras)
    other_camera = (least != ids.query_camids) | (most != ids.query_camids)
    left = (least <= most) & (other_camera | ~_has_camera(ids, rules))
    return np.asarray(left & (ids.query_pids != JUNK))


def settle(ids: ImageIds, rules: Rules) -> tuple[ImageIds, int, int]:
    """Number in `ids` the queries' own images that rankings are to leave out, and no others.

    Returns these ids, for how many queries that is, and how many still match themselves.
    `self_matches` "auto" leaves out where no rule about cameras would drop a query's own image.
    """
    matched = self_matched(ids, rules)
    auto = ~_has_camera(ids, rules)
    by_choice = {"drop": matched, "keep": matched & False, "auto": matched & auto}
    chosen = by_choice[rules.self_matches]
    if not chosen.any() or ids.query_images is None:
        settled = replace(ids, query_images=None, gallery_images=None)
    else:
        settled = replace(ids, query_images=np.where(chosen, ids.query_images, NO_IMAGE))
    return settled, int(chosen.sum()), int((matched & ~chosen).sum())


def _has_camera(ids: ImageIds, rules: Rules) -> NDArray[np.bool_]:
    """Return (Q,) whether images of the query's own pid and camera are dropped."""
    return np.asarray((ids.query_camids != UNKNOWN_CAMERA) & (rules.same_camera == "drop"))


def _extremes(values: Ids, groups: Ids, count: int) -> tuple[Ids, Ids]:
    """Return the least and the largest value (count,) of each group.

    Of a group without any, the least is above the largest.
    """
    limits = np.iinfo(np.int64)
    least, most = np.full(count, limits.max), np.full(count, limits.min)
    np.minimum.at(least, groups, values)
    np.maximum.at(most, groups, values)
    return least, most
