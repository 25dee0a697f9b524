"""Feature rows that are equal to the bit: ties, queries that stand in the gallery, collapse."""

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.own_images import JUNK, UNKNOWN_CAMERA, Ids, ImageIds
from crossres.benchmark.metrics.rules import Rules

NO_IMAGE = -1


@dataclass(frozen=True)
class EqualRows:
    """Numbers of feature rows, (Q,) and (G,): equal rows, and only these, have the same one.

    The gallery's are 0, 1, ... in the order in which they first appear.
    """

    query: Ids
    gallery: Ids

    @classmethod
    def of(cls, query: NDArray[Any], gallery: NDArray[Any]) -> "EqualRows":
        """Number the rows of (Q, D) and (G, D) by their digests; 0.0 equals -0.0."""
        kind = np.result_type(query, gallery, np.float16)
        if kind.itemsize > 8:  # longer floats have bytes that mean nothing; distances are float64
            kind = np.dtype(np.float64)
        zero = kind.type(0)
        numbers: dict[bytes, int] = {}

        def number(row: NDArray[Any]) -> int:
            digest = sha256(row.astype(kind) + zero).digest()
            return numbers.setdefault(digest, len(numbers))

        gallery_numbers, query_numbers = (
            np.fromiter(map(number, rows), np.int64, len(rows)) for rows in (gallery, query)
        )
        return cls(query=query_numbers, gallery=gallery_numbers)

    @cached_property
    def firsts(self) -> Ids:
        """The index of the first gallery row of each number."""
        return np.unique(self.gallery, return_index=True)[1].astype(np.int64)

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
        numbers = numbers[pids != JUNK]
        people = Counter(np.unique(np.stack([numbers, pids[pids != JUNK]]), axis=1)[0].tolist())
        shared = sum(people[number] > 1 for number in numbers.tolist())
        fault = f"{shared} of {len(numbers)} feature rows are equal to one of another pid"
        return [fault] if shared else []


def with_images(ids: ImageIds, rows: EqualRows) -> ImageIds:
    """Number the images of `ids`: those of one pid and one feature row are the same image.

    Constant features say nothing about images, so no two are the same then.
    """
    if rows.constant:
        return ids
    queries = len(rows.query)
    both = np.stack(
        [np.r_[rows.query, rows.gallery], np.r_[ids.query_pids, ids.gallery_pids]], axis=1
    )
    images = np.unique(both, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return replace(ids, query_images=images[:queries], gallery_images=images[queries:])


def self_matched(ids: ImageIds, rules: Rules) -> NDArray[np.bool_]:
    """Return (Q,) whether the query's own image is in the gallery and no camera rule drops it."""
    if ids.query_images is None or ids.gallery_images is None:
        return np.zeros(len(ids.query_pids), dtype=np.bool_)
    images = ids.gallery_images.tolist()
    copies = Counter(images)
    of_camera = Counter(zip(images, ids.gallery_camids.tolist(), strict=True))
    left = [
        copies[image] - (of_camera[image, camid] if camera_counts else 0)
        for image, camid, camera_counts in zip(
            ids.query_images.tolist(),
            ids.query_camids.tolist(),
            _has_camera(ids, rules).tolist(),
            strict=True,
        )
    ]
    return np.asarray((np.array(left) > 0) & (ids.query_pids != JUNK))


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
