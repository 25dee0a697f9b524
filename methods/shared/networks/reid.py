"""The part-based re-ID network of paper Figure 4, its loss and its test feature.

Backbone, average pooling into horizontal parts, one identity classifier a part.
"""

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossres.methods.shared.losses.reid import batch_hard_triplet, smoothed_cross_entropy
from crossres.methods.shared.reid_options import Head, Normalise, ReidOptions


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
        """Return the features of Eq. 6 (before batch normalisation) and the logits behind Eq. 8."""
        return self.of_maps(self.trunk(images))

    def of_maps(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Do what `forward` does, from the trunk's maps (B, channels, h, w) of the images."""
        features, classified = self._both(maps)
        return features, torch.baddbmm(self.bias, classified, self.weight)

    def features(self, images: Tensor) -> Tensor:
        """Return the test feature f_i of Eq. 6, the parts one after another: (B, P * D)."""
        return self.features_of_maps(self.trunk(images))

    def features_of_maps(self, maps: Tensor) -> Tensor:
        """Do what `features` does, from the trunk's maps (B, channels, h, w) of the images."""
        return self._both(maps)[1].transpose(0, 1).flatten(1)

    def _both(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Return the part features of the triplet loss, and those of classifier and test."""
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
    """Average (B, D, h, w) over `parts` horizontal parts: (parts, B, D).

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
    """Return L_ReID of Eq. 13: the smoothed cross-entropy plus the batch-hard triplet loss."""
    compared = F.normalize(features, dim=2) if options.triplet_normalise else features
    return smoothed_cross_entropy(logits, labels, options.label_smoothing) + batch_hard_triplet(
        compared, labels, options.margin, options.hardest
    )


class Normalised(Protocol):
    """Options that say how embeddings are normalised."""

    @property
    def test_normalise(self) -> Normalise:
        """What is brought to length 1: the feature of each network, the whole one, or nothing."""


def joined(features: list[Tensor], options: Normalised) -> Tensor:
    """Return the embedding f of Eq. 5: the networks' features side by side, normalised as asked."""
    if options.test_normalise == "network":
        features = [F.normalize(feature, dim=1) for feature in features]
    embedding = torch.cat(features, dim=1)
    return F.normalize(embedding, dim=1) if options.test_normalise == "whole" else embedding
