"""The decoder against convolutions of nearest-neighbour maps."""

from typing import Any

import torch
import torch.nn.functional as F

from crossres.methods import Run
from crossres.methods.cad_net import CadNet, CadNetNetwork
from crossres.methods.interface.conformance import small_profile
from crossres.methods.shared.networks.decoder import Decoder
from crossres.methods.shared.training.loop import Iteration
from tests.methods.oracles import first_batch

SMALL = small_profile(CadNet)


def prepared(cls: type[CadNet] = CadNet, **options: Any) -> tuple[CadNetNetwork, Iteration]:
    """Build a fresh network in training mode and one batch."""
    method = cls(SMALL, **options)
    network = method.build(4, Run(seed=0), pretrained=False).train()
    return network, first_batch(SMALL, method.options)


def test_the_decoder_paints_images_of_any_size_with_every_map() -> None:
    decoder = Decoder((2, 3, 4), 2)
    maps = [
        torch.rand(2, c, *s, requires_grad=True) for c, s in ((2, (7, 5)), (3, (4, 3)), (4, (2, 2)))
    ]
    painted = decoder(maps, (13, 9))
    assert painted.shape == (2, 3, 13, 9)
    assert 0 <= painted.min() < painted.max() <= 1
    painted.sum().backward()
    assert all(m.grad is not None and bool(m.grad.any()) for m in maps)


def test_the_decoder_is_convolutions_of_nearest_maps_beside_skips() -> None:
    torch.manual_seed(0)
    decoder = Decoder((2, 3), 2).eval()
    shallow, deep = torch.rand(1, 2, 4, 2), torch.rand(1, 3, 2, 1)
    x = deep
    for block, skip in zip(decoder.blocks, (shallow, None), strict=True):
        x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
        x = x if skip is None else torch.cat([x, skip], 1)
        x = F.relu(F.conv2d(x, block[0].weight, padding=1) / (1 + 1e-5) ** 0.5)  # type: ignore[index]
    expected = torch.sigmoid(F.conv2d(x, decoder.last.weight, decoder.last.bias, padding=1))
    assert torch.allclose(decoder([shallow, deep], (8, 4)), expected, atol=1e-5)


def test_an_untrained_difference_leaves_images_as_they_are() -> None:
    images = torch.rand(2, 3, 32, 16)
    network = prepared(output="difference")[0].eval()
    assert torch.allclose(network.painted(images), images, atol=1e-5)
