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
    """(B, 3, H, W) in [0, 1] -> (B, 3): log share of the variance of Y that each probe loses."""
    y = luminance(images)
    size = y.shape[2:]
    spread = y.var((1, 2, 3), correction=0) + 1e-6
    lost = []
    for rate in PROBES:
        fewer = [max(1, round(side / rate)) for side in size]
        small = F.interpolate(y, fewer, mode="bilinear", antialias=True)
        back = F.interpolate(small, size, mode="bilinear")
        lost.append(((y - back).square().mean((1, 2, 3)) + 1e-6) / spread)
    return torch.stack(lost, 1).log()


class RateEstimator(nn.Module):
    """A linear function of the lost detail, fitted to the known rates of the training variants."""

    coefficients: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("coefficients", torch.zeros(len(PROBES) + 1))

    def fit(self, train: TrainSet) -> None:
        """Least squares over the HR images and their variants; without any, rates are 0."""
        if len(train.hr) == 0:
            return
        rows = np.arange(0, len(train.hr), -(-len(train.hr) // ENOUGH))
        seen = {1: train.images[train.hr[rows]]}
        seen.update({rate: images[rows] for rate, images in sorted(train.variants.items())})
        device = self.coefficients.device

        def details(batch: Images) -> Tensor:
            return lost_detail(to_tensor(batch, device))

        with torch.inference_mode():
            inputs = torch.cat([in_batches(images, details).cpu() for images in seen.values()])
        wanted = np.repeat(np.array(list(seen), dtype=np.float64), len(rows))
        found = np.linalg.lstsq(_with_constant(inputs).double().numpy(), wanted, rcond=None)[0]
        self.coefficients.copy_(torch.from_numpy(found))

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B,) rates, about 1 for HR; not rounded, not bounded."""
        rates: Tensor = _with_constant(lost_detail(images)) @ self.coefficients
        return rates


def _with_constant(details: Tensor) -> Tensor:
    return F.pad(details, (0, 1), value=1.0)
