"""HRNet-ReID of PS-HRNet: a trunk with feature maps of four scales, each pooled to its own grid."""

from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossres.datasets.base.errors import InputError
from crossres.methods.interface.profile import BackboneSpec
from crossres.methods.shared.losses.reid import batch_hard_triplet, smoothed_cross_entropy
from crossres.methods.shared.networks.backbones import (
    build_backbone,
    stage_channels,
    stages,
)
from crossres.methods.shared.networks.timm_trunks import hrnet_w32
from crossres.methods.shared.reid_options import ReidOptions

Trunk = Literal["hrnet_w32", "profile"]
Branches = tuple[nn.Module, tuple[int, ...]]
GRIDS = ((4, 0.5), (2, 0.2), (2, 0.2), (1, 0.2))  # the side of each grid, and lambda of `pooled`
BRANCHES = len(GRIDS)


class Stages(nn.Module):
    """The trunk of a profile as one with four maps: the last four of its stem and stages.

    The deepest comes first and gets the finest grid: in HRNet the finest map is as deep as the
    others, in a ResNet it is the shallowest, which knows little of a person.
    """

    def __init__(self, trunk: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, images: Tensor) -> list[Tensor]:
        return stages(self.trunk, images)[-BRANCHES:][::-1]


def build_branches(
    trunk: Trunk, spec: BackboneSpec, weights_dir: Path | None, pretrained: bool
) -> Branches:
    """Build a trunk from images to four maps; return it and the channels of the maps."""
    if trunk == "hrnet_w32":
        return hrnet_w32(weights_dir, pretrained and spec.weights == "imagenet")
    if spec.name.startswith("vit") or (
        spec.name == "resnet-small" and len(spec.blocks) not in (3, 4)
    ):
        raise InputError(
            f"profile: backbone {spec.name} has no four maps to pool; "
            'give it three or four blocks, or use option trunk = "hrnet_w32"'
        )
    channels = stage_channels(spec)[-BRANCHES:][::-1]
    return Stages(build_backbone(spec, weights_dir, pretrained)[0]), channels


def pooled(maps: Tensor, side: int, share: float) -> Tensor:
    """Pool maps (B, D, h, w) to (B, D side^2): mean + share * maximum in each cell of a grid.

    The cells are those of adaptive pooling, whose gradient on a GPU is not repeatable.
    """
    cells = [
        block.mean((2, 3)) + share * block.amax((2, 3))
        for row in _cut(maps, side, 2)
        for block in _cut(row, side, 3)
    ]
    return torch.stack(cells, 2).flatten(1)


def _cut(maps: Tensor, count: int, axis: int) -> list[Tensor]:
    size = maps.shape[axis]
    bounds = [(k * size // count, -(-(k + 1) * size // count)) for k in range(count)]
    return [maps.narrow(axis, start, end - start) for start, end in bounds]


class MultiScaleReid(nn.Module):
    """Images (B, 3, H, W), normalised -> five vectors and logits (B, C).

    The vectors are the pooled maps, one after another, and each of them alone; a linear layer to
    `width`, batch normalisation and dropout lie between the first one and the classifier.
    """

    def __init__(self, branches: Branches, classes: int, width: int, dropout: float) -> None:
        super().__init__()
        self.trunk, channels = branches
        size = sum(c * side**2 for c, (side, _) in zip(channels, GRIDS, strict=True))
        self.reduce, self.norm = nn.Linear(size, width), nn.BatchNorm1d(width)
        self.dropout, self.classify = nn.Dropout(dropout), nn.Linear(width, classes)
        nn.init.kaiming_normal_(self.reduce.weight, mode="fan_out")
        nn.init.normal_(self.classify.weight, std=0.001)
        nn.init.zeros_(self.reduce.bias)

    def vectors(self, images: Tensor) -> list[Tensor]:
        """Return the concatenation of the pooled maps, then each of them, (B, .)."""
        scales = [pooled(m, *grid) for m, grid in zip(self.trunk(images), GRIDS, strict=True)]
        return [torch.cat(scales, 1), *scales]

    def forward(self, images: Tensor) -> tuple[list[Tensor], Tensor]:
        vectors = self.vectors(images)
        return vectors, self.classify(self.dropout(self.norm(self.reduce(vectors[0]))))

    def features(self, images: Tensor) -> Tensor:
        """Return the test feature (B, .): the concatenation, and what the classifier sees of it."""
        vector = self.vectors(images)[0]
        return torch.cat([vector, self.norm(self.reduce(vector))], 1)


def identity_loss(
    vectors: list[Tensor], logits: Tensor, labels: Tensor, options: ReidOptions, ce_weight: float
) -> Tensor:
    """Return ce_weight * L_LSR + the mean batch-hard triplet loss of all vectors; labels (B,)."""
    ce = smoothed_cross_entropy(logits[None], labels, options.label_smoothing)
    compared = [F.normalize(v, dim=1) for v in vectors] if options.triplet_normalise else vectors
    triplets = [batch_hard_triplet(v[None], labels, options.margin) for v in compared]
    return ce_weight * ce + torch.stack(triplets).mean()
