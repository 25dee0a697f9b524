"""The IR network's layers and shapes as section 3.2 gives them, and the wiring of the cascade."""

import pytest
import torch
from torch import nn

from crossres.methods.shared.networks.reconstruction import IRNetwork, cascade


def _count(module: nn.Module, kind: type[nn.Module]) -> int:
    return sum(isinstance(part, kind) for part in module.modules())


@pytest.mark.parametrize("layout", ["stride2", "stride1"])
def test_layers_are_those_of_the_paper(layout: str) -> None:
    network = IRNetwork((4, 6), layout)  # type: ignore[arg-type]
    for part in (network.part1, network.part2):
        assert _count(part, nn.Conv2d) == 4
        kernels = {m.kernel_size for m in part.modules() if isinstance(m, nn.Conv2d)}
        assert kernels == {(3, 3)}
    assert _count(network, nn.ConvTranspose2d) == 2
    assert _count(network, nn.BatchNorm2d) == 0
    assert network.last.out_channels == 3


def test_batchnorm_follows_each_convolution_of_the_encoder_when_asked() -> None:
    assert _count(IRNetwork((4, 6), batchnorm=True), nn.BatchNorm2d) == 8


@pytest.mark.parametrize("layout", ["stride2", "stride1"])
@pytest.mark.parametrize("output", ["difference", "direct"])
@pytest.mark.parametrize("size", [(64, 32), (30, 14), (256, 128)])
def test_shape_of_the_reconstruction(layout: str, output: str, size: tuple[int, int]) -> None:
    network = IRNetwork((2, 4), layout, output)  # type: ignore[arg-type]
    images = torch.rand(2, 3, *size)
    assert network(images).shape == images.shape


def test_inner_sizes_of_the_two_readings() -> None:
    images = torch.rand(1, 3, 32, 16)
    halved, full_size = IRNetwork((4, 6), "stride2"), IRNetwork((4, 6), "stride1")
    assert halved.part1(images).shape == (1, 4, 16, 8)
    assert halved.part2(halved.part1(images)).shape == (1, 6, 8, 4)
    assert full_size.part2(full_size.part1(images)).shape == (1, 6, 32, 16)


def test_both_residual_connections_carry_the_signal() -> None:
    """With part two silenced, the image still gets through by the connections around it."""
    network = IRNetwork((4, 6), output="direct")
    images = torch.rand(1, 3, 16, 8)
    for parameter in network.part2.parameters():
        nn.init.zeros_(parameter)
    first = network.part1(images)
    inputs: list[torch.Tensor] = []
    network.deconv1.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    network.deconv2.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    network(images)
    assert torch.allclose(inputs[0], network.between(first))
    up = torch.relu(network.deconv1(network.between(first)) + first)
    assert torch.allclose(inputs[1], up, atol=1e-6)


def test_difference_starts_as_the_identity_and_direct_does_not() -> None:
    images = torch.rand(2, 3, 16, 8)
    assert torch.equal(IRNetwork((4, 6), output="difference")(images), images)
    assert not torch.allclose(IRNetwork((4, 6), output="direct")(images), images, atol=0.05)


def test_difference_is_direct_plus_the_input() -> None:
    difference, direct = IRNetwork((4, 6)), IRNetwork((4, 6), output="direct")
    nn.init.normal_(difference.last.weight)
    direct.load_state_dict(difference.state_dict())
    images = torch.rand(2, 3, 16, 8)
    assert torch.allclose(difference(images), direct(images) + images)


class _Scale(nn.Module):
    """x -> factor * x, so that a chain of them shows in its products."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.factor * x


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_each_network_takes_the_output_of_the_one_before(count: int) -> None:
    networks = nn.ModuleList(_Scale(f) for f in (2.0, 3.0, 5.0, 7.0)[:count])
    outputs = cascade(networks, torch.ones(1))
    assert [o.item() for o in outputs] == [2.0, 6.0, 30.0, 210.0][:count]


@pytest.mark.parametrize("detach", [False, True])
def test_gradient_between_networks_flows_unless_detached(detach: bool) -> None:
    networks = nn.ModuleList(_Scale(f) for f in (2.0, 3.0))
    cascade(networks, torch.ones(1), detach)[1].sum().backward()
    first, second = (network.factor.grad for network in networks)
    assert second is not None
    assert second.item() == 2.0
    assert (first is None) if detach else (first is not None and first.item() == 3.0)
