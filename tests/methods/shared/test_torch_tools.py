"""Seeds, devices, arrays of a module and the digest of where a training starts."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from crossres.datasets import InputError
from crossres.methods.shared.torch_tools import (
    load_arrays,
    module_arrays,
    resolve_device,
    seeded,
    start_digest,
)


def test_seeded_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    with seeded(3):
        first = torch.rand(2)
    with seeded(3):
        assert torch.equal(first, torch.rand(2))
    assert torch.equal(before, torch.random.get_rng_state())


def test_unknown_devices_are_refused() -> None:
    with pytest.raises(InputError, match="unknown device"):
        resolve_device("abacus")
    assert resolve_device("auto").type in ("cpu", "cuda")


def test_a_start_is_told_by_signs_and_not_by_last_bits_or_names() -> None:
    with seeded(1):
        first = nn.ModuleDict({"a": nn.Linear(9, 40), "b": nn.Conv2d(3, 8, 3)})
    with seeded(2):
        second = nn.ModuleDict({"a": nn.Linear(9, 40), "b": nn.Conv2d(3, 8, 3)})
    renamed = nn.ModuleDict({"z": first["b"], "y": first["a"]})
    assert start_digest(first) == start_digest(renamed)
    assert start_digest(first) != start_digest(second)
    with torch.no_grad():
        for parameter in first.parameters():
            parameter.mul_(1 + 1e-6)
    assert start_digest(first) == start_digest(renamed)
    with torch.no_grad():
        first["a"].weight[0, 0] *= -1
    assert start_digest(first) != start_digest(second)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.pop("bias"), "bias is missing"),
        (lambda a: a.update(more=a["bias"]), "more belongs to another network"),
        (lambda a: a.update(bias=a["bias"][:1]), r"bias is \(1,\), not \(2,\)"),
    ],
)
def test_saved_weights_that_do_not_fit_are_named(
    change: Callable[[dict[str, Any]], object], message: str
) -> None:
    module = torch.nn.Linear(2, 2)
    arrays = module_arrays(module)
    change(arrays)
    with pytest.raises(InputError, match=f"do not fit the method's options: {message}"):
        load_arrays(module, arrays)
