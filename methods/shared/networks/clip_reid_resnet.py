"""CLIP-ReID's released files of its other image encoder, the ResNet-50 of CLIP.

Its last stage does not halve the map. The feature that the authors compare is the mean of the last
map and, beside it, what CLIP's attention pools of it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossres.methods.shared.networks.clip_reid import LEFT_OUT as LEFT_OUT
from crossres.methods.shared.networks.optional_libraries import timm
from crossres.methods.shared.networks.overlapping_vit import PATCH, Grid, grid_of, with_positions
from crossres.methods.shared.networks.pretrained_base import PretrainedNetwork
from crossres.methods.shared.tensors import MEAN, STD

HEAD = 64  # numbers of a head of the attention
STRIDE = PATCH  # of the last map, which so has a position for each patch
_RESNET = "resnet50_clip"


@dataclass(frozen=True)
class ClipResNetSpec:
    """size: (height, width) of the images that files were trained on. projected: numbers that the
    attention gives. depths, width: of the stages, and of the first of them.
    """

    size: tuple[int, int] = (256, 128)
    projected: int = 1024
    depths: tuple[int, ...] = (3, 4, 6, 3)
    width: int = 256


MODELS = {
    "rn50": ClipResNetSpec(),
    "rn50_vehicle": ClipResNetSpec((256, 256)),
}

# Names in the files and those of timm.
_RENAMED = tuple(
    (re.compile(rf"^image_encoder\.{pattern}"), name)
    for pattern, name in (
        (r"conv([123])\.", r"stem.conv\1.conv."),
        (r"bn([123])\.", r"stem.conv\1.bn."),
        (r"layer(\d)\.(\d+)\.(conv|bn)1\.", r"stages.\1.\2.conv1_1x1.\3."),
        (r"layer(\d)\.(\d+)\.(conv|bn)2\.", r"stages.\1.\2.conv2_kxk.\3."),
        (r"layer(\d)\.(\d+)\.(conv|bn)3\.", r"stages.\1.\2.conv3_1x1.\3."),
        (r"layer(\d)\.(\d+)\.downsample\.0\.", r"stages.\1.\2.shortcut.conv.conv."),
        (r"layer(\d)\.(\d+)\.downsample\.1\.", r"stages.\1.\2.shortcut.conv.bn."),
        (r"attnpool\.", "attention."),
    )
)
_STAGE = re.compile(r"^stages\.(\d)")
_POSITIONS = "attention.positional_embedding"


class AttentionPool(nn.Module):
    """A map (B, D, h, w) -> (B, P): what its mean attends to, by the names of the files.

    timm's own takes maps of one size alone in the versions that are allowed here.
    """

    def __init__(self, size: int, outputs: int, grid: Grid) -> None:
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.empty(1 + grid[0] * grid[1], size))
        nn.init.normal_(self.positional_embedding, std=size**-0.5)
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(size, size) for _ in range(3))
        self.c_proj = nn.Linear(size, outputs)

    def forward(self, maps: Tensor) -> Tensor:
        places = maps.flatten(2).transpose(1, 2)
        tokens = torch.cat([places.mean(1, keepdim=True), places], 1) + self.positional_embedding
        query = self._heads(self.q_proj(tokens[:, :1]))
        keys, values = self._heads(self.k_proj(tokens)), self._heads(self.v_proj(tokens))
        attended = F.scaled_dot_product_attention(query, keys, values)
        pooled: Tensor = self.c_proj(attended.transpose(1, 2).flatten(1))
        return pooled

    @staticmethod
    def _heads(tokens: Tensor) -> Tensor:
        """Divide (B, N, D) among heads: (B, D / HEAD, N, HEAD)."""
        images, count, size = tokens.shape
        return tokens.view(images, count, size // HEAD, HEAD).transpose(1, 2)


class ReleasedClipResNet(PretrainedNetwork):
    """Images -> the last map; its own feature is the authors'."""

    def __init__(
        self, spec: ClipResNetSpec, size: tuple[int, ...], images: tuple[int, int]
    ) -> None:
        library = timm()
        (first, *others) = library.models.byobnet.model_cfgs[_RESNET].blocks
        strides = (first.s, *(block.s for block in others[:-1]), 1)
        blocks = tuple(
            replace(block, d=depth, c=spec.width << stage, s=stride)
            for stage, (block, depth, stride) in enumerate(
                zip((first, *others), spec.depths, strides, strict=True)
            )
        )
        network = library.create_model(
            _RESNET, num_classes=0, blocks=blocks, head_type="classifier"
        )
        grid = grid_of(size or images, STRIDE)
        network.attention = AttentionPool(network.num_features, spec.projected, grid)
        super().__init__(network, size, MEAN, STD)
        self.spec, self.grid = spec, grid

    def maps(self, images: Tensor) -> Tensor:
        network: Any = self.network
        last: Tensor = network.forward_features(self.scaled(images))
        return last

    def own(self, images: Tensor) -> Tensor:
        network: Any = self.network
        maps = self.maps(images)
        return torch.cat([maps.mean((2, 3)), network.attention(maps)], 1)


def build(
    spec: ClipResNetSpec, size: tuple[int, ...], images: tuple[int, int]
) -> ReleasedClipResNet:
    """Build the network for images of one size."""
    return ReleasedClipResNet(spec, size, images)


def renamed(state: Mapping[str, Tensor], network: PretrainedNetwork) -> dict[str, Tensor]:
    """Return the tensors of a file for a network: by timm's names, positions resampled.

    Raises InputError for positions of images of another size.
    """
    assert isinstance(network, ReleasedClipResNet)
    fitting = {_renamed(name): tensor for name, tensor in state.items()}
    if _POSITIONS not in fitting:
        return fitting
    whole = {**fitting, _POSITIONS: fitting[_POSITIONS][None]}
    resampled = with_positions(whole, _POSITIONS, [network.spec.size], STRIDE, network.grid)
    return {**resampled, _POSITIONS: resampled[_POSITIONS][0]}


def _renamed(name: str) -> str:
    for pattern, replacement in _RENAMED:
        name = pattern.sub(replacement, name)
    return _STAGE.sub(lambda stage: f"stages.{int(stage[1]) - 1}", name)
