"""The discriminator on maps of any size, and its loss against numpy."""

import numpy as np
import pytest
import torch
from torch.optim import SGD

from crossres.methods.interface.conformance import SMALL
from crossres.methods.shared.networks.discriminators import Discriminator
from crossres.methods.shared.reid_options import ReidOptions
from crossres.methods.shared.training.adversarial import (
    adversarial_loss,
    discriminator_loss,
    discriminator_step,
)
from tests.methods.oracles import first_batch


@pytest.mark.parametrize("batchnorm", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (2, 1), (4, 2), (5, 3), (16, 8), (64, 32)])
def test_any_size_of_map_is_halved_rounding_up(size: tuple[int, int], batchnorm: bool) -> None:
    network = Discriminator(6, (4, 8, 8), batchnorm)
    logits = network(torch.randn(3, 6, *size))
    assert logits.shape == (3, 1, *(-(-side // 8) for side in size))
    logits.mean().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_no_images_cost_nothing() -> None:
    logits = Discriminator(3, (4,))(torch.zeros(0, 3, 8, 4))
    assert adversarial_loss(logits, real=True).item() == 0.0


def test_the_first_and_the_last_layer_have_no_batch_normalisation() -> None:
    names = [type(layer).__name__ for layer in Discriminator(3, (4, 4), True).modules()]
    assert names.count("BatchNorm2d") == 1
    assert names.count("LeakyReLU") == 2


@pytest.mark.parametrize("real", [True, False])
def test_the_loss_is_binary_cross_entropy(real: bool) -> None:
    logits = torch.randn(2, 1, 3, 2, generator=torch.Generator().manual_seed(0)) * 4
    likely = 1 / (1 + np.exp(-logits.numpy().astype(np.float64)))
    expected = -np.log(likely if real else 1 - likely).mean()
    assert adversarial_loss(logits, real).item() == pytest.approx(expected, rel=1e-5)


def test_a_step_trains_the_discriminator_alone() -> None:
    torch.manual_seed(0)
    network = Discriminator(2, (4,))
    real, fake = (torch.randn(4, 2, 4, 2, requires_grad=True) for _ in range(2))
    now = first_batch(SMALL, ReidOptions())
    adversarial_loss(network(fake), real=True).backward()  # type: ignore[no-untyped-call]
    left = fake.grad
    assert left is not None
    gradient = left.clone()
    before = discriminator_loss(network, real, fake).item()
    discriminator_step(now, (SGD(network.parameters(), 0.1), 0.1, 0.0), network, real, fake)
    assert discriminator_loss(network, real, fake).item() < before
    assert real.grad is None
    assert torch.equal(fake.grad, gradient)  # type: ignore[arg-type]
