"""The rate of an image, read from its pixels, against numpy."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from crossres.methods.shared.networks.resolution import RateEstimator, lost_detail
from crossres.methods.shared.tensors import to_tensor
from tests.methods.oracles import detailed

Array = NDArray[Any]

CPU = torch.device("cpu")


def test_lost_detail_and_least_squares_against_numpy() -> None:
    train = detailed(3, 2, 0)
    estimator = RateEstimator()
    estimator.fit(train)
    groups = [train.images[train.hr], *(train.variants[r] for r in (2, 3, 4))]
    inputs = np.concatenate([lost_detail(to_tensor(g, CPU)).numpy() for g in groups])
    rates = np.repeat([1.0, 2.0, 3.0, 4.0], len(train.hr))
    table = np.column_stack([inputs, np.ones(len(inputs))]).astype(np.float64)
    solved = np.linalg.solve(table.T @ table, table.T @ rates)
    assert np.allclose(estimator.coefficients.numpy(), solved, atol=1e-2)
    flat = torch.full((1, 3, 32, 16), 0.5)
    assert torch.allclose(lost_detail(flat), torch.zeros(1, 3), atol=1e-3)


def test_the_rate_of_unseen_images_is_roughly_found() -> None:
    estimator, unseen = RateEstimator(), detailed(6, 4, 1)
    estimator.fit(detailed(6, 4, 0))
    groups = [unseen.images[unseen.hr], *(unseen.variants[r] for r in (2, 3, 4))]
    estimates = np.stack([estimator(to_tensor(group, CPU)).numpy() for group in groups])
    errors = np.abs(estimates - np.array([[1], [2], [3], [4]]))
    assert errors.mean() < 0.6, "a constant is off by 1"
    assert (np.diff(estimates.mean(1)) > 0).all()
