"""What several tests compute independently, and the data they compute it of."""

from typing import Any

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from crossres.methods import Profile, Run, TrainSet
from crossres.methods.interface.conformance import example_train_set
from crossres.methods.interface.profile import TrainSpec
from crossres.methods.shared.reid_options import ReidOptions
from crossres.methods.shared.training.loop import Iteration, iterations

Array = NDArray[Any]

FEW = {"iterations": 1, "identities": 3, "hr_images": 2, "lr_images": 2}


def first_batch(profile: Profile, options: ReidOptions) -> Iteration:
    """Return the first of the iterations on the example images."""
    return next(iterations(example_train_set(profile), TrainSpec(**FEW), options, Run(seed=0)))


def array(tensor: torch.Tensor) -> Array:
    """Return a tensor as a float64 array, without its gradient."""
    return tensor.detach().numpy().astype(np.float64)


def rows_of(people: int, each: int, size: int, seed: int = 0) -> tuple[Array, Array]:
    """Draw `each` rows a person around a centre of their own, and their labels."""
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(people), each)
    looks = generator.normal(size=(people, size))
    return looks[labels] + 0.3 * generator.normal(size=(people * each, size)), labels


def cross_entropy(logits: Array, labels: Array, smoothing: float) -> float:
    """Compute the mean over images of - sum_c q_c log p_c, with section 2.4's q; logits (B, C)."""
    classes = logits.shape[1]
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    q = np.full(logits.shape, smoothing / classes)
    q[np.arange(len(labels)), labels] = 1 - (classes - 1) / classes * smoothing
    return float(-(q * log_p).sum(1).mean())


def correlated(maps: Array, layer: torch.nn.Conv2d) -> Array:
    """Apply a convolution layer with zero padding, written out: (I, H, W) -> (O, H, W)."""
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()  # type: ignore[union-attr]
    edge = weight.shape[2] // 2
    windows = sliding_window_view(
        np.pad(maps, ((0, 0), (edge, edge), (edge, edge))), weight.shape[2:], (1, 2)
    )
    return np.asarray(np.einsum("ihwkl,oikl->ohw", windows, weight) + bias[:, None, None])


def detailed(people: int, each: int, seed: int) -> TrainSet:
    """Draw `each` HR images of 32 x 16 a person with stripes of a width of its own, and LR ones."""
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
