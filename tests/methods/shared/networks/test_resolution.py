"""The rate of an image, read from its pixels, against numpy."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from crossres.methods import TrainSet
from crossres.methods.shared.networks.resolution import RateEstimator, lost_detail
from crossres.methods.shared.tensors import to_tensor

Array = NDArray[Any]

CPU = torch.device("cpu")


def detailed(people: int, each: int, seed: int) -> TrainSet:
    """`each` HR images of 32 x 16 a person with stripes of a width of its own, and LR ones."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:32, :16]
    pictures = []
    for person in range(people):
        looks = np.random.default_rng(person)
        colour, angle = looks.uniform(60, 190, 3), looks.uniform(0, np.pi)
        period = looks.uniform(6.0, 10.0)
        for _ in range(2 * each):
            wave = np.cos(angle) * rows + np.sin(angle) * columns + generator.uniform(0, 9)
            edge = 45.0 * np.sign(np.sin(2 * np.pi * wave / period))
            pictures.append(colour + edge[:, :, None] + generator.normal(0, 3, (32, 16, 3)))
    hr = np.clip(np.stack(pictures), 0, 255).astype(np.uint8)
    rates = np.tile(np.repeat([1, 0], each), people).astype(np.int64)
    rates[rates == 0] = 2 + np.arange((rates == 0).sum()) % 3
    images = np.stack([bilinear(x, r) for x, r in zip(hr, rates, strict=True)])
    index = np.flatnonzero(rates == 1)
    variants = {r: np.stack([bilinear(x, r) for x in hr[index]]) for r in (2, 3, 4)}
    labels = np.repeat(np.arange(people), 2 * each).astype(np.int64)
    return TrainSet(images, labels, np.zeros_like(labels), rates, variants, index)


def bilinear(image: Array, rate: int) -> Array:
    from PIL import Image

    size = (image.shape[1], image.shape[0])
    small = (max(1, round(size[0] / rate)), max(1, round(size[1] / rate)))
    how = Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(image).resize(small, how).resize(size, how))


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
