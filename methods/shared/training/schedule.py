"""How long a network trains, how its learning rate goes, and its optimiser."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from crossres.methods.interface.profile import TrainSpec
from crossres.methods.shared.checkpoints import kept
from crossres.methods.shared.training.sampling import BatchSpec, batches_per_epoch


def batch_spec(spec: TrainSpec) -> BatchSpec:
    """Return what a batch of the training is made of."""
    return BatchSpec(spec.identities, spec.hr_images, spec.lr_images)


def total_iterations(spec: TrainSpec, labels: NDArray[np.int64]) -> int:
    """Return the number of iterations of the whole training on images with these labels (N,)."""
    return spec.iterations or spec.epochs * batches_per_epoch(labels, batch_spec(spec))


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
    """Make an optimiser, "adam", "adamw" or "sgd" (momentum 0.9), that updates in one kernel.

    Checkpoints keep it, and its parameters.
    """
    if kind == "sgd":
        return kept(SGD(parameters, rate, 0.9, 0, weight_decay, nesterov, fused=True))
    chosen = AdamW if kind == "adamw" else Adam
    return kept(chosen(parameters, rate, weight_decay=weight_decay, fused=True))


def set_rate(optimiser: Optimizer, rate: float) -> None:
    """Use this learning rate from the next step on."""
    for group in optimiser.param_groups:
        group["lr"] = rate
