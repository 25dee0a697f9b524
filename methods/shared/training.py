"""What every trained network needs: schedule, optimisers, seeds, devices, its arrays.

Nothing here changes torch's global random state or keeps its global settings changed.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from datasets.errors import InputError
from datasets.suggest import unknown
from methods.options import resolve
from methods.shared.sampling import BatchSpec, batches_per_epoch

SIGNS = 256  # more would find no other start, and sooner one too small to have a sure sign


@dataclass(frozen=True)
class TrainSpec:
    """The `train` table of a profile: how long to train, and what a batch is made of."""

    epochs: int = 0
    iterations: int = 0
    identities: int = 5
    hr_images: int = 2
    lr_images: int = 2

    def __post_init__(self) -> None:
        if (self.epochs > 0) == (self.iterations > 0) or min(self.epochs, self.iterations) < 0:
            raise ValueError("give either epochs or iterations, and more than 0 of them")
        if min(self.identities, self.hr_images, self.lr_images) < 1:
            raise ValueError("identities, hr_images and lr_images must be at least 1")

    @property
    def batch(self) -> BatchSpec:
        return BatchSpec(self.identities, self.hr_images, self.lr_images)

    def total(self, labels: NDArray[np.int64]) -> int:
        """The number of iterations of the whole training."""
        return self.iterations or self.epochs * batches_per_epoch(labels, self.batch)


def train_spec(table: dict[str, Any]) -> TrainSpec:
    """The `train` table of a profile, checked. Raises InputError."""
    known = [field.name for field in fields(TrainSpec)]
    others = sorted(set(table) - set(known))
    if others:
        raise unknown("entry", others[0], known, "train of the profile")
    spec: TrainSpec = resolve("(train of the profile)", TrainSpec, table)
    return spec


def rate_factor(step: int, total: int, drop_at: float, drop: float, warmup: float = 0.0) -> float:
    """What a learning rate is multiplied by in iteration `step` of `total` (from 0)."""
    done = step / total
    growing = min(1.0, (step + 1) / (warmup * total)) if warmup > 0 else 1.0
    return growing * (drop if done >= drop_at else 1.0)


def make_optimiser(
    kind: str,
    parameters: Iterable[nn.Parameter],
    rate: float,
    weight_decay: float,
    nesterov: bool = False,
) -> Optimizer:
    """ "adam", "adamw" or "sgd" (momentum 0.9), updating all parameters in one kernel."""
    if kind == "sgd":
        return SGD(parameters, rate, 0.9, 0, weight_decay, nesterov, fused=True)
    chosen = AdamW if kind == "adamw" else Adam
    return chosen(parameters, rate, weight_decay=weight_decay, fused=True)


def set_rate(optimiser: Optimizer, rate: float) -> None:
    """Use this learning rate from the next step on."""
    for group in optimiser.param_groups:
        group["lr"] = rate


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, torch's global CPU generator starts at `seed`; afterwards it is as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(seed)
        yield


@contextmanager
def repeatable() -> Iterator[None]:
    """Inside, cuDNN chooses its kernels without timing them and only repeatable ones."""
    cudnn = torch.backends.cudnn
    before = (cudnn.deterministic, cudnn.benchmark)
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before


def resolve_device(name: str) -> torch.device:
    """ "cpu", "cuda", "cuda:1", ... or "auto". InputError, with those there are, for any other."""
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    there = ["cpu", *(f"cuda:{index}" for index in range(gpus))]
    if torch.backends.mps.is_available():
        there.append("mps")
    if name == "auto":
        name = "cuda" if gpus else "cpu"
    if name in there or (name == "cuda" and gpus):
        return torch.device(name)
    here = f"here: {', '.join(there)}"
    if not name.startswith("cuda"):
        raise InputError(f"unknown device {name!r}; {here}, or auto")
    if gpus:
        raise InputError(f"no device {name!r} {here}, or auto")
    raise InputError(
        f"the profile or --device asks for device {name!r} and torch finds no GPU {here}; "
        "use a profile for the CPU (quick) or --device cpu, or install torch with CUDA"
    )


def module_arrays(module: nn.Module) -> dict[str, NDArray[Any]]:
    """The state of a module, by name, as contiguous arrays on the CPU."""
    state: Mapping[str, Tensor] = module.state_dict()
    return {name: value.detach().cpu().contiguous().numpy() for name, value in state.items()}


def load_arrays(module: nn.Module, arrays: Mapping[str, NDArray[Any]]) -> None:
    """The inverse of `module_arrays`. Raises InputError when a name or a shape does not fit."""
    state = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        what = _misfit(module, state)
        raise InputError(f"saved weights do not fit the method's options: {what}") from error


def _misfit(module: nn.Module, state: Mapping[str, Tensor]) -> str:
    """The first name or shape in which a state is not that of a module."""
    own = module.state_dict()
    for name in sorted(own.keys() | state.keys()):
        if name not in state:
            return f"{name} is missing"
        if name not in own:
            return f"{name} belongs to another network"
        if own[name].shape != state[name].shape:
            return f"{name} is {tuple(state[name].shape)}, not {tuple(own[name].shape)}"
    return "they are of another type"


def start_digest(module: nn.Module) -> str:
    """SHA-256 (hex) over the signs of the first SIGNS numbers of each parameter, in no order.

    So it is the same where random numbers differ in their last bits, as they do between kinds of
    CPU, and whatever the parameters are called.
    """
    firsts = [parameter.detach().flatten()[:SIGNS].cpu() for parameter in module.parameters()]
    signs = sorted(torch.sign(first).to(torch.int8).numpy().tobytes() for first in firsts)
    return hashlib.sha256(b"|".join(signs)).hexdigest()


def trainable_count(module: nn.Module) -> int:
    """How many numbers training adjusts."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def device_of(module: nn.Module) -> torch.device:
    """Where the parameters of a module live."""
    return next(module.parameters()).device
