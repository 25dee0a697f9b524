"""How many images of a gallery are closer to a query than each of its true matches.

An image that is exactly as far as a true match is closer if it stands before it in the gallery.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.comparisons import Block, Part
from crossres.benchmark.metrics.own_images import Ids, OwnImages
from crossres.benchmark.metrics.passes import (
    ClosestMatches,
    Groups,
    OpenPairs,
    Outrankings,
    Values,
    Vector,
)

Hide = Callable[[Values, Part, int, int], None]
"""hide(values, part, start, stop): make infinite what these queries of the block must not see."""


class Matches:
    """The true matches of R queries, closest first: N in all, query after query.

    starts (R + 1,): query r has those from starts[r] to starts[r + 1]; rows, columns, distances
    (N,): the query, the image, and the exact distance of each.
    """

    def __init__(self, block: Block, own: OwnImages) -> None:
        """Order the usable ones of `own`, by (distance, column)."""
        rows, columns = own.rows[own.usable], own.columns[own.usable]
        distances = block.exact(rows, columns)
        order = np.lexsort((columns, distances, rows))
        self.block, self.rows = block, rows
        self.columns, self.distances = columns[order], distances[order]
        self.starts = np.searchsorted(rows, np.arange(block.size + 1))


class Before:
    """How many true matches of the query are before each of n images, (n,)."""

    def __init__(self, matches: Matches, rows: Ids, columns: Ids, distances: Vector) -> None:
        """Take images `columns` (n,), at these distances from queries `rows`."""
        self._matches, self._rows = matches, rows
        self._columns, self._distances = columns, distances

    @property
    def closer(self) -> Ids:
        """Count those that are closer."""
        return self._count(
            lambda matches: np.less(self._matches.distances[matches], self._distances)
        )

    @property
    def up_to(self) -> Ids:
        """Count those that are closer or as far."""
        return self._count(
            lambda matches: np.less_equal(self._matches.distances[matches], self._distances)
        )

    @property
    def in_order(self) -> Ids:
        """Count those that are closer, or as far and before it in the gallery."""

        def are_before(matches: Ids) -> NDArray[np.bool_]:
            gaps = self._matches.distances[matches] - self._distances
            return np.less(
                np.where(gaps == 0, self._matches.columns[matches] - self._columns, gaps), 0
            )

        return self._count(are_before)

    def _count(self, are_before: Callable[[Ids], NDArray[np.bool_]]) -> Ids:
        starts, last = self._matches.starts, len(self._matches.rows) - 1
        low, high = starts[self._rows], starts[self._rows + 1]
        while (low < high).any():
            middle = (low + high) // 2
            more = (low < high) & are_before(np.minimum(middle, last))
            low, high = np.where(more, middle + 1, low), np.where(more, high, middle)
        return low - starts[self._rows]


class Tile:
    """Some queries and a part of the gallery."""

    def __init__(self, part: Part, matches: Matches, queries: slice, hide: Hide) -> None:
        """Compare these queries of the block with the part."""
        start, stop = queries.start, queries.stop
        some = slice(matches.starts[start], matches.starts[stop])
        self.part, self.queries = part, queries
        self._matches, self._passes = matches, matches.block.passes
        self.starts = matches.starts[start : stop + 1] - some.start
        self.limits = part.limits(matches.distances[some], matches.rows[some])
        self.values = part.values(start, stop)
        hide(self.values, part, start, stop)
        self.closer, self.up_to = self._passes.counts(self.values, self.starts, *self.limits)

    @property
    def most_open(self) -> float:
        """Which share of the pairs may be open, at most."""
        return float((self.up_to - self.closer).sum() / max(1, self.values.size))

    def open_pairs(self) -> OpenPairs:
        """Find the pairs whose values leave open what is closer."""
        counts = self.closer, self.up_to
        return self._passes.open_pairs(self.values, self.starts, self.limits, counts)

    def settle(self, pairs: OpenPairs) -> Before:
        """Compare open pairs exactly with the true matches."""
        rows, columns = pairs.rows + self.queries.start, self.part.columns[pairs.places]
        block, alike = self._matches.block, self.part.alike
        if alike is None:
            distances = block.exact(rows, columns)
        else:
            same, width = alike[pairs.places], int(alike.max()) + 1
            different, back = np.unique(rows * width + same, return_inverse=True)
            distances = block.exact(*np.divmod(different, width))[back.reshape(-1)]
        return Before(self._matches, rows, columns, distances)

    def outrankings(self, settled: ClosestMatches, groups: Groups) -> Outrankings:
        """Count the identities that outrank each match of the queries."""
        return self._passes.outrankings(self.values, self.starts, self.limits[0], settled, groups)


def closer_images(tile: Tile) -> Ids:
    """Return (n,) how many images of the tile are closer than each match of its queries."""
    pairs = tile.open_pairs()
    if not len(pairs.rows):
        return tile.closer
    # Those matches that the image was not surely closer than, and is.
    first, length = tile.starts[pairs.rows], len(tile.closer) + 1
    changes = np.bincount(first + tile.settle(pairs).in_order, minlength=length)
    changes -= np.bincount(first + pairs.at_most, minlength=length)
    return tile.closer + np.cumsum(changes)[:-1]
