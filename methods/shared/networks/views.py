"""LR views of images at the input size, where their native grid is no longer known.

A down-sampling rate of the native grid is another factor here; it is found by comparing.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossres.methods.interface.training_data import TrainSet
from crossres.methods.shared.tensors import to_tensor

FACTORS = tuple(step / 4 for step in range(4, 49))  # 1 to 12
ENOUGH = 64  # HR images to compare


def coarsened(images: Tensor, factor: float) -> Tensor:
    """Down-sample (B, 3, H, W) by `factor` with antialiasing and bring it back, bilinearly."""
    size = images.shape[2:]
    coarse = [max(1, round(side / factor)) for side in size]
    small = F.interpolate(images, coarse, mode="bilinear", antialias=True)
    return F.interpolate(small, size, mode="bilinear")


class LowViews(nn.Module):
    """For each rate, the factor that turns HR training images into their variants of this rate."""

    factors: Tensor

    def __init__(self, rates: tuple[int, ...]) -> None:
        super().__init__()
        self.rates = rates
        self.register_buffer("factors", torch.tensor(rates, dtype=torch.float32))

    def fit(self, train: TrainSet) -> None:
        """Take the factor of least squared error on some HR images; without any, the rate."""
        if len(train.hr) == 0:
            return
        rows, device = np.arange(0, len(train.hr), -(-len(train.hr) // ENOUGH)), self.factors.device
        high = to_tensor(train.images[train.hr[rows]], device)
        views = [coarsened(high, factor) for factor in FACTORS]
        for j, rate in enumerate(self.rates):
            low = to_tensor(train.variants[rate][rows], device)
            errors = [float(F.mse_loss(view, low)) for view in views]
            self.factors[j] = FACTORS[int(np.argmin(errors))]

    def forward(self, images: Tensor, rate: int) -> Tensor:
        """Show images (B, 3, H, W) as if down-sampled by one of the rates."""
        return coarsened(images, float(self.factors[self.rates.index(rate)]))
