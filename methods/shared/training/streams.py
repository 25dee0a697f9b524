"""The three kinds of image that methods with synthetic LR images learn from, of one batch."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from crossres.datasets.base.errors import InputError
from crossres.methods.interface.training_data import TrainSet
from crossres.methods.shared.tensors import to_device, to_tensor
from crossres.methods.shared.training.loop import Iteration


def require_variants(method: str, rates: Iterable[int], train: TrainSet) -> None:
    """Raise InputError unless the training set has variants of all `rates`."""
    if missing := sorted(set(rates) - set(train.variants)):
        raise InputError(f"{method} needs the HR images down-sampled by {missing} too")


@dataclass(frozen=True)
class Streams:
    """Images (., 3, H, W) in [0, 1] with their labels.

    high: the n HR images x_h; low: their variants x_{1/r}, rate by rate, V n; target: the x_h of
    each row of `low`; native: the images x_l that are LR to begin with. Any may be empty.
    """

    high: Tensor
    low: Tensor
    target: Tensor
    native: Tensor
    labels: tuple[Tensor, Tensor, Tensor]


def streams(now: Iteration, rates: tuple[int, ...], device: torch.device) -> Streams:
    """Return the batch of an iteration, its HR images down-sampled by each of `rates`."""
    images, labels = to_tensor(now.batch.images(), device), now.labels(device)
    hr = to_device(now.batch.hr, device)
    lr = to_device(np.delete(np.arange(len(labels)), now.batch.hr), device)
    versions = now.batch.versions(rates)
    low = to_tensor(versions.reshape(-1, *versions.shape[2:]), device)
    high, count = images[hr], len(rates)
    stream_labels = (labels[hr], labels[hr].repeat(count), labels[lr])
    return Streams(high, low, high.repeat(count, 1, 1, 1), images[lr], stream_labels)
