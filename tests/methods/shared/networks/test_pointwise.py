"""Pointwise convolutions: the same as a stride, without the memory error of AVX2 kernels."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from crossres.benchmark.measures.kernels import kernel_variables
from crossres.methods.shared.networks.pointwise import Pointwise

TRAIN = """
import torch
from crossres.methods.shared.networks.pointwise import Pointwise
torch.set_num_threads(1)
network = Pointwise(4, 8, 2).to(memory_format=torch.channels_last)
for _ in range(200):
    x = torch.rand(40, 4, 32, 16).to(memory_format=torch.channels_last).requires_grad_()
    network(x).square().sum().backward()
"""


@pytest.mark.parametrize(("step", "size"), [(1, (5, 4)), (2, (6, 4)), (2, (7, 5)), (3, (7, 8))])
def test_it_is_a_convolution_with_a_stride(step: int, size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    pointwise = Pointwise(9, 10, step)
    strided = nn.Conv2d(9, 10, 1, step)
    strided.load_state_dict(pointwise.state_dict())
    x = torch.randn(3, 9, *size, generator=generator)
    torch.testing.assert_close(pointwise(x), strided(x))


def test_few_channels_train_with_portable_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (kernel_variables("portable") | {"MALLOC_CHECK_": "3"}).items():
        monkeypatch.setenv(name, value)
    subprocess.run([sys.executable, "-c", TRAIN], check=True)
