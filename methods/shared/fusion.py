"""Several networks, each for one down-sampling rate, fused by how well the rate fits the query.

An embedding holds J features as a query, J as a gallery image, and J weights as a query.
"""

import numpy as np
import torch
from torch import Tensor

from crossres.methods.interface.distances import euclidean
from crossres.methods.interface.method import Distances, Embeddings


def fitting_weights(rho: Tensor, rates: tuple[int, ...], theta: float) -> Tensor:
    """Return weights (B, J), exp(-(rho - r_j)^2 / theta^2), for estimated rates rho (B,).

    Here with sum 1: weights of one query change by a common factor, so no ranking does.
    """
    gaps = rho[:, None] - rho.new_tensor(rates)
    return torch.softmax(-gaps.square() / theta**2, 1)


def packed(query: list[Tensor], gallery: list[Tensor], weights: Tensor) -> Tensor:
    """Join J features (B, D) in either role and weights (B, J) to embeddings (B, 2 J D + J)."""
    return torch.cat([*query, *gallery, weights], 1)


def fused_distances(query: Embeddings, gallery: Embeddings, count: int) -> Distances:
    """Return sum_j w_j ||q_j - g_j||, (Q, G), of `packed` embeddings of `count` networks."""
    size = (query.shape[1] - count) // (2 * count)
    total = np.zeros((len(query), len(gallery)))
    for j in range(count):
        left = query[:, j * size : (j + 1) * size]
        right = gallery[:, (count + j) * size : (count + j + 1) * size]
        total += query[:, j - count].astype(np.float64)[:, None] * euclidean(left, right)
    return total
