"""How networks compute: every method obeys the profile, and results stay near those of float32."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from crossres.datasets import InputError
from crossres.methods import Method, Profile
from crossres.methods.interface.conformance import example_images, example_train_set, small_profile
from crossres.methods.interface.profile import Computing
from crossres.methods.interface.registry import METHODS, method_class
from crossres.methods.interface.run import Run
from crossres.methods.shared.computing import matrix_products, place
from tests.methods.mean_method import Mean

CPU = torch.device("cpu")
CLASSICAL = ("judea", "sdf", "sld2l")
BF16, CONTIGUOUS = {"precision": "bf16"}, {"memory_format": "contiguous"}


def profile_of(method: str, told: dict[str, Any]) -> Profile:
    profile = small_profile(method)
    return replace(profile, train={**profile.train, **told})


def trained(method: str, told: dict[str, Any]) -> Method:
    profile = profile_of(method, told)
    fitted: Any = method_class(method)(profile)
    fitted.fit(example_train_set(profile), Run(0))
    return fitted


def embedded(method: str, told: dict[str, Any], weights: dict[str, Any]) -> Any:
    profile = profile_of(method, told)
    loaded = method_class(method)(profile)
    loaded.restore(weights)
    return loaded.embed(example_images(7, profile, "test"))


@pytest.mark.parametrize("method", sorted({*METHODS} - {*CLASSICAL}))
def test_every_method_with_a_network_trains_and_tests_in_bf16(method: str) -> None:
    plain, told = trained(method, {}), trained(method, BF16)
    weights = told.arrays()
    assert {array.dtype for array in weights.values()} <= {np.dtype("f4"), np.dtype("i8")}
    if method != "frozen":  # which is not trained
        assert told.parameters_digest() != plain.parameters_digest()  # its training obeys
    embeddings = embedded(method, {}, weights), embedded(method, BF16, weights)
    assert embeddings[1].dtype == np.float32
    error = np.abs(embeddings[0] - embeddings[1]).max() / np.abs(embeddings[0]).max()
    assert 0 < error < 0.03  # so does its test; a number of bf16 has eight bits


@pytest.mark.parametrize("method", CLASSICAL)
def test_classical_methods_compute_as_ever(method: str) -> None:
    plain, told = trained(method, {}), trained(method, BF16)
    assert told.parameters_digest() == plain.parameters_digest()


def test_contiguous_memory_gives_nearly_the_same_embeddings() -> None:
    weights = trained("msifla", CONTIGUOUS).arrays()
    expected = embedded("msifla", {}, weights)
    np.testing.assert_allclose(embedded("msifla", CONTIGUOUS, weights), expected, atol=1e-5)


class Layered(nn.Module):
    """A convolution in a network in a network, which notes what enters and leaves it."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(3, 4, 3))
        self.seen: list[Tensor] = []

    def forward(self, images: Tensor) -> list[Tensor]:
        maps: Tensor = self.inner(images)
        self.seen += [images, maps]
        return [maps, maps.mean((2, 3))]


def test_maps_are_bf16_inside_and_float32_outside() -> None:
    network, images = Layered(), torch.rand(2, 3, 8, 8)
    place(network, CPU, Computing(precision="bf16"))
    outputs = network(images)
    assert network.seen[1].dtype == torch.bfloat16
    assert [output.dtype for output in outputs] == [torch.float32] * 2
    assert network.inner(images).dtype == torch.float32  # by another door
    assert not torch.is_autocast_enabled("cpu")
    outputs[1].sum().backward()
    assert network.inner[0].weight.grad.dtype == torch.float32


@pytest.mark.parametrize(
    ("width", "stride", "padding", "is_bf16"),
    [
        (2, 2, 1, False),
        (3, 2, 0, False),
        (4, 2, "valid", False),
        (3, 2, 1, True),
        (5, 2, 0, True),
        (2, 1, 1, True),
        (3, 1, "valid", True),
    ],
)
def test_maps_of_one_column_are_computed_in_float32(
    width: int, stride: int, padding: Any, is_bf16: bool
) -> None:
    # Else a kernel for AMX reads what other computations have left in memory.
    convolution, seen = nn.Conv2d(16, 32, 3, stride, padding), list[torch.dtype]()
    convolution.register_forward_hook(lambda _, __, maps: seen.append(maps.dtype))
    network = nn.Sequential(convolution)
    place(network, CPU, Computing(precision="bf16"))
    images = torch.rand(2, 16, 8, width)
    expected = torch.conv2d(images, convolution.weight, convolution.bias, stride, padding)
    for _ in range(3):
        for size in range(4, 20):
            torch.full((1 << size,), torch.nan)
        torch.testing.assert_close(network(images), expected, atol=0.02, rtol=0.02)
    assert set(seen) == {torch.bfloat16 if is_bf16 else torch.float32}


@pytest.mark.parametrize("memory_format", ["channels_last", "contiguous"])
def test_images_maps_and_weights_lie_in_memory_as_asked(memory_format: Any) -> None:
    network, images = Layered(), torch.rand(2, 3, 8, 8).to(memory_format=torch.channels_last)
    place(network, CPU, Computing(memory_format=memory_format))
    network(images)
    expected = memory_format == "contiguous"
    for tensor in (*network.seen, network.inner[0].weight):
        assert tensor.is_contiguous() is expected


def test_by_default_networks_are_left_as_they_are() -> None:
    network = Layered()
    place(network, CPU, Computing())
    assert all("forward" not in vars(module) for module in network.modules())


def test_a_compiled_method_saves_weights_that_any_other_loads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled = []

    def compile_(forward: Any) -> Any:
        # The backend "eager" needs no compiler: what is traced is run as it is.
        traced = torch_compile(forward, backend="eager")
        return lambda *inputs: compiled.append(forward) or traced(*inputs)

    torch_compile = torch.compile
    monkeypatch.setattr(torch, "compile", compile_)
    told = trained("plain", {"compile": True})
    assert len(compiled) > 3  # the trial, and each iteration
    monkeypatch.undo()
    assert list(told.arrays()) == list(trained("plain", {}).arrays())
    profile = profile_of("plain", {})
    expected = told.embed(example_images(7, profile, "test"))
    np.testing.assert_allclose(embedded("plain", {}, told.arrays()), expected, atol=1e-5)


def test_a_machine_without_a_compiler_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: Tensor) -> Tensor:
        raise RuntimeError("No working C++ compiler\nSet a variable for more")

    monkeypatch.setattr(torch, "compile", lambda _: fails)
    with pytest.raises(
        InputError, match=r"fails .* \(No working C\+\+ compiler\); install"
    ) as caught:
        place(Layered(), CPU, Computing(compile=True))
    assert "\n" not in str(caught.value)


def test_tf32_is_of_gpus() -> None:
    with pytest.raises(InputError, match='precision = "tf32" is there on a GPU only'):
        trained("plain", {"precision": "tf32"})


@pytest.mark.parametrize("precision", ["float32", "tf32", "bf16"])
def test_the_precision_of_products_is_put_back(precision: Any) -> None:
    settings = partial(
        lambda cuda, cudnn: (cuda.matmul.allow_tf32, cudnn.allow_tf32),
        torch.backends.cuda,
        torch.backends.cudnn,
    )
    before = settings()
    with matrix_products(precision):
        assert settings() == ((True, True) if precision == "tf32" else before)
    assert settings() == before


def test_a_method_that_would_ignore_it_is_refused() -> None:
    with pytest.raises(InputError, match=r"does not know precision, compile; leave that out"):
        Mean(profile_of("plain", {**BF16, "compile": True}))
    Mean(profile_of("plain", {"precision": "float32", "compile": False}))
