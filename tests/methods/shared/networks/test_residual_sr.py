"""The residual SR network: what it computes, its sizes, and that it starts as the identity."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from crossres.methods.shared.networks.residual_sr import ResidualSR
from tests.methods.oracles import correlated

Array = NDArray[Any]


@pytest.mark.parametrize("upscale", [1, 2])
def test_it_is_the_residual_network_of_srgan_without_normalisation(upscale: Any) -> None:
    torch.manual_seed(0)
    network = ResidualSR(4, 2, upscale=upscale)
    torch.nn.init.normal_(network.last.weight, std=0.1)
    image = torch.rand(1, 3, 6, 5)
    first = np.maximum(correlated(image[0].numpy(), network.head), 0)
    hidden = first
    for block in network.blocks:
        inner = np.maximum(correlated(hidden, block.conv1), 0)  # type: ignore[arg-type]
        hidden = hidden + correlated(inner, block.conv2)  # type: ignore[arg-type]
    hidden = first + correlated(hidden, network.tail[0])  # type: ignore[arg-type]
    base = image
    if network.enlarge is not None:
        shuffled = correlated(hidden, network.enlarge).reshape(4, 2, 2, 6, 5)
        hidden = np.maximum(shuffled.transpose(0, 3, 1, 4, 2).reshape(4, 12, 10), 0)
        base = F.interpolate(image, scale_factor=2.0, mode="bilinear")
    expected = base[0].numpy() + correlated(hidden, network.last)
    assert np.allclose(network(image)[0].detach().numpy(), expected, atol=1e-4)


@pytest.mark.parametrize("batchnorm", [False, True])
@pytest.mark.parametrize("upscale", [1, 2])
def test_untrained_it_leaves_images_as_they_are(upscale: Any, batchnorm: bool) -> None:
    images = torch.rand(2, 3, 9, 5)
    expected = images
    if upscale == 2:
        expected = F.interpolate(images, scale_factor=2.0, mode="bilinear")
    assert torch.equal(ResidualSR(4, 3, batchnorm, upscale)(images), expected)


@pytest.mark.parametrize("batchnorm", [False, True])
def test_many_blocks_keep_the_size_of_numbers(batchnorm: bool) -> None:
    torch.manual_seed(1)
    network, images = ResidualSR(16, 16, batchnorm), torch.rand(4, 3, 16, 8)
    first = F.relu(network.head(images))
    grown = (network.blocks(first).std() / first.std()).item()
    assert 0.5 < grown < 20.0
    normalised = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert len(normalised) == (2 * 16 + 1 if batchnorm else 0)
