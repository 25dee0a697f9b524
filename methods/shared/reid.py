"""The part-based re-ID network of paper Figure 4, its loss and the options both depend on.

Backbone, average pooling into horizontal parts, one identity classifier a part.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from methods.shared.losses import batch_hard_triplet, smoothed_cross_entropy

Head = Literal["none", "pcb", "bnneck"]


@dataclass(frozen=True)
class ReidOptions:
    """Options of a re-ID network, its training and its test; docs/msifla.md argues each default.

    parts: horizontal parts of the feature map (4 in the paper).
    part_head: what follows the pooling of a part. "none": its mean is the feature; "pcb": a linear
        layer to part_width, batch normalisation, ReLU; "bnneck": batch normalisation between the
        feature of the triplet loss and that of the classifier and of the test.
    label_smoothing: e of Eq. 10. margin: m of Eq. 12.
    triplet_normalise: L2-normalise part features before Eq. 12.
    test_normalise: L2-normalise the feature of each re-ID network, the whole one, or nothing.
    embed_flip: add the feature of the mirrored image at test.
    optimiser; reid_lr; reid_weight_decay: of the re-ID networks (SGD has momentum 0.9).
    lr_drop_at, lr_drop: after this share of the schedule all rates are multiplied by lr_drop.
    reid_warmup: the share of the schedule over which reid_lr grows linearly from zero.
    flip: probability of mirroring a training image, its LR variants with it.
    crop: zero padding in pixels, followed by a random crop, the same for an image and its variants.
    erase: probability of erasing a random rectangle from what a re-ID network sees.
    """

    parts: int = 4
    part_head: Head = "none"
    part_width: int = 256
    label_smoothing: float = 0.1
    margin: float = 0.5
    triplet_normalise: bool = False
    test_normalise: Literal["network", "whole", "none"] = "network"
    embed_flip: bool = False
    optimiser: Literal["adam", "adamw", "sgd"] = "adam"
    reid_lr: float = 3e-4
    reid_weight_decay: float = 5e-4
    lr_drop_at: float = 0.5
    lr_drop: float = 0.1
    reid_warmup: float = 0.0
    flip: float = 0.5
    crop: int = 0
    erase: float = 0.0

    def __post_init__(self) -> None:
        shares = ("label_smoothing", "lr_drop_at", "reid_warmup", "flip", "erase")
        for name in shares:
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"option {name} must lie between 0 and 1")
        if self.parts < 1 or self.part_width < 1 or self.crop < 0:
            raise ValueError("options parts and part_width must be at least 1, crop at least 0")
        if min(self.margin, self.reid_weight_decay) < 0 or min(self.reid_lr, self.lr_drop) <= 0:
            raise ValueError("margin and decay must not be negative, rates must be positive")


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
