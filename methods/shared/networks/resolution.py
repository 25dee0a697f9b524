"""The down-sampling rate of an image, read from its pixels alone.

What an image loses when it is down-sampled and brought back tells how fine its detail was.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossres.methods.interface.training_data import Images, TrainSet
from crossres.methods.shared.networks.srcnn import luminance
from crossres.methods.shared.tensors import in_batches, to_tensor

PROBES = (2, 3, 4)
ENOUGH = 512  # HR images to learn from; there are four numbers to find


def lost_detail(images: Tensor) -> Tensor:
    """Return the log share of the variance of Y that each probe loses, (B, 3).

    Of images (B, 3, H, W) in [0, 1].
    """
    y = luminance(images)
    size = y.shape[2:]
    spread = y.var((1, 2, 3), correction=0) + 1e-6
    shares = []
    for rate in PROBES:
        coarse = [max(1, round(side / rate)) for side in size]
        small = F.interpolate(y, coarse, mode="bilinear", antialias=True)
        restored = F.interpolate(small, size, mode="bilinear")
        shares.append(((y - restored).square().mean((1, 2, 3)) + 1e-6) / spread)
    return torch.stack(shares, 1).log()


class RateEstimator(nn.Module):
    """A linear function of the lost detail, fitted to the known rates of the training variants."""

    coefficients: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("coefficients", torch.zeros(len(PROBES) + 1))

    def fit(self, train: TrainSet) -> None:
        """Fit by least squares over HR images and their variants; without any, rates are 0."""
        if len(train.hr) == 0:
            return
        rows = np.arange(0, len(train.hr), -(-len(train.hr) // ENOUGH))
        images_of_rate = {1: train.images[train.hr[rows]]}
        images_of_rate.update(
            {rate: images[rows] for rate, images in sorted(train.variants.items())}
        )
        device = self.coefficients.device

        def details(batch: Images) -> Tensor:
            return lost_detail(to_tensor(batch, device))

        with torch.inference_mode():
            inputs = torch.cat(
                [in_batches(images, details).cpu() for images in images_of_rate.values()]
            )
        rates = np.repeat(np.array(list(images_of_rate), dtype=np.float64), len(rows))
        solution = np.linalg.lstsq(_with_constant(inputs).double().numpy(), rates, rcond=None)[0]
        self.coefficients.copy_(torch.from_numpy(solution))

    def forward(self, images: Tensor) -> Tensor:
        """Estimate the rates (B,) of images (B, 3, H, W) in [0, 1].

        About 1 for HR; not rounded, not bounded.
        """
        rates: Tensor = _with_constant(lost_detail(images)) @ self.coefficients
        return rates


def _with_constant(details: Tensor) -> Tensor:
    return F.pad(details, (0, 1), value=1.0)
