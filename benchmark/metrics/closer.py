"""How many images of a gallery are closer to a query than each of its true matches.

An image that is exactly as far as a true match is closer if it stands before it in the gallery.
"""

from collections.abc import Callable, Iterator

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
    """Some queries and a part of the gallery: the images near enough to count."""

    def __init__(self, part: Part, matches: Matches, start: int, stop: int, hide: Hide) -> None:
        """Compare queries start to stop with the part."""
        self.part, self.matches, self.start, self.stop = part, matches, start, stop
        some = slice(matches.starts[start], matches.starts[stop])
        rows = matches.rows[some]
        self._near, self._far = part.limits(matches.distances[some], rows, matches.slack[rows])
        values = part.values(start, stop)
        hide(values, part, start, stop)
        farthest = np.full(stop - start, -np.inf, values.dtype)
        starts = matches.starts[start : stop + 1] - some.start
        has = np.flatnonzero(np.diff(starts))
        farthest[has] = self._far[starts[has + 1] - 1]
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
        start = self.matches.starts[self.start]
        some = slice(self.matches.starts[row] - start, self.matches.starts[row + 1] - start)
        return self._near[some], self._far[some]

    def span(self, row: int) -> tuple[Ids, Ids]:
        """Return (e,) how many matches are surely not farther than an image; at most closer."""
        near, far = self.limits(row)
        values = self.values(row)
        return np.searchsorted(far, values, "left"), np.searchsorted(near, values, "right")

    def _some(self, row: int) -> slice:
        return slice(self._bounds[row - self.start], self._bounds[row - self.start + 1])

    def exact(self, rows: list[int], places: list[Ids]) -> list[Vector]:
        """Return for each of these queries the exact distances of its images at `places`."""
        if not rows:
            return []
        lengths = [len(some) for some in places]
        images, queries = np.concatenate(places), np.repeat(np.array(rows), lengths)
        columns, back = self.part.columns[images], None
        alike = self.part.alike
        if alike is not None:
            pairs = np.stack([queries, alike[images]])
            (queries, columns), back = np.unique(pairs, axis=1, return_inverse=True)
        distances = self.matches.block.exact(queries, columns)
        if back is not None:
            distances = distances[back.reshape(-1)]
        return np.split(distances, np.cumsum(lengths)[:-1])


def closer_images(tile: Tile, hide: Hide) -> Ids:
    """Return (n,) how many images of the tile are closer than each match of its queries."""
    matches = tile.matches
    first = matches.starts[tile.start]
    counts = np.zeros(matches.starts[tile.stop] - first, np.int64)
    rows, places, most = list[int](), list[Ids](), list[Ids]()
    for row in tile.rows():
        near, far = tile.limits(row)
        values = np.sort(tile.values(row))
        surely = np.searchsorted(values, near, "left")
        counts[_within(matches, row, first)] += surely
        if (surely < np.searchsorted(values, far, "right")).any():
            least, at_most = tile.span(row)
            is_open = np.flatnonzero(least < at_most)
            rows.append(row)
            places.append(tile.images(row)[is_open])
            most.append(at_most[is_open])
    if tile.part.is_rough and sum(map(len, places)) > OPEN * tile.size:
        return closer_images(finer(tile, hide), hide)
    for row, images, at_most, distances in zip(
        rows, places, most, tile.exact(rows, places), strict=True
    ):
        # Those matches that the image was not surely closer than, and is.
        before = matches.before(
            row, *matches.closer_than(row, distances), tile.part.columns[images]
        )
        some = _within(matches, row, first)
        length = some.stop - some.start + 1
        changes = np.bincount(before, minlength=length) - np.bincount(at_most, minlength=length)
        counts[some] += np.cumsum(changes)[:-1]
    return counts


def closer_of_each(tile: Tile, hide: Hide, half_ties: bool) -> Iterator[tuple[int, Ids, Ids, Ids]]:
    """Yield for queries of the tile: row, and of its images the places, `first` and `second`.

    The image is closer than matches `first` and up, and than matches `second` and up: each counts
    for a half. The two are the same unless ties count as half.
    """
    matches = tile.matches
    open_at = {}
    for row in tile.rows():
        least, at_most = tile.span(row)
        is_open = np.flatnonzero(least < at_most)
        if len(is_open):
            open_at[row] = is_open
    if tile.part.is_rough and sum(map(len, open_at.values())) > OPEN * tile.size:
        yield from closer_of_each(finer(tile, hide), hide, half_ties)
        return
    places = [tile.images(row)[some] for row, some in open_at.items()]
    exact = dict(zip(open_at, tile.exact(list(open_at), places), strict=True))
    for row in tile.rows():
        images, (_, first) = tile.images(row), tile.span(row)
        second = first
        if row in open_at:
            some = open_at[row]
            without, including = matches.closer_than(row, exact[row])
            if half_ties:
                second = first.copy()
                first[some], second[some] = without, including
            else:
                columns = tile.part.columns[images[some]]
                first[some] = matches.before(row, without, including, columns)
        yield row, images, first, second


def finer(tile: Tile, hide: Hide) -> Tile:
    """Make the same tile from values that tell more apart."""
    return Tile(tile.part.in_doubles(), tile.matches, tile.start, tile.stop, hide)


def _within(matches: Matches, row: int, first: int) -> slice:
    return slice(matches.starts[row] - first, matches.starts[row + 1] - first)
