"""FLOPs of an embedding against a count by hand."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from crossres.benchmark.measures.flops import flops_per_image
from crossres.methods.interface.conformance import SMALL, example_images, example_train_set
from crossres.methods.interface.method import Embeddings, Method
from crossres.methods.interface.registry import method_class
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import Images

IMAGES = np.zeros((6, 8, 6, 3), np.uint8)
CONV = 2 * (8 * 6) * 4 * (3 * 3 * 3)  # additions and multiplications: places, outputs, taps
LINEAR = 2 * 4 * 5


class Tiny:
    """A convolution and a linear layer; the latter once for each rate of an image."""

    embed_told = Method.embed_told

    def __init__(self, needs_rate: bool) -> None:
        self.needs_rate = needs_rate
        self.conv, self.linear = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 5)
        self.embedded: list[int] = []

    def embed(self, images: Images) -> Embeddings:
        return self.embed_rated(images, np.ones(len(images), np.int64))

    def embed_rated(self, images: Images, rates: NDArray[np.int64]) -> Embeddings:
        self.embedded.append(len(images))
        with torch.inference_mode():
            maps = self.conv(torch.from_numpy(images).permute(0, 3, 1, 2) / 255)
            features = [self.linear(torch.relu(maps).mean((2, 3))) for _ in range(int(rates[0]))]
            return np.asarray(torch.cat(features, 1).numpy())


def test_a_small_network_has_the_count_of_a_hand() -> None:
    tiny: Any = Tiny(needs_rate=False)
    assert flops_per_image(tiny, IMAGES, np.array([2, 2, 2, 4, 4, 1])) == CONV + LINEAR
    assert tiny.embedded == [1, 1, 1]


def test_where_the_rate_matters_it_is_the_mean_over_the_images() -> None:
    tiny: Any = Tiny(needs_rate=True)
    rates = np.array([2, 2, 2, 4, 4, 1])
    assert flops_per_image(tiny, IMAGES, rates) == round(CONV + LINEAR * rates.mean())


def test_nothing_is_counted_without_torch_or_images() -> None:
    class Numbers(Tiny):
        def embed(self, images: Images) -> Embeddings:
            return images.reshape(len(images), -1).astype(np.float32)

    numbers: Any = Numbers(needs_rate=False)
    assert flops_per_image(numbers, IMAGES, np.ones(6, np.int64)) == 0
    assert flops_per_image(numbers, IMAGES[:0], np.ones(0, np.int64)) == 0


@pytest.mark.parametrize("flip", [False, True])
def test_a_mirrored_image_costs_as_much_again(flip: bool) -> None:
    once = method_class("plain")(SMALL)
    once.fit(example_train_set(SMALL), Run(0))
    images, rates = example_images(2, SMALL, "test"), np.array([2, 3])
    before = once.embed(images)
    cost = flops_per_image(once, images, rates)
    twice = method_class("plain")(SMALL, embed_flip=flip)
    twice.restore(once.arrays())
    assert flops_per_image(twice, images, rates) == cost * (1 + flip)
    assert np.array_equal(once.embed(images), before)
