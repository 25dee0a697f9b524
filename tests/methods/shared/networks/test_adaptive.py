"""Recovery branches start as the identity; soft labels against numpy."""

import numpy as np
import torch
from numpy.typing import NDArray

from crossres.methods.shared.networks.adaptive import Recovery, soft_labels

Array = NDArray[np.float64]


def unit(rows: Array) -> Array:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_branches_share_all_but_their_last_convolution() -> None:
    recovery = Recovery(4, 1, 3)
    torch.nn.init.normal_(recovery.last.weight)
    images = torch.rand(2, 3, 8, 6)
    recovered = recovery(images)
    for k in range(3):
        alone = Recovery(4, 1, 1)
        rows = slice(3 * k, 3 * k + 3)
        state = recovery.state_dict() | {
            "last.weight": recovery.last.weight[rows],
            "last.bias": recovery.last.bias[rows],  # type: ignore[index]
        }
        alone.load_state_dict(state)
        assert torch.allclose(recovered[k], alone(images)[0], atol=1e-4)


def test_soft_labels_are_softmax_of_the_margins() -> None:
    generator = np.random.default_rng(0)
    each, fused = generator.normal(size=(2, 3, 6, 4)), generator.normal(size=(2, 6, 4))
    labels, tau = np.array([0, 0, 1, 1, 1, 2]), 0.3
    fused_unit = unit(np.concatenate(list(fused), 1))
    expected = np.zeros((6, 3))
    for i in range(6):
        for k in range(3):
            lifted = unit(np.concatenate([each[p, k, i] for p in range(2)])[None])[0]
            d = np.linalg.norm(fused_unit - lifted, axis=1)
            positives = [d[j] for j in range(6) if labels[j] == labels[i] and j != i]
            negatives = [d[j] for j in range(6) if labels[j] != labels[i]]
            expected[i, k] = np.exp(-(max(positives, default=0.0) - min(negatives)) / tau)
    labels_of = soft_labels(
        torch.from_numpy(each), torch.from_numpy(fused), torch.from_numpy(labels), tau
    )
    assert np.allclose(labels_of.numpy(), expected / expected.sum(1, keepdims=True))
    alone = soft_labels(*(torch.from_numpy(x) for x in (each, fused, labels * 0)), tau)
    assert torch.isfinite(alone).all()
