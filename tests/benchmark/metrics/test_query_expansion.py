"""Query expansion against its definition, query by query."""

import numpy as np
import pytest

from crossres.benchmark.metrics.query_expansion import expanded_queries
from crossres.methods.interface.distances import euclidean


@pytest.mark.parametrize("alpha", [0.0, 3.0])
@pytest.mark.parametrize("k", [1, 4, 99])
def test_it_is_the_definition(k: int, alpha: float) -> None:
    rng = np.random.default_rng(0)
    query = rng.normal(size=(5, 3)).astype(np.float32)
    gallery = rng.normal(size=(9, 3)).astype(np.float32)
    gallery[3] = gallery[5]  # a tie
    result = expanded_queries(query, gallery, lambda a, b: euclidean(query[a:b], gallery), k, alpha)
    for own, expanded in zip(query.astype(float), result, strict=True):
        order = sorted(range(9), key=lambda n: (np.linalg.norm(own - gallery[n]), n))
        total = own / np.linalg.norm(own)
        for image in order[:k]:
            other = gallery[image] / np.linalg.norm(gallery[image])
            cosine = float(own @ other / np.linalg.norm(own))
            total = total + max(cosine, 0.0) ** alpha * other
        mean = total / np.linalg.norm(total) * np.linalg.norm(own)
        np.testing.assert_allclose(expanded, mean, atol=1e-6)


def test_a_query_without_a_direction_stays() -> None:
    query = np.array([[0, 0], [1, 0]], np.float32)
    gallery = np.array([[-1, 0]], np.float32)
    result = expanded_queries(query, gallery, lambda a, b: euclidean(query[a:b], gallery), 1, 0)
    # With alpha 0 all have the weight 1: the second sum is zero.
    np.testing.assert_array_equal(result, [[0, 0], [1, 0]])
