"""How many images of a gallery are closer to a query than each of its true matches.

An image that is exactly as far as a true match is closer if it stands before it in the gallery.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from crossres.benchmark.metrics.comparisons import Block, Part, Values, Vector
from crossres.benchmark.metrics.own_images import Ids, OwnImages

OPEN = 0.02  # of the values of a tile: if more cannot be told apart, all are made more precise

Hide = Callable[[Values, Part, int, int], None]
"""hide(values, part, start, stop): make infinite what these queries of the block must not see."""


class Matches:
    """The true matches of R queries, closest first: N in all, query after query.

    starts (R + 1,): query r has those from starts[r] to starts[r + 1]; rows, columns (N,): the
    query and the image of each; distances (N,): each off by at most slack[row].
    """

    def __init__(self, block: Block, own: OwnImages) -> None:
        """Order the usable ones of `own`, by (distance, column)."""
        distances, self.slack = block.own(own)
        rows, columns = own.rows[own.usable], own.columns[own.usable]
        distances = distances[own.usable]
        order = np.lexsort((columns, distances, rows))
        near = np.diff(distances[order]) <= 2 * self.slack[rows[1:]]
        exact = np.isin(rows, rows[1:][near & (np.diff(rows) == 0)])
        distances[exact] = block.exact(rows[exact], columns[exact])
        order = np.lexsort((columns, distances, rows))
        self.block = block
        self.rows, self.columns, self.distances = rows, columns[order], distances[order]
        self.starts = np.searchsorted(rows, np.arange(block.size + 1))

    def of(self, row: int) -> slice:
        """Return which are those of query `row`."""
        return slice(self.starts[row], self.starts[row + 1])

    def closer_than(self, row: int, distances: Vector) -> tuple[Ids, Ids]:
        """Return (n,) how many matches of `row` are closer than exact distances (n,).

        First without those that are just as far, then with them.
        """
        some = self.of(row)
        matches, slack = self.distances[some], 2 * self.slack[row]
        without = np.searchsorted(matches + slack, distances, side="left")
        including = np.searchsorted(matches - slack, distances, side="right")
        if slack and (without < including).any():
            matches = self.block.exact(self.rows[some], self.columns[some])
            without = np.searchsorted(matches, distances, side="left")
            including = np.searchsorted(matches, distances, side="right")
        return without, including

    def before(self, row: int, without: Ids, including: Ids, columns: Ids) -> Ids:
        """Return (n,) how many matches are before images `columns`, ties in the gallery's order."""
        before = without.copy()
        for index in np.flatnonzero(without < including):
            start = self.starts[row]
            tied = self.columns[start + without[index] : start + including[index]]
            before[index] += np.searchsorted(tied, columns[index])
        return before


class Tile:
    """Some queries and a part of the gallery: the images near enough to count.

    Those whose values leave open which matches they are closer than are named by their indices
    among these images, by query.
    """

    def __init__(self, part: Part, matches: Matches, start: int, stop: int, hide: Hide) -> None:
        """Compare queries start to stop with the part."""
        self.part, self.matches, self.start, self.stop = part, matches, start, stop
        self._hide = hide
        some = slice(matches.starts[start], matches.starts[stop])
        rows = matches.rows[some]
        self._near, self._far = part.limits(matches.distances[some], rows, matches.slack[rows])
        values = part.values(start, stop)
        hide(values, part, start, stop)
        farthest = np.full(stop - start, -np.inf, values.dtype)
        self._starts = matches.starts[start : stop + 1] - some.start
        has = np.flatnonzero(np.diff(self._starts))
        farthest[has] = self._far[self._starts[has + 1] - 1]
        self.size, self._width = values.size, values.shape[1]
        self._places = np.flatnonzero(values <= farthest[:, None])
        self._values = values.ravel()[self._places]
        self._bounds = np.searchsorted(self._places, np.arange(stop - start + 1) * self._width)

    def rows(self) -> Iterator[int]:
        """Yield the queries of the block that have such images."""
        yield from (self.start + np.flatnonzero(np.diff(self._bounds))).tolist()

    def images(self, row: int) -> Ids:
        """Return (e,) the places of these images in the part, ascending."""
        some = self._some(row)
        return np.asarray(self._places[some] - (row - self.start) * self._width)

    def values(self, row: int) -> Values:
        """Return (e,) their values."""
        return self._values[self._some(row)]

    def limits(self, row: int) -> tuple[Values, Values]:
        """Return (T,) of each match below which values are surely closer; above which not."""
        some = self.of(row)
        return self._near[some], self._far[some]

    def of(self, row: int) -> slice:
        """Return which matches of the tile are those of query `row`."""
        return slice(self._starts[row - self.start], self._starts[row - self.start + 1])

    def at_most(self, row: int) -> Ids:
        """Return (e,) how many matches may be closer than each image, or as far: not more."""
        return np.searchsorted(self.limits(row)[0], self.values(row), "right")

    def open_images(self, row: int, at_most: Ids) -> Ids:
        """Return which images of `row` may be closer than one match more or less."""
        at_least = np.searchsorted(self.limits(row)[1], self.values(row), "left")
        return np.flatnonzero(at_least < at_most)

    def too_many(self, open_images: Mapping[int, Ids]) -> bool:
        """Say whether to make `finer` values is quicker than to settle so many open images."""
        return self.part.is_rough and sum(map(len, open_images.values())) > OPEN * self.size

    def finer(self) -> "Tile":
        """Make the same tile from values that tell more apart."""
        return Tile(self.part.in_doubles(), self.matches, self.start, self.stop, self._hide)

    def settle(self, open_images: Mapping[int, Ids]) -> Iterator[tuple[int, Ids, Ids, Ids]]:
        """Compare these images exactly: yield row, and of them what `Matches.closer_than` returns.

        And how many matches are before each, ties in the gallery's order.
        """
        if not open_images:
            return
        places = [self.images(row)[some] for row, some in open_images.items()]
        lengths = [len(some) for some in places]
        distances = self._exact(np.repeat(list(open_images), lengths), np.concatenate(places))
        by_row = np.split(distances, np.cumsum(lengths)[:-1])
        for row, images, exact in zip(open_images, places, by_row, strict=True):
            without, including = self.matches.closer_than(row, exact)
            columns = self.part.columns[images]
            yield row, without, including, self.matches.before(row, without, including, columns)

    def _exact(self, rows: Ids, places: Ids) -> Vector:
        """Return (n,) the exact distances from queries to images at these places of the part."""
        if self.part.alike is None:
            return self.matches.block.exact(rows, self.part.columns[places])
        pairs = np.stack([rows, self.part.alike[places]])
        different, back = np.unique(pairs, axis=1, return_inverse=True)
        return self.matches.block.exact(*different)[back.reshape(-1)]

    def _some(self, row: int) -> slice:
        return slice(self._bounds[row - self.start], self._bounds[row - self.start + 1])


def closer_images(tile: Tile) -> Ids:
    """Return (n,) how many images of the tile are closer than each match of its queries."""
    matches = tile.matches
    counts = np.zeros(matches.starts[tile.stop] - matches.starts[tile.start], np.int64)
    open_images, most = dict[int, Ids](), dict[int, Ids]()
    for row in tile.rows():
        near, far = tile.limits(row)
        values = np.sort(tile.values(row))
        surely = np.searchsorted(values, near, "left")
        counts[tile.of(row)] += surely
        if (surely < np.searchsorted(values, far, "right")).any():
            at_most = tile.at_most(row)
            open_images[row] = tile.open_images(row, at_most)
            most[row] = at_most[open_images[row]]
    if tile.too_many(open_images):
        return closer_images(tile.finer())
    for row, _, _, before in tile.settle(open_images):
        # Those matches that the image was not surely closer than, and is.
        some = tile.of(row)
        length = some.stop - some.start + 1
        changes = np.bincount(before, minlength=length) - np.bincount(most[row], minlength=length)
        counts[some] += np.cumsum(changes)[:-1]
    return counts


def closer_of_each(tile: Tile, half_ties: bool) -> Iterator[tuple[int, Ids, Ids, Ids]]:
    """Yield for queries of the tile: row, and of its images the places, `first` and `second`.

    The image is closer than matches `first` and up, and than matches `second` and up: each counts
    for a half. The two are the same unless ties count as half.
    """
    by_row = {row: tile.open_images(row, tile.at_most(row)) for row in tile.rows()}
    open_images = {row: some for row, some in by_row.items() if len(some)}
    if tile.too_many(open_images):
        yield from closer_of_each(tile.finer(), half_ties)
        return
    settled = {row: counts for row, *counts in tile.settle(open_images)}
    for row in tile.rows():
        first = second = tile.at_most(row)
        if row in settled:
            some, (without, including, before) = open_images[row], settled[row]
            if half_ties:
                second = first.copy()
                first[some], second[some] = without, including
            else:
                first[some] = before
        yield row, tile.images(row), first, second
