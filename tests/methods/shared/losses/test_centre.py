"""The centre loss and how its centres descend."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from crossres.methods.shared.losses.centre import Centres, centre_optimiser
from tests.methods.oracles import array

Array = NDArray[np.float64]


def test_centres_descend_on_the_centre_loss_whatever_its_weight() -> None:
    generator = np.random.default_rng(0)
    features, labels = generator.normal(size=(6, 3)), np.array([0, 0, 0, 2, 2, 1])
    for weight in (5e-4, 2.0):
        torch.manual_seed(0)
        centres = Centres(4, 3).double()
        start = array(centres.centres).copy()
        tensor = torch.from_numpy(features).requires_grad_()
        loss = centres(tensor, torch.from_numpy(labels))
        (weight * loss).backward()  # type: ignore[no-untyped-call]
        centre_optimiser(centres, 0.5, weight).step()
        away = features - start[labels]
        assert loss.item() == pytest.approx((away**2).sum() / 6)
        assert tensor.grad is not None
        assert np.allclose(array(tensor.grad), weight * 2 * away / 6)
        moved = start.copy()
        for image, label in enumerate(labels):
            moved[label] += 0.5 * 2 * away[image] / 6
        assert np.allclose(array(centres.centres), moved)
