"""Average query expansion (Chum et al. 2007), weighted (Radenović et al. 2018)."""

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.comparisons import Distances, blocks
from crossres.benchmark.metrics.features import unit
from crossres.benchmark.metrics.reranking import nearest

Embeddings = NDArray[np.float32]
ROWS = 256


def expanded_queries(
    query: Embeddings, gallery: Embeddings, distances: Distances, k: int, alpha: float
) -> Embeddings:
    """Return queries (Q, D), each the weighted mean of itself and its `k` nearest gallery images.

    The query has the weight 1, an image max(0, cosine with the query) ** alpha. A mean has the
    direction of the weighted sum of the vectors at length 1, and the length of the query; where
    the sum is zero, the query stays as it is. `distances` are those to the gallery.
    """
    expanded = np.empty_like(query)
    most = min(k, len(gallery))
    for some in blocks(len(query), ROWS):
        block = query[some]
        chosen = nearest(distances(some.start, some.stop), most)
        own = unit(block)
        others = unit(gallery[chosen.ravel()]).reshape(*chosen.shape, -1)
        cosines = np.einsum("qd,qkd->qk", own, others)
        weights = np.maximum(cosines, 0.0) ** alpha
        sums = own + np.einsum("qk,qkd->qd", weights, others)
        lengths = np.linalg.norm(block.astype(np.float64), axis=1, keepdims=True)
        means = unit(sums) * lengths
        kept = ~sums.any(axis=1)
        means[kept] = block[kept]
        expanded[some] = means
    return expanded
