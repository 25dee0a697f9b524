"""VDSR with channel attention, by hand."""

import numpy as np
import torch
from torch import nn

from crossres.methods.shared.networks.vdsr import VDSR, ChannelAttention


def test_channel_attention_by_hand() -> None:
    layer, maps = ChannelAttention(32), torch.randn(2, 32, 5, 4)
    means = maps.mean((2, 3)).numpy()
    weights = [p.detach().numpy() for p in layer.parameters()]
    assert [w.shape[:2] for w in weights] == [(2, 32), (2,), (32, 2), (32,)]
    few = np.maximum(means @ weights[0][:, :, 0, 0].T + weights[1], 0)
    gates = 1 / (1 + np.exp(-(few @ weights[2][:, :, 0, 0].T + weights[3])))
    expected = maps.numpy() * gates[:, :, None, None]
    assert np.allclose(layer(maps).detach().numpy(), expected, atol=1e-6)


def test_vdsr_has_twenty_layers_and_adds_its_input() -> None:
    network = VDSR()
    kernels = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    assert [m.out_channels for m in kernels] == [64] * 19 + [3]
    assert all(m.bias is None for m in kernels)
    attention = 64 * 4 + 4 + 4 * 64 + 64
    assert sum(p.numel() for p in network.parameters()) == 2 * 27 * 64 + 18 * (
        9 * 64**2 + attention
    )
    images = torch.rand(1, 3, 9, 6)
    assert not torch.equal(network(images), images)
    nn.init.zeros_(kernels[-1].weight)
    assert torch.equal(network(images), images)
