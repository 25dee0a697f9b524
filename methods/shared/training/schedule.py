"""How long a network trains, how its learning rate goes, and its optimiser."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from crossres.datasets.base.suggest import unknown
from crossres.methods.interface.options import resolve
from crossres.methods.shared.training.sampling import BatchSpec, batches_per_epoch


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
        """Return the number of iterations of the whole training."""
        return self.iterations or self.epochs * batches_per_epoch(labels, self.batch)


def train_spec(table: dict[str, Any]) -> TrainSpec:
    """Check the `train` table of a profile. Raises InputError."""
    names = [field.name for field in fields(TrainSpec)]
    unknown_names = sorted(set(table) - set(names))
    if unknown_names:
        raise unknown("entry", unknown_names[0], names, "train of the profile")
    spec: TrainSpec = resolve("(train of the profile)", TrainSpec, table)
    return spec


def rate_factor(step: int, total: int, drop_at: float, drop: float, warmup: float = 0.0) -> float:
    """Return the factor of a learning rate in iteration `step` (from 0) of `total`."""
    elapsed = step / total
    growing = min(1.0, (step + 1) / (warmup * total)) if warmup > 0 else 1.0
    return growing * (drop if elapsed >= drop_at else 1.0)


def make_optimiser(
    kind: str,
    parameters: Iterable[nn.Parameter],
    rate: float,
    weight_decay: float,
    nesterov: bool = False,
) -> Optimizer:
    """Make an optimiser, "adam", "adamw" or "sgd" (momentum 0.9), that updates in one kernel."""
    if kind == "sgd":
        return SGD(parameters, rate, 0.9, 0, weight_decay, nesterov, fused=True)
    chosen = AdamW if kind == "adamw" else Adam
    return chosen(parameters, rate, weight_decay=weight_decay, fused=True)


def set_rate(optimiser: Optimizer, rate: float) -> None:
    """Use this learning rate from the next step on."""
    for group in optimiser.param_groups:
        group["lr"] = rate
