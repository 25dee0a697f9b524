"""What a ranking needs of distances: few of them exactly, and all of them closely enough.

A rank is a count of smaller distances. Queries come in blocks, the gallery in parts; a part gives
values that are quick to make, and limits between which they cannot tell what is closer. Pairs
within the limits are compared by their exact distances.
"""

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics import passes
from crossres.benchmark.metrics.own_images import Ids
from crossres.benchmark.metrics.passes import Passes, Values, Vector
from crossres.datasets.base.errors import InputError

Distances = Callable[[int, int], NDArray[np.float64]]
"""distances(start, stop): (stop - start, G) float64, of these queries; smaller = closer."""

BLOCK_BYTES = 64 * 2**20
TILE_VALUES = 8 * 2**20  # of some queries and a part of the gallery


class Part(Protocol):
    """Images of the gallery, ready for comparison with the R queries of a block."""

    @property
    def columns(self) -> Ids:
        """Return (c,) the indices of the images in the gallery."""

    @property
    def alike(self) -> Ids | None:
        """Return (c,) for each the index of an image that is equal to it, where this is known."""

    @property
    def most_open(self) -> float:
        """Return the share of pairs above which `in_doubles` is sooner than to compare them."""

    def values(self, start: int, stop: int) -> Values:
        """Return (stop - start, c) values of queries start to stop; smaller = closer."""

    def limits(self, cuts: Vector, rows: Ids) -> tuple[Values, Values]:
        """Return (n,) values below which an image is surely closer than a cut, or above surely not.

        cuts (n,): exact distances from queries `rows` (n,).
        """

    def in_doubles(self) -> "Part":
        """Return the same part with narrower limits, slower."""


class Block(Protocol):
    """R queries, ready for comparison."""

    @property
    def size(self) -> int:
        """Return R."""

    @property
    def passes(self) -> Passes:
        """Return by which functions to count."""

    def exact(self, rows: Ids, columns: Ids) -> Vector:
        """Return (n,) the exact distances between queries `rows` and gallery images `columns`."""

    def parts(self, order: Ids) -> Iterator[Part]:
        """Yield the gallery images `order`, part by part."""


class Comparison(Protocol):
    """All queries and the gallery."""

    @property
    def most_queries(self) -> int:
        """Return how many queries a block may have, if more than one."""

    def block(self, queries: slice) -> Block:
        """Return these queries, ready for comparison."""


class DistanceComparison:
    """Distances that are computed elsewhere: all are exact, and equal ones are ties."""

    def __init__(self, distances: Distances, gallery: int) -> None:
        """Take a function, and the number of images in the gallery."""
        self._distances, self._gallery = distances, gallery
        self.most_queries = BLOCK_BYTES // (8 * max(1, gallery))

    def block(self, queries: slice) -> "DistanceBlock":
        """Compute the distances; InputError unless they are finite (rows, columns) float64."""
        rows, columns = queries.stop - queries.start, self._gallery
        distances = self._distances(queries.start, queries.stop)
        if distances.shape != (rows, columns) or distances.dtype != np.float64:
            raise InputError(
                f"distances must be ({rows}, {columns}) float64, "
                f"not {distances.shape} {distances.dtype}"
            )
        if not np.isfinite(distances).all():
            raise InputError("distances hold NaN or infinity; look for it in the embeddings")
        return DistanceBlock(distances)


class DistanceBlock:
    """The distances (R, G) from R queries."""

    passes: Passes = passes

    def __init__(self, distances: Vector) -> None:
        """Take (R, G) float64."""
        self.size, self.distances = len(distances), distances

    def exact(self, rows: Ids, columns: Ids) -> Vector:
        """See Block."""
        return self.distances[rows, columns]

    def parts(self, order: Ids) -> Iterator["_Known"]:
        """See Block: one part."""
        yield _Known(self.distances, order)


class _Known:
    """Known distances to images of the gallery."""

    alike, most_open = None, 1.0

    def __init__(self, distances: Vector, columns: Ids) -> None:
        self.columns, self._distances = columns, distances

    def values(self, start: int, stop: int) -> Values:
        return self._distances[start:stop, self.columns]

    def limits(self, cuts: Vector, rows: Ids) -> tuple[Values, Values]:  # noqa: ARG002
        return cuts, cuts

    def in_doubles(self) -> "_Known":
        return self


def blocks(count: int, most: int) -> Iterator[slice]:
    """Yield slices of 0 to `count`, each of at most `most` and of one at least."""
    step = max(1, most)
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))
