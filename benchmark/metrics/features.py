"""Distances of features: screened in float32, settled in float64.

The distance of two features is the float64 sum of their squared differences, added up in one fixed
order (`passes.squared_gaps`): the same bits on every machine, and 0 for equal rows only. With
"cosine" rows are scaled to length 1 before, and a row of zeros is at 2 from all others (a cosine of
0). To compute that for every pair is slow, so all are screened by a float32 matrix product, and
only those computed that its rounding error leaves open.

The error has a proven bound: a product of two float32 vectors of D numbers, summed in any order,
with or without fused operations, is off by at most gamma_D |x| |y|, gamma_D = D u / (1 - D u)
(Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, section 3.1).
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.buffers import buffer
from crossres.benchmark.metrics.comparisons import TILE_VALUES, Part, blocks
from crossres.benchmark.metrics.equal_rows import EqualRows
from crossres.benchmark.metrics.own_images import Ids
from crossres.benchmark.metrics.passes import (
    Passes,
    Points,
    Values,
    Vector,
    passes_for,
    summed_squares,
)
from crossres.benchmark.metrics.products import PRODUCT_COLUMNS, products, summed_at_once
from crossres.methods.interface.distances import squared_lengths

Metric = Literal["euclidean", "cosine"]

SINGLE, DOUBLE = 2.0**-24, 2.0**-53  # unit roundoffs of float32 and float64
SLACK = 1.01  # of gamma_n over n u, for n up to 160,000
TINY = 2.0**-100  # more than underflow takes from numbers near 1, and from distances scaled to it
# Of the scale: its square times what float64 cannot hold, 2^-1075, is below TINY.
MOST_EXPONENT = 475
SAMPLE = 256
ROWS_BYTES = 2**20
QUERIES_BYTES = 256 * 2**20
PART_BYTES = 64 * 2**20
MOST_COLUMNS = 8192
MOST_SCALE, LONGEST = 2.0**20, 2.0**55  # with which float32 does not overflow


class FeatureComparison:
    """Features of queries (Q, D) and of a gallery (G, D), finite, of any number types."""

    def __init__(
        self, query: NDArray[Any], gallery: NDArray[Any], metric: Metric, device: str = "cpu"
    ) -> None:
        """Choose a centre, and a scale that brings the features near 1.

        device: where products are made; see `products.checked_device`.
        """
        self.query, self.gallery = np.asarray(query), np.asarray(gallery)
        self.cosine, self.device = metric == "cosine", device
        self.width = gallery.shape[1]
        self.passes: Passes = passes_for(len(query) * len(gallery))
        self.most_queries = QUERIES_BYTES // (12 * self.width)
        self.centre, self.scale = np.zeros(self.width), 1.0
        if not self.cosine:
            chosen = gallery[:: max(1, len(gallery) // SAMPLE)].astype(np.float64)
            # In float32, so that features in float32 are brought about it with one rounding.
            with np.errstate(over="ignore"):
                middle = np.median(chosen, axis=0).astype(np.float32).astype(np.float64)
            self.centre = np.where(np.isfinite(middle), middle, 0.0)
            size = float(np.median(squared_lengths(chosen - self.centre)))
            if 0 < size < np.inf:
                self.scale = 2.0 ** min(-round(np.log2(size) / 2), MOST_EXPONENT)

        # Of others, read-only ones too, numba would compile `squared_gaps` once more.
        is_usual = self.gallery.dtype in (np.float32, np.float64) and self.gallery.flags.carray
        self.are_points = is_usual and not self.cosine
        self._single_centre = self.centre.astype(np.float32)
        self._moves_singles = 1 / MOST_SCALE < self.scale < MOST_SCALE

    def block(self, queries: slice) -> "FeatureBlock":
        """See Comparison."""
        return FeatureBlock(self, self.query[queries])

    def points(self, rows: NDArray[Any]) -> Points:
        """Return rows (N, D), which may be kept, as the points between which distances are."""
        if self.cosine:
            return unit(rows)
        return rows if rows.dtype in (np.float32, np.float64) else rows.astype(np.float64)

    def moved(self, rows: NDArray[Any]) -> tuple[Vector, Vector]:
        """Return the points of rows (N, D) about the centre, scaled, and their squared lengths.

        A row of zeros has the length 1 of all others by the cosine: so it is at 2 from them.
        """
        if self.cosine:
            points = unit(rows)
            squared = squared_lengths(points)
            squared[squared == 0] = 1.0
            return points, squared
        points = rows.astype(np.float64)
        points -= self.centre
        if self.scale != 1.0:
            points *= self.scale
        return points, squared_lengths(points)

    def singles(self, rows: NDArray[Any], out: NDArray[np.float32]) -> Vector:
        """Write moved points of rows (N, D) to `out`, each number off by at most 2 u of itself.

        Returns their squared lengths (N,), off by at most 2 u. What float32 cannot hold is infinite
        in both.
        """
        if rows.dtype in (np.float16, np.float32):
            if self.cosine:
                squared = squared_lengths(rows.astype(np.float64))
                if ((squared > 1 / MOST_SCALE) & (squared < MOST_SCALE)).all():
                    np.multiply(rows, (1 / np.sqrt(squared)).astype(np.float32)[:, None], out=out)
                    return np.ones(len(rows))
            elif self._moves_singles:
                with np.errstate(over="ignore"):
                    np.subtract(rows, self._single_centre, out=out)
                    if self.scale != 1.0:
                        out *= np.float32(self.scale)
                return squared_lengths(out.astype(np.float64))
        points, squared = self.moved(rows)
        with np.errstate(over="ignore"):
            out[:] = points
        return squared

    def pieces(self, count: int) -> Iterator[slice]:
        """Yield slices of so many rows: of as many as a cache holds."""
        yield from blocks(count, ROWS_BYTES // (8 * self.width))


class FeatureBlock:
    """R queries: as points, and in float32 about the centre and scaled."""

    def __init__(self, comparison: FeatureComparison, query: NDArray[Any]) -> None:
        """Take (R, D) features."""
        self.comparison, self.size = comparison, len(query)
        self.passes, self._rows = comparison.passes, query
        self.query = comparison.points(query).copy()
        self.squared = np.empty(self.size)
        self.singles = np.empty(query.shape, np.float32)
        for some in comparison.pieces(self.size):
            moved, self.squared[some] = comparison.moved(query[some])
            with np.errstate(over="ignore"):
                self.singles[some] = moved
        self.lengths = np.sqrt(self.squared)
        self.products = products(comparison.device, self.singles, self.passes)

    @cached_property
    def points(self) -> Vector:
        """The queries about the centre and scaled, (R, D)."""
        return self.comparison.moved(self._rows)[0]

    @cached_property
    def zero(self) -> NDArray[np.bool_]:
        """Which queries are zero, (R,)."""
        return _zero(self.query)

    def exact(self, rows: Ids, columns: Ids) -> Vector:
        """See Block: images are read one after another."""
        comparison, distances = self.comparison, np.empty(len(rows))
        order = np.argsort(columns, kind="stable")
        if comparison.are_points:
            query, gallery = self.query, comparison.gallery
            gaps = self.passes.squared_gaps(query, gallery, rows[order], columns[order])
            distances[order] = gaps
            return distances
        images, places = np.unique(columns[order], return_inverse=True)
        for some in comparison.pieces(len(images)):
            points = comparison.points(_rows(comparison.gallery, images[some]))
            of_some = slice(*np.searchsorted(places, [some.start, some.stop]))
            queries, place = rows[order[of_some]], places[of_some] - some.start
            gaps = self.passes.squared_gaps(self.query, points, queries, place)
            if comparison.cosine:
                gaps[_zero(points)[place] | self.zero[queries]] = 2.0
            distances[order[of_some]] = gaps
        return distances

    def parts(self, order: Ids) -> Iterator[Part]:
        """See Block: of whole blocks of products, and so that a tile has all queries."""
        products_at_once = max(1, TILE_VALUES // self.size // PRODUCT_COLUMNS)
        most = min(MOST_COLUMNS, products_at_once * PRODUCT_COLUMNS)
        most = min(most, PART_BYTES // (4 * self.comparison.width))
        for some in blocks(len(order), most):
            part = SinglesPart(self, order[some])
            yield part if part.fits else part.in_doubles()

    def error_in_doubles(self, longest: float) -> Vector:
        """Bound (R,) what |x|^2 + |y|^2 - 2 x y and `squared_gaps` are off by, for |y| <= longest.

        Each is off by at most (D + 80) u (|x| + |y|)^2.
        """
        with np.errstate(over="ignore"):
            sums = (self.comparison.width + 80) * DOUBLE * (self.lengths + longest) ** 2
        return np.asarray(2 * sums + TINY)


class SinglesPart:
    """Images of the gallery in float32, about the centre and scaled.

    fits: whether float32 is large enough for the values.
    """

    alike = None

    def __init__(self, block: FeatureBlock, columns: Ids) -> None:
        """Read and convert the features of these images."""
        self._block, self.columns = block, columns
        comparison = block.comparison
        self.most_open = comparison.passes.MOST_OPEN
        self._singles = buffer("images", len(columns), comparison.width)
        squared = np.empty(len(columns))
        for some in comparison.pieces(len(columns)):
            rows = _rows(comparison.gallery, columns[some])
            squared[some] = comparison.singles(rows, self._singles[some])
        with np.errstate(over="ignore"):  # then it does not fit
            self._halves = (squared / 2).astype(np.float32)
        self._longest = float(np.sqrt(squared.max(initial=0.0)))
        self.fits = max(self._longest, block.lengths.max(initial=0.0)) < LONGEST
        self._sums = summed_at_once(comparison.width, comparison.passes)
        self._placed = block.products.placed(self._singles, self._halves)

    def values(self, start: int, stop: int) -> Values:
        """See Part: |y|^2 / 2 - x y, which is (|x - y|^2 - |x|^2) / 2."""
        values = buffer("values", stop - start, len(self._singles))
        self._block.products.values(slice(start, stop), self._placed, values)
        return values

    def limits(self, cuts: Vector, rows: Ids) -> tuple[Values, Values]:
        """See Part.

        The numbers of x are off by u and those of y by 2 u of themselves, S products are summed at
        once, then the sums; |y|^2 / 2 is off by 2 u and rounded, and the difference is rounded.
        """
        block, longest = self._block, self._longest
        summed = self._sums[0].stop + len(self._sums)
        error = SLACK * SINGLE * ((summed + 4) * block.lengths * longest + 2 * longest**2)
        error += block.error_in_doubles(longest)
        return _limits(block, cuts, rows, error, np.float32)

    def in_doubles(self) -> "DoublesPart":
        """See Part."""
        return self._in_doubles

    @cached_property
    def _in_doubles(self) -> "DoublesPart":
        return DoublesPart(self._block, self.columns)


class DoublesPart:
    """The same in float64, equal images being compared once: for features that are much alike.

    Or too different: where squares of scaled features are beyond float64, every pair is left open.
    """

    most_open = 1.0

    def __init__(self, block: FeatureBlock, columns: Ids) -> None:
        """Find which of these images are different."""
        self._block, self.columns = block, columns
        gallery = block.comparison.gallery
        rows = EqualRows.of(gallery[:0], gallery[columns])
        self._places, self._different = rows.gallery, columns[rows.firsts]
        self.alike = self._different[self._places]
        squared = [lengths.max() for _, _, lengths in self._pieces()]
        self._longest = float(np.sqrt(max(squared)))

    def values(self, start: int, stop: int) -> Values:
        """See Part: as SinglesPart."""
        values = np.empty((stop - start, len(self._different)))
        with np.errstate(over="ignore", invalid="ignore"):
            for some, points, squared in self._pieces():
                values[:, some] = squared / 2 - self._block.points[start:stop] @ points.T
        np.nan_to_num(values, copy=False)  # the limits of these are all that float64 holds
        if len(self._different) == len(self.columns):
            return values
        return values.take(self._places, axis=1)

    def _pieces(self) -> Iterator[tuple[slice, Vector, Vector]]:
        """Yield moved points of the different images, and squared lengths."""
        comparison = self._block.comparison
        for some in comparison.pieces(len(self._different)):
            yield some, *comparison.moved(_rows(comparison.gallery, self._different[some]))

    def limits(self, cuts: Vector, rows: Ids) -> tuple[Values, Values]:
        """See Part."""
        error = self._block.error_in_doubles(self._longest)
        return _limits(self._block, cuts, rows, error, np.float64)

    def in_doubles(self) -> "DoublesPart":
        """See Part."""
        return self


def unit(rows: NDArray[Any]) -> Vector:
    """Scale rows to length 1; zero stays zero.

    A row gets the same bits whatever stands beside it, and however the rows lie in memory.
    """
    vectors: Vector = rows.astype(np.float64)
    # Scaled by the largest entry first, so that squaring can neither overflow nor vanish.
    scale = np.maximum(vectors.max(axis=1), -vectors.min(axis=1))[:, None]
    vectors /= np.where(scale > 0, scale, 1.0)
    norms = np.sqrt(summed_squares(vectors))[:, None]
    vectors /= np.where(norms > 0, norms, 1.0)
    return vectors


def _zero(rows: Points) -> NDArray[np.bool_]:
    """Return which rows (N, D) are zero."""
    return np.asarray(~np.asarray(rows.any(axis=1)))


def _rows(array: NDArray[Any], columns: Ids) -> NDArray[Any]:
    """Return array[columns], without a copy where they follow one another."""
    if (np.diff(columns) == 1).all():
        return array[columns[0] : columns[-1] + 1]
    return array[columns]


def _limits(
    block: FeatureBlock, cuts: Vector, rows: Ids, error: Vector, kind: Any
) -> tuple[Values, Values]:
    """Return the limits of values |y|^2 / 2 - x y that are off by at most `error` (R,).

    The far ones are below infinity, which is the value of an image that is hidden.
    """
    largest = np.finfo(kind).max
    with np.errstate(over="ignore", invalid="ignore"):
        middle = (cuts * block.comparison.scale**2 - block.squared[rows]) / 2
        below, above = (middle - error[rows]).astype(kind), (middle + error[rows]).astype(kind)
    near, far = np.nextafter(below, kind(-np.inf)), np.nextafter(above, kind(np.inf))
    unknown = np.isinf(error[rows])
    near[unknown], far[unknown] = -np.inf, largest
    return near, np.minimum(far, largest)
