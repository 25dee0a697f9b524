"""OSNet: files of all three forms give the features of a network that is written here."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from crossres.methods.shared.networks.osnet import MODELS
from crossres.methods.shared.networks.released import released_network
from crossres.methods.shared.tensors import normalise
from tests.methods.shared.networks.released_states import (
    State,
    channel_norm,
    conv,
    drawn,
    linear,
    listed,
)


def layer(state: State, name: str, x: Tensor, stride: int = 1) -> Tensor:
    return channel_norm(state, f"{name}.bn", conv(state, f"{name}.conv", x, stride)).relu()


def streams(state: State, block: str) -> list[list[str]]:
    """Return the names of the light convolutions of each stream."""
    if f"{block}.conv2a.conv1.weight" not in state:
        return [
            [f"{block}.conv2.{t}.layers.{k}" for k in range(length)]
            for t, length in enumerate((1, 2, 3, 4))
        ]
    longer = {"conv2b": 2, "conv2c": 3, "conv2d": 4}
    return [
        [f"{block}.conv2a"],
        *([f"{block}.{name}.{k}" for k in range(length)] for name, length in longer.items()),
    ]


def block(state: State, name: str, x: Tensor, *, in_the_residual: bool) -> Tensor:
    reduced = layer(state, f"{name}.conv1", x)
    total = torch.zeros_like(reduced)
    for stream in streams(state, name):
        seen = reduced
        for light in stream:
            seen = conv(state, f"{light}.conv1", seen)
            seen = conv(state, f"{light}.conv2", seen, groups=seen.shape[1])
            seen = channel_norm(state, f"{light}.bn", seen).relu()
        gate = conv(state, f"{name}.gate.fc1", seen.mean((2, 3), keepdim=True)).relu()
        total = total + seen * conv(state, f"{name}.gate.fc2", gate).sigmoid()
    residual = conv(state, f"{name}.conv3.conv", total)
    if f"{name}.conv3.bn.weight" in state:
        residual = channel_norm(state, f"{name}.conv3.bn", residual)
    has_instance = f"{name}.IN.weight" in state
    if has_instance and in_the_residual:
        residual = channel_norm(state, f"{name}.IN", residual)
    if f"{name}.downsample.conv.weight" in state:
        x = channel_norm(state, f"{name}.downsample.bn", conv(state, f"{name}.downsample.conv", x))
    behind = residual + x
    if has_instance and not in_the_residual:
        behind = channel_norm(state, f"{name}.IN", behind)
    return behind.relu()


def last_map(state: State, x: Tensor) -> Tensor:
    is_ain = "pool2.0.conv.weight" in state
    x = F.max_pool2d(layer(state, "conv1", x, stride=2), 3, 2, 1)
    for stage in ("conv2", "conv3", "conv4"):
        for k in (0, 1):
            x = block(state, f"{stage}.{k}", x, in_the_residual=is_ain)
        if stage != "conv4":
            transition = f"pool{stage[-1]}.0" if is_ain else f"{stage}.2.0"
            x = F.avg_pool2d(layer(state, transition, x), 2)
    return layer(state, "conv5", x)


@pytest.mark.parametrize("name", ["osnet_x0_25", "osnet_ibn_x1_0", "osnet_ain_x0_25"])
def test_a_file_gives_the_map_and_the_feature_of_its_network(name: str, tmp_path: Path) -> None:
    state = drawn(listed(f"torchreid:{name}"))
    torch.save(state, tmp_path / f"{name}_market.pth")
    network = released_network(
        f"torchreid:{name}", (), (64, 32), tmp_path, None, is_pretrained=True
    ).eval()
    images = torch.rand(2, 3, 64, 32, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = last_map(state, normalise(images))
        assert expected.shape[2:] == (4, 2)
        assert torch.allclose(network.maps(images), expected, rtol=1e-3, atol=1e-5)
        hidden = linear(state, "fc.0", expected.mean((2, 3)))
        feature = channel_norm(state, "fc.1", hidden[:, :, None, None])[:, :, 0, 0].relu()
        assert feature.std() > 0.1
        assert torch.allclose(network.own(images), feature, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "millions"),
    [("osnet_x1_0", 2.2), ("osnet_x0_75", 1.3), ("osnet_x0_5", 0.6), ("osnet_x0_25", 0.2)],
)
def test_the_sizes_are_those_that_are_published(name: str, millions: float) -> None:
    network = released_network(f"torchreid:{name}", (), (256, 128), None, None, is_pretrained=False)
    count = sum(parameter.numel() for parameter in network.parameters()) / 1e6
    assert round(count, 1) == millions
    assert MODELS[name].size == (256, 128)
