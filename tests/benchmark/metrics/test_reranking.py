"""Re-ranking against the definition, image by image, in dense matrices and Python's sets."""

import math
import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from crossres.benchmark.metrics import reranking
from crossres.benchmark.metrics.reranking import Reranked, expanded_sets, nearest

Matrix = NDArray[np.float64]


def ranking(distances: Matrix, image: int) -> list[int]:
    """All images by their distance: the image itself, then the closer, then the earlier."""
    others = [k for k in range(len(distances)) if k != image]
    return [image, *sorted(others, key=lambda k: (distances[image, k], k))]


def reciprocal(ranks: list[list[int]], image: int, k: int) -> set[int]:
    return {other for other in ranks[image][: k + 1] if image in ranks[other][: k + 1]}


def expanded(ranks: list[list[int]], image: int, k1: int) -> set[int]:
    own = reciprocal(ranks, image, k1)
    whole = set(own)
    for candidate in own:
        half = reciprocal(ranks, candidate, int(np.around(k1 / 2)))
        if len(half & own) * 3 > len(half) * 2:
            whole |= half
    return whole


def reranked(distances: Matrix, queries: int, k1: int, k2: int, share: float) -> Matrix:
    """The final distances as the paper and its authors' code define them."""
    count = len(distances)
    ranks = [ranking(distances, image) for image in range(count)]
    squares = np.zeros((count, count))
    for image in range(count):
        greatest = max(distances[image])
        for other in range(count):
            squares[image, other] = (distances[image, other] / (greatest or 1.0)) ** 2
    codes = np.zeros((count, count))
    for image in range(count):
        members = sorted(expanded(ranks, image, k1))
        weights = [math.exp(-squares[image, member]) for member in members]
        for member, weight in zip(members, weights, strict=True):
            codes[image, member] = weight / sum(weights)
    if k2 > 1:
        codes = np.array([codes[ranks[image][:k2]].mean(axis=0) for image in range(count)])
    final = np.zeros((queries, count - queries))
    for query in range(queries):
        for image in range(queries, count):
            least = np.minimum(codes[query], codes[image]).sum()
            most = np.maximum(codes[query], codes[image]).sum()
            jaccard = 1 - least / most
            final[query, image - queries] = (1 - share) * jaccard + share * squares[query, image]
    return final


def ours(distances: Matrix, queries: int, k1: int, k2: int, share: float) -> Matrix:
    return Reranked(
        lambda start, stop: distances[start:stop], queries, len(distances), k1, k2, share
    ).distances(0, queries)


def drawn(number: int) -> Matrix:
    """Distances with many ties, of points on a small grid; or asymmetric ones, or all alike."""
    rng = np.random.default_rng(number)
    count = int(rng.integers(2, 12))
    if number % 10 == 0:
        return rng.integers(0, 4, (count, count)).astype(float)
    points = rng.integers(0, 1 if number % 97 == 0 else 4, (count, 2))
    return np.abs(points[:, None] - points[None]).sum(axis=2).astype(float)


def test_it_is_the_definition_on_thousands_of_cases_with_ties() -> None:
    for number in range(2500):
        distances, rng = drawn(number), np.random.default_rng([1, number])
        count = len(distances)
        queries, k1 = int(rng.integers(1, count)), int(rng.integers(1, 9))
        k2, share = int(rng.integers(1, k1 + 2)), float(rng.choice([0.0, 0.3, 1.0]))
        expected = reranked(distances, queries, k1, min(k2, count), share)
        np.testing.assert_allclose(
            ours(distances, queries, k1, k2, share),
            expected,
            rtol=0,
            atol=1e-14,
            err_msg=f"case {number}",
        )


def test_sets_are_those_of_the_definition_where_they_matter() -> None:
    """With larger sets, of which some grow and some do not."""
    grown = 0
    for number in range(30):
        points = np.random.default_rng([2, number]).normal(size=(60, 3))
        distances = np.linalg.norm(points[:, None] - points[None], axis=2)
        ranks = [ranking(distances, image) for image in range(60)]
        sets = expanded_sets(nearest(distances, 9, itself=0), 8)
        for image in range(60):
            members = set(sets.indices[sets.indptr[image] : sets.indptr[image + 1]].tolist())
            assert members == expanded(ranks, image, 8)
            grown += members != reciprocal(ranks, image, 8)
    assert 0 < grown < 30 * 60


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    distances = drawn(12)
    whole = ours(distances, 2, 4, 2, 0.3)
    monkeypatch.setattr(reranking, "BLOCK_BYTES", 1)
    np.testing.assert_array_equal(ours(distances, 2, 4, 2, 0.3), whole)


def test_memory_is_far_below_that_of_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    count = 3000
    points = np.random.default_rng(3).normal(size=(count, 8))
    lengths = (points**2).sum(axis=1)

    def distances(start: int, stop: int) -> Matrix:
        squares = lengths[start:stop, None] + lengths - 2 * points[start:stop] @ points.T
        return np.sqrt(np.maximum(squares, 0))

    monkeypatch.setattr(reranking, "BLOCK_BYTES", 2**20)
    tracemalloc.start()
    ranked = Reranked(distances, 100, count, 20, 6, 0.3)
    assert ranked.distances(0, 10).shape == (10, count - 100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * count * count / 2


def test_of_equal_distances_the_earlier_image_is_nearer_and_each_is_nearest_to_itself() -> None:
    distances = np.array([[1.0, 0, 0, 0], [0, 0, 0, 0], [2, 1, 0, 1]])
    assert nearest(distances, 3, itself=0).tolist() == [[0, 1, 2], [1, 0, 2], [2, 1, 3]]
    assert nearest(distances, 2).tolist() == [[1, 2], [0, 1], [2, 1]]
