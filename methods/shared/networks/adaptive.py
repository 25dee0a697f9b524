"""Recovery branches for several down-sampling factors, and what says how much each one counts."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossres.methods.shared.networks.residual_sr import ResidualSR, conv3


class Recovery(ResidualSR):
    """The R_k: one EDSR body for all, and for each k a head that paints what is added.

    It starts at nothing: untrained branches leave images as they are.
    """

    def __init__(self, width: int, blocks: int, factors: int) -> None:
        super().__init__(width, blocks)
        self.last = conv3(width, 3 * factors)
        nn.init.zeros_(self.last.weight)

    def forward(self, images: Tensor) -> Tensor:
        """Recover images (B, 3, H, W) in [0, 1] by each branch, (K, B, 3, H, W), not clipped."""
        first = F.relu(self.head(images))
        painted: Tensor = self.last(first + self.tail(self.blocks(first)))
        return images + painted.reshape(images.shape[0], -1, *images.shape[1:]).transpose(0, 1)


class Predictor(nn.Sequential):
    """Four convolutions, each halving the image, and the mean over it: -> log P (B, K).

    It starts at the same P for all.
    """

    def __init__(self, width: int, factors: int) -> None:
        layers, inputs = list[nn.Module](), 3
        for outputs in (width, 2 * width, 2 * width, 4 * width):
            conv = nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False)
            layers += [conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
            inputs = outputs
        last = nn.Linear(inputs, factors)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), last, nn.LogSoftmax(1))


def soft_labels(branches: Tensor, fused: Tensor, labels: Tensor, tau: float) -> Tensor:
    """Return q (B, K) from features of branches (P, K, B, D) and of their sum (P, B, D).

    Of images with labels (B,).

    Distances are those of the ranking, between whole features of length 1. Without a positive, or
    without a negative, all branches are off by the same.
    """
    branch_unit = F.normalize(branches.permute(1, 2, 0, 3).flatten(2), dim=2)
    fused_unit = F.normalize(fused.transpose(0, 1).flatten(1), dim=1)
    distances = torch.cdist(branch_unit, fused_unit.expand(len(branch_unit), -1, -1))
    same_identity = labels[:, None] == labels[None, :]
    diagonal = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    positive = distances.masked_fill(~same_identity | diagonal, 0.0).amax(2)
    negative = distances.masked_fill(same_identity, 2.0).amin(2)
    return torch.softmax((negative - positive) / tau, 0).T
