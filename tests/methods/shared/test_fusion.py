"""The fused distances of several networks against the paper's formula."""

import numpy as np
import pytest
import torch

from crossres.methods.shared.fusion import fitting_weights, fused_distances


def test_fused_distances_are_the_papers() -> None:
    """Literally sum_j exp(-(rho - r_j)^2 / theta^2) ||F_j(SR_j(q)) - F_j(g)||, up to a factor."""
    generator = np.random.default_rng(3)
    lifted, direct = generator.normal(size=(2, 3, 4, 5)), generator.normal(size=(2, 3, 6, 5))
    rho, rates, theta = np.array([1.2, 2.9, 4.4, 3.1]), (2, 3, 4), 1.5
    weights = fitting_weights(torch.from_numpy(rho), rates, theta).numpy()
    query = np.concatenate([*lifted[0], *lifted[1], weights], 1).astype(np.float32)
    gallery = np.concatenate([*direct[0], *direct[1], np.ones((6, 3))], 1).astype(np.float32)
    distances = fused_distances(query, gallery, 3)
    for q in range(4):
        w = [np.exp(-((rho[q] - r) ** 2) / theta**2) for r in rates]
        for g in range(6):
            each = [np.linalg.norm(lifted[0][j, q] - direct[1][j, g]) for j in range(3)]
            expected = sum(w[j] * each[j] for j in range(3)) / sum(w)
            assert distances[q, g] == pytest.approx(expected, rel=1e-5)
    even = fitting_weights(torch.from_numpy(rho), rates, 1e6).numpy()
    assert np.allclose(even, 1 / 3)
