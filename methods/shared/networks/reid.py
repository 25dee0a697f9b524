"""The part-based re-ID network of paper Figure 4, its loss and the options both depend on.

Backbone, average pooling into horizontal parts, one identity classifier a part.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossres.methods.shared.losses.reid import batch_hard_triplet, smoothed_cross_entropy
from crossres.methods.shared.reid_options import Head, ReidOptions


class ReidNetwork(nn.Module):
    """Image (B, 3, H, W), normalised -> features of the parts (P, B, D) and logits (P, B, C)."""

    def __init__(
        self, backbone: tuple[nn.Module, int], classes: int, parts: int, head: Head, width: int
    ) -> None:
        super().__init__()
        self.trunk, channels = backbone
        self.parts, self.head = parts, head
        self.size = width if head == "pcb" else channels
        if head == "pcb":
            self.reduce = nn.Parameter(torch.empty(parts, channels, width))
            nn.init.kaiming_normal_(self.reduce.view(-1, width), mode="fan_out")
        if head != "none":
            self.norm = nn.BatchNorm1d(parts * self.size)
        self.weight = nn.Parameter(torch.randn(parts, self.size, classes) * self.size**-0.5)
        self.bias = nn.Parameter(torch.zeros(parts, 1, classes))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The features of Eq. 6 (before any batch normalisation) and the logits behind Eq. 8."""
        return self.of_maps(self.trunk(images))

    def of_maps(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """`forward` of images whose maps (B, channels, h, w) the trunk has made already."""
        features, classified = self._both(maps)
        return features, torch.baddbmm(self.bias, classified, self.weight)

    def features(self, images: Tensor) -> Tensor:
        """The test feature f_i of Eq. 6, the parts one after another: (B, P * D)."""
        return self.features_of_maps(self.trunk(images))

    def features_of_maps(self, maps: Tensor) -> Tensor:
        """`features` of images whose maps (B, channels, h, w) the trunk has made already."""
        return self._both(maps)[1].transpose(0, 1).flatten(1)

    def _both(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """The part features that the triplet loss sees, and those the classifier and test see."""
        pooled = stripes(maps, self.parts)
        if self.head == "none":
            return pooled, pooled
        if self.head == "pcb":
            reduced = F.relu(self._normalised(torch.bmm(pooled, self.reduce)))
            return reduced, reduced
        return pooled, self._normalised(pooled)

    def _normalised(self, features: Tensor) -> Tensor:
        parts, count, size = features.shape
        flat = self.norm(features.transpose(0, 1).reshape(count, parts * size))
        normalised: Tensor = flat.view(count, parts, size).transpose(0, 1)
        return normalised


def stripes(maps: Tensor, parts: int) -> Tensor:
    """Average pooling of (B, D, h, w) into `parts` horizontal parts: (parts, B, D).

    Part k covers the rows floor(k h / parts) to ceil((k + 1) h / parts).
    """
    height = maps.shape[2]
    rows = maps.mean(3)
    pooled = [
        rows[:, :, k * height // parts : -(-(k + 1) * height // parts)].mean(2)
        for k in range(parts)
    ]
    return torch.stack(pooled)


def part_loss(features: Tensor, logits: Tensor, labels: Tensor, options: ReidOptions) -> Tensor:
    """L_ReID of one network, Eq. 13: the smoothed cross-entropy plus the batch-hard triplet."""
    compared = F.normalize(features, dim=2) if options.triplet_normalise else features
    return smoothed_cross_entropy(logits, labels, options.label_smoothing) + batch_hard_triplet(
        compared, labels, options.margin
    )


def joined(features: list[Tensor], options: ReidOptions) -> Tensor:
    """The embedding f of Eq. 5: the features of the networks side by side, normalised as asked."""
    if options.test_normalise == "network":
        features = [F.normalize(feature, dim=1) for feature in features]
    whole = torch.cat(features, dim=1)
    return F.normalize(whole, dim=1) if options.test_normalise == "whole" else whole
