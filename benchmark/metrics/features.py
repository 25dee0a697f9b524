"""Distances of features: screened in float32, settled in float64.

The distance of two features is the float64 sum of their squared differences, added up in one fixed
order (`squared_gaps`): the same bits on every machine, and 0 for equal rows only. With "cosine"
rows are scaled to length 1 before, and a row of zeros is at 2 from all others (a cosine of 0). To
compute that for every pair is slow, so all pairs are screened by a float32 matrix product, and only
those computed that its rounding error leaves open.

The error has a proven bound: a product of two float32 vectors of D numbers, summed in any order,
with or without fused operations, is off by at most gamma_D |x| |y|, gamma_D = D u / (1 - D u)
(Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, section 3.1).
"""

import threading
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.comparisons import Values, Vector, blocks
from crossres.benchmark.metrics.equal_rows import EqualRows
from crossres.benchmark.metrics.own_images import Ids, OwnImages
from crossres.methods.interface.distances import squared_lengths

Metric = Literal["euclidean", "cosine"]

SINGLE, DOUBLE = 2.0**-24, 2.0**-53  # unit roundoffs of float32 and float64
SLACK = 1.01  # of gamma_n over n u, for n up to 160,000
TINY = 2.0**-100  # more than underflow takes from numbers near 1
LANES = 64
SAMPLE = 256
PAIRS_BYTES = 2**19
ROWS_BYTES = 2**20
QUERIES_BYTES = 128 * 2**20
PART_BYTES = 64 * 2**20
MOST_COLUMNS = 16384
PRODUCT_COLUMNS = 2048


class FeatureComparison:
    """Features of queries (Q, D) and of a gallery (G, D), finite, of any number types."""

    def __init__(self, query: NDArray[Any], gallery: NDArray[Any], metric: Metric) -> None:
        """Choose a centre, and a scale that brings the features near 1."""
        self.query, self.gallery, self.cosine = query, gallery, metric == "cosine"
        self.width = gallery.shape[1]
        self.most_queries = QUERIES_BYTES // (20 * self.width)
        self.centre, self.scale = np.zeros(self.width), 1.0
        if not self.cosine:
            chosen = gallery[:: max(1, len(gallery) // SAMPLE)].astype(np.float64)
            self.centre = np.median(chosen, axis=0)
            size = float(np.median(squared_lengths(chosen - self.centre)))
            self.scale = 2.0 ** -round(np.log2(size) / 2) if 0 < size < np.inf else 1.0

    def block(self, queries: slice) -> "FeatureBlock":
        """See Comparison."""
        return FeatureBlock(self, self.query[queries])

    def points(self, rows: NDArray[Any]) -> Vector:
        """Return rows (N, D) as the float64 points between which distances are."""
        return unit(rows) if self.cosine else rows.astype(np.float64)

    def move(self, points: Vector) -> Vector:
        """Bring points (N, D) about the centre, and scale them; return their squared lengths (N,).

        A row of zeros has the length 1 of all others by the cosine: so it is at 2 from them.
        """
        if not self.cosine:
            points -= self.centre
            if self.scale != 1.0:
                points *= self.scale
        squared = squared_lengths(points)
        if self.cosine:
            squared[squared == 0] = 1.0
        return squared

    def moved_pieces(self, columns: Ids) -> Iterator[tuple[slice, Vector, Vector]]:
        """Yield moved points of gallery images, and squared lengths, as many as a cache holds."""
        for some in blocks(len(columns), ROWS_BYTES // (8 * self.width)):
            points = self.points(_rows(self.gallery, columns[some]))
            yield some, points, self.move(points)

    def exact(self, query: Vector, columns: Ids) -> Vector:
        """Return the distances (N,) of `points` (N, D) and gallery images (N,)."""
        images = self.points(self.gallery[columns])
        distances = squared_gaps(query, images)
        if self.cosine:
            distances[~query.any(axis=1) | ~images.any(axis=1)] = 2.0
        return distances


class FeatureBlock:
    """R queries: as points, and about the centre and scaled."""

    def __init__(self, comparison: FeatureComparison, query: NDArray[Any]) -> None:
        """Take (R, D) features."""
        self.comparison, self.size = comparison, len(query)
        self.query = comparison.points(query)
        self.points = self.query.copy()
        self.squared = comparison.move(self.points)
        self.lengths = np.sqrt(self.squared)
        self.singles = self.points.astype(np.float32)

    def own(self, own: OwnImages) -> tuple[Vector, Vector]:
        """See Block: small products in float64, one for the queries of each pid."""
        comparison = self.comparison
        distances, farthest = np.empty(len(own.columns)), np.zeros(self.size)
        for rows in own.rows_of_a_pid():
            columns = own.columns[own.starts[rows[0]] : own.starts[rows[0] + 1]]
            for some, points, squared in comparison.moved_pieces(columns):
                values = squared - 2 * (self.points[rows] @ points.T) + self.squared[rows, None]
                distances[own.starts[rows, None] + np.arange(some.start, some.stop)] = values
                farthest[rows] = np.maximum(farthest[rows], np.sqrt(squared.max()))
        scale = comparison.scale**2
        return distances / scale, self.error_in_doubles(farthest) / scale

    def exact(self, rows: Ids, columns: Ids) -> Vector:
        """See Block."""
        distances = np.empty(len(rows))
        for some in blocks(len(rows), PAIRS_BYTES // (8 * self.comparison.width)):
            distances[some] = self.comparison.exact(self.query[rows[some]], columns[some])
        return distances

    def parts(self, order: Ids) -> Iterator["SinglesPart"]:
        """See Block."""
        most = min(MOST_COLUMNS, PART_BYTES // (4 * self.comparison.width))
        for some in blocks(len(order), most):
            yield SinglesPart(self, order[some])

    def error_in_doubles(self, longest: Vector | float) -> Vector:
        """Bound (R,) what |x|^2 + |y|^2 - 2 x y and `squared_gaps` are off by, for |y| <= longest.

        Each is off by at most (D + 80) u (|x| + |y|)^2.
        """
        sums = (self.comparison.width + 80) * DOUBLE * (self.lengths + longest) ** 2
        return np.asarray(2 * sums + TINY)


class SinglesPart:
    """Images of the gallery in float32, about the centre and scaled."""

    alike, is_rough = None, True

    def __init__(self, block: FeatureBlock, columns: Ids) -> None:
        """Read and convert the features of these images."""
        self._block, self.columns = block, columns
        comparison = block.comparison
        self._singles = np.empty((len(columns), comparison.width), np.float32)
        squared = np.empty(len(columns))
        for some, points, lengths in comparison.moved_pieces(columns):
            self._singles[some], squared[some] = points, lengths
        self._halves = (squared / 2).astype(np.float32)
        self._longest = float(np.sqrt(squared.max(initial=0.0)))

    def values(self, start: int, stop: int) -> Values:
        """See Part: |y|^2 / 2 - x y, which is (|x - y|^2 - |x|^2) / 2."""
        queries, images = self._block.singles[start:stop], self._singles
        values = _buffer(len(queries), len(images))
        for some in blocks(len(images), PRODUCT_COLUMNS):
            np.matmul(queries, images[some].T, out=values[:, some])
            np.subtract(self._halves[some], values[:, some], out=values[:, some])
        return values

    def limits(self, cuts: Vector, rows: Ids, slack: Vector) -> tuple[Values, Values]:
        """See Part.

        x and y are rounded, D products summed, |y|^2 / 2 rounded, and the difference.
        """
        block, longest = self._block, self._longest
        product = block.lengths * longest
        error = SLACK * SINGLE * ((block.comparison.width + 3) * product + longest**2)
        error += block.error_in_doubles(longest)
        return _limits(block, cuts, rows, slack, error, np.float32)

    def in_doubles(self) -> "DoublesPart":
        """See Part."""
        return self._in_doubles

    @cached_property
    def _in_doubles(self) -> "DoublesPart":
        return DoublesPart(self._block, self.columns)


class DoublesPart:
    """The same in float64, equal images being compared once: for features that are much alike."""

    is_rough = False

    def __init__(self, block: FeatureBlock, columns: Ids) -> None:
        """Find which of these images are different."""
        self._block, self.columns = block, columns
        gallery = block.comparison.gallery
        rows = EqualRows.of(gallery[:0], gallery[columns])
        self._places, self._different = rows.gallery, columns[rows.firsts]
        self.alike = self._different[self._places]
        squared = [lengths for _, _, lengths in block.comparison.moved_pieces(self._different)]
        self._longest = float(np.sqrt(np.concatenate(squared).max(initial=0.0)))

    def values(self, start: int, stop: int) -> Values:
        """See Part: as SinglesPart."""
        values = np.empty((stop - start, len(self._different)))
        for some, points, squared in self._block.comparison.moved_pieces(self._different):
            values[:, some] = squared / 2 - self._block.points[start:stop] @ points.T
        if len(self._different) == len(self.columns):
            return values
        return values.take(self._places, axis=1)

    def limits(self, cuts: Vector, rows: Ids, slack: Vector) -> tuple[Values, Values]:
        """See Part."""
        error = self._block.error_in_doubles(self._longest)
        return _limits(self._block, cuts, rows, slack, error, np.float64)

    def in_doubles(self) -> "DoublesPart":
        """See Part."""
        return self


def squared_gaps(left: Vector, right: Vector) -> Vector:
    """Return the squared distances (N,) of float64 rows (N, D), each summed in the same order.

    Lane l of 64 adds up the squares of columns l, l + 64, ...; then halves of the lanes are added.
    """
    squares = left - right
    squares *= squares
    whole = squares.shape[1] // LANES * LANES
    lanes = squares[:, :whole].reshape(len(squares), -1, LANES).sum(axis=1)
    lanes[:, : squares.shape[1] - whole] += squares[:, whole:]
    width = LANES
    while width > 1:
        width //= 2
        lanes = lanes[:, :width] + lanes[:, width:]
    return np.asarray(lanes[:, 0])


def unit(rows: NDArray[Any]) -> Vector:
    """Scale rows to length 1; zero stays zero."""
    vectors: Vector = rows.astype(np.float64)
    # Scaled by the largest entry first, so that squaring can neither overflow nor vanish.
    scale = np.maximum(vectors.max(axis=1), -vectors.min(axis=1))[:, None]
    vectors /= np.where(scale > 0, scale, 1.0)
    norms = np.sqrt(squared_lengths(vectors))[:, None]
    vectors /= np.where(norms > 0, norms, 1.0)
    return vectors


def _buffer(rows: int, columns: int) -> NDArray[np.float32]:
    """Return (rows, columns) to write into; the thread's last one is gone then.

    New memory would cost as much time as what is written there.
    """
    if getattr(_kept, "numbers", np.empty(0)).size < rows * columns:
        _kept.numbers = np.empty(rows * columns, np.float32)
    return np.asarray(_kept.numbers[: rows * columns].reshape(rows, columns))


_kept = threading.local()


def _rows(array: NDArray[Any], columns: Ids) -> NDArray[Any]:
    """Return array[columns], without a copy where they follow one another."""
    if (np.diff(columns) == 1).all():
        return array[columns[0] : columns[-1] + 1]
    return array[columns]


def _limits(
    block: FeatureBlock, cuts: Vector, rows: Ids, slack: Vector, error: Vector, kind: Any
) -> tuple[Values, Values]:
    """Return the limits of values |y|^2 / 2 - x y that are off by at most `error` (R,)."""
    scale = block.comparison.scale**2
    middle = (cuts * scale - block.squared[rows]) / 2
    error = error[rows] + slack * scale
    below, above = (middle - error).astype(kind), (middle + error).astype(kind)
    return np.nextafter(below, kind(-np.inf)), np.nextafter(above, kind(np.inf))
