"""SRCNN: three convolutions of the luminance."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from crossres.methods.shared.networks.srcnn import SRCNN, luminance
from tests.methods.oracles import correlated

Array = NDArray[Any]


@pytest.mark.parametrize("output", ["difference", "direct"])
def test_srcnn_is_three_convolutions_of_the_luminance(output: Any) -> None:
    torch.manual_seed(1)
    network = SRCNN((3, 2), output)
    torch.nn.init.normal_(network.conv3.weight, std=0.1)
    image = torch.rand(1, 3, 12, 7)
    x = image[0].numpy()
    y = 0.299 * x[0] + 0.587 * x[1] + 0.114 * x[2]
    hidden = np.maximum(correlated(y[None], network.conv1), 0)
    painted = correlated(np.maximum(correlated(hidden, network.conv2), 0), network.conv3)[0]
    expected = x + (painted if output == "difference" else painted - y)
    rebuilt = network(image).detach()
    assert np.allclose(rebuilt[0].numpy(), expected, atol=1e-5)
    colour_change = rebuilt - luminance(rebuilt) - image + luminance(image)
    assert colour_change.abs().max() < 1e-5, "the colour differences must stay"
    sizes = [(m.kernel_size[0], m.out_channels) for m in (network.conv1, network.conv2)]
    assert sizes == [(9, 3), (5, 2)]
    assert network.conv3.kernel_size == (5, 5)


def test_untrained_difference_leaves_images_as_they_are() -> None:
    images = torch.rand(2, 3, 16, 8)
    assert torch.equal(SRCNN((4, 4))(images), images)
