"""k-reciprocal re-ranking of Zhong et al. (2017) in bounded memory.

All N images, queries and then gallery, are compared with one another block by block; only sparse
sets of neighbours are kept. What is computed, step by step: docs/test-time.md.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from crossres.benchmark.metrics.comparisons import BLOCK_BYTES, Distances, blocks

Matrix = NDArray[np.float64]
Ids = NDArray[np.int64]


class Reranked:
    """The distances (Q, G) after re-ranking; `Reranked.distances` is a `Distances`."""

    def __init__(
        self, among_all: Distances, queries: int, count: int, k1: int, k2: int, original: float
    ) -> None:
        """Take the distances (rows, N) of all N = `count` images, the first `queries` of them.

        They are asked for twice, in blocks of rows. `k1`, `k2`, `original`: see Reranking.
        """
        self._among_all, self._queries, self._count = among_all, queries, count
        self._original = original
        neighbours = self._neighbours(min(k1 + 1, count))
        sets = expanded_sets(neighbours, k1)
        weights = self._weights(sets)
        if k2 > 1:
            weights = _mean_of_rows(weights, neighbours[:, :k2])
        self._of_queries = weights[:queries]
        self._of_images = csr_array(weights[queries:].T)  # (N, G): who has an image in its set
        self._of_images.sort_indices()

    def distances(self, start: int, stop: int) -> Matrix:
        """Return the final distances (stop - start, G) of queries start to stop."""
        final = scaled(self._among_all(start, stop))[:, self._queries :]
        final *= self._original
        for row, query in enumerate(range(start, stop)):
            final[row] += (1 - self._original) * self._jaccard(query)
        return final

    def _jaccard(self, query: int) -> NDArray[np.float64]:
        """Return (G,) the Jaccard distances of a query: both sets of weights have the sum 1."""
        own, images = self._of_queries, self._of_images
        chosen = slice(own.indptr[query], own.indptr[query + 1])
        rows, values = own.indices[chosen], own.data[chosen]
        starts, lengths = images.indptr[rows], np.diff(images.indptr)[rows]
        places = np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
        places = places + np.arange(len(places))
        least = np.minimum(np.repeat(values, lengths), images.data[places])
        gallery = images.shape[1]
        shared = np.bincount(images.indices[places], weights=least, minlength=gallery)
        return np.asarray(1 - shared / (2 - shared))

    def _blocks(self) -> Iterator[slice]:
        return blocks(self._count, BLOCK_BYTES // (8 * max(1, self._count)))

    def _neighbours(self, most: int) -> Ids:
        """Return (N, most) the nearest images of each, itself first."""
        chosen = [
            nearest(self._among_all(some.start, some.stop), most, itself=some.start)
            for some in self._blocks()
        ]
        return np.concatenate(chosen) if chosen else np.empty((0, most), np.int64)

    def _weights(self, sets: csr_array) -> csr_array:
        """Return the sets with weights exp(-distance), each row with the sum 1."""
        data = np.empty(sets.nnz)
        for some in self._blocks():
            distances = scaled(self._among_all(some.start, some.stop))
            of_rows = slice(sets.indptr[some.start], sets.indptr[some.stop])
            rows = np.repeat(
                np.arange(len(distances)), np.diff(sets.indptr[some.start : some.stop + 1])
            )
            weights = np.exp(-distances[rows, sets.indices[of_rows]])
            sums = np.bincount(rows, weights=weights, minlength=len(distances))
            data[of_rows] = weights / sums[rows]
        return csr_array((data, sets.indices, sets.indptr), shape=sets.shape)


def nearest(distances: Matrix, most: int, itself: int | None = None) -> Ids:
    """Return (R, most) the columns of the smallest distances (R, C), the closest first.

    Of equal distances the earlier column counts. With `itself`, row k is the image of column
    `itself` + k, which comes first whatever its distance.
    """
    if itself is not None:
        distances = distances.copy()
        own = np.arange(len(distances))
        distances[own, itself + own] = -np.inf
    cuts = np.partition(distances, most - 1, axis=1)[:, most - 1]
    chosen = np.empty((len(distances), most), np.int64)
    for row, (values, cut) in enumerate(zip(distances, cuts, strict=True)):
        columns = np.flatnonzero(values <= cut)
        chosen[row] = columns[np.argsort(values[columns], kind="stable")[:most]]
    return chosen


def scaled(distances: Matrix) -> Matrix:
    """Return squared distances (R, N) over the greatest of their row; zeros where all are 0."""
    greatest = distances.max(axis=1, keepdims=True, initial=0.0)
    ratios = distances / np.where(greatest > 0, greatest, 1.0)
    return np.asarray(ratios * ratios)


def expanded_sets(neighbours: Ids, k1: int) -> csr_array:
    """Return the expanded k-reciprocal sets R* (N, N) as a sparse matrix with sorted indices.

    neighbours (N, k): the nearest images of each, itself first, k = k1 + 1 or all.
    """
    sets = _reciprocal(neighbours)
    halves = _reciprocal(neighbours[:, : round(k1 / 2) + 1])  # a half is rounded to even, as there
    sizes = np.diff(halves.indptr)
    of_members = csr_array(halves.T)
    most = BLOCK_BYTES // (8 * max(1, neighbours.shape[1] ** 2))
    parts = []
    for some in blocks(len(neighbours), most):
        members = sets[some]
        shared = csr_array((members @ of_members).multiply(members))
        shared.data = (3 * shared.data > 2 * sizes[shared.indices]).astype(np.int64)
        shared.eliminate_zeros()
        parts.append(csr_array(members + shared @ halves))
    result = csr_array(vstack(parts, format="csr")) if parts else sets
    result.sort_indices()
    return result


def _reciprocal(neighbours: Ids) -> csr_array:
    """Return (N, N) 1 where each of two images is among the other's neighbours."""
    count, most = neighbours.shape
    ones = np.ones(neighbours.size, np.int64)
    rows = np.arange(0, neighbours.size + 1, most) if most else np.zeros(count + 1, np.int64)
    near = csr_array((ones, neighbours.ravel(), rows), shape=(count, count))
    return csr_array(near.multiply(near.T))


def _mean_of_rows(weights: csr_array, neighbours: Ids) -> csr_array:
    """Return for each image the mean of the weights of its nearest images, itself among them."""
    count, most = neighbours.shape
    shares = np.full(neighbours.size, 1 / most)
    rows = np.arange(0, neighbours.size + 1, most)
    mean = csr_array((shares, neighbours.ravel(), rows), shape=(count, count)) @ weights
    mean.sort_indices()
    return csr_array(mean)
