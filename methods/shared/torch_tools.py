"""Tools for torch: seeds, devices, and the arrays of a module.

Nothing here changes torch's global random state or keeps its global settings changed.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from crossres.datasets.base.errors import InputError

SIGNS = 256  # more would find no other start, and sooner one too small to have a sure sign


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Start torch's global CPU generator at `seed` inside, and restore its state afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(seed)
        yield


@contextmanager
def repeatable() -> Iterator[None]:
    """Let cuDNN use only repeatable kernels inside, chosen without timing them."""
    cudnn = torch.backends.cudnn
    before = (cudnn.deterministic, cudnn.benchmark)
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before


def resolve_device(name: str) -> torch.device:
    """Return the device "cpu", "cuda", "cuda:1", ... or the best one for "auto".

    Raises InputError, which lists the devices of this machine, for one that it lacks.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    devices = ["cpu", *(f"cuda:{index}" for index in range(gpus))]
    if torch.backends.mps.is_available():
        devices.append("mps")
    if name == "auto":
        name = "cuda" if gpus else "cpu"
    if name in devices or (name == "cuda" and gpus):
        return torch.device(name)
    listing = f"here: {', '.join(devices)}"
    if not name.startswith("cuda"):
        raise InputError(f"unknown device {name!r}; {listing}, or auto")
    if gpus:
        raise InputError(f"no device {name!r} {listing}, or auto")
    raise InputError(
        f"the profile or --device asks for device {name!r} and torch finds no GPU {listing}; "
        "use a profile for the CPU (quick) or --device cpu, or install torch with CUDA"
    )


def module_arrays(module: nn.Module) -> dict[str, NDArray[Any]]:
    """Return the state of a module, by name, as contiguous arrays on the CPU."""
    state: Mapping[str, Tensor] = module.state_dict()
    return {name: value.detach().cpu().contiguous().numpy() for name, value in state.items()}


def load_arrays(module: nn.Module, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Load what `module_arrays` returned. Raises InputError when a name or a shape does not fit."""
    state = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        misfit = _misfit(module, state)
        raise InputError(f"saved weights do not fit the method's options: {misfit}") from error


def _misfit(module: nn.Module, state: Mapping[str, Tensor]) -> str:
    """Name the first name or shape in which a state is not that of a module."""
    expected = module.state_dict()
    for name in sorted(expected.keys() | state.keys()):
        if name not in state:
            return f"{name} is missing"
        if name not in expected:
            return f"{name} belongs to another network"
        if expected[name].shape != state[name].shape:
            return f"{name} is {tuple(state[name].shape)}, not {tuple(expected[name].shape)}"
    return "they are of another type"


def start_digest(module: nn.Module) -> str:
    """Return the SHA-256 (hex) over the signs of the first SIGNS numbers of each parameter.

    The signs, not the numbers, whose last bits differ between kinds of CPU; sorted, so that names
    and order of the parameters do not matter.
    """
    firsts = [parameter.detach().flatten()[:SIGNS].cpu() for parameter in module.parameters()]
    signs = sorted(torch.sign(first).to(torch.int8).numpy().tobytes() for first in firsts)
    return hashlib.sha256(b"|".join(signs)).hexdigest()


def trainable_count(module: nn.Module) -> int:
    """Count the numbers that training adjusts."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def device_of(module: nn.Module) -> torch.device:
    """Return the device of a module's parameters."""
    return next(module.parameters()).device
