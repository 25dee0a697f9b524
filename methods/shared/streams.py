"""The three kinds of image that methods with synthetic LR images learn from, of one batch."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from methods.shared.loop import Iteration
from methods.shared.pixels import to_tensor


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
    """The batch of an iteration, its HR images down-sampled by each of `rates`."""
    images, labels = to_tensor(now.batch.images(), device), now.labels(device)
    hr = torch.from_numpy(now.batch.hr).to(device)
    lr = torch.from_numpy(np.delete(np.arange(len(labels)), now.batch.hr)).to(device)
    made = now.batch.versions(rates)
    low = to_tensor(made.reshape(-1, *made.shape[2:]), device)
    high, count = images[hr], len(rates)
    known = (labels[hr], labels[hr].repeat(count), labels[lr])
    return Streams(high, low, high.repeat(count, 1, 1, 1), images[lr], known)
