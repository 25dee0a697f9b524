"""CLIP-ReID's released files of its other image encoder, the ResNet-50 of CLIP.

Its last stage does not halve the map. The feature that the authors compare is the mean of the last
map and, beside it, what CLIP's attention pools of it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from crossres.methods.shared.networks.clip_reid import LEFT_OUT as LEFT_OUT
from crossres.methods.shared.networks.optional_libraries import timm
from crossres.methods.shared.networks.overlapping_vit import with_positions
from crossres.methods.shared.networks.pretrained_base import PretrainedNetwork
from crossres.methods.shared.tensors import MEAN, STD

STRIDE = 16  # of the last map
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
        (r"attnpool\.positional_embedding$", "head.pos_embed"),
        (r"attnpool\.([qkv])_proj\.", r"head.\1."),
        (r"attnpool\.c_proj\.", "head.proj."),
    )
)
_STAGE = re.compile(r"^stages\.(\d)")
_POSITIONS = "head.pos_embed"


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
            _RESNET, num_classes=spec.projected, blocks=blocks, img_size=size or images
        )
        super().__init__(network, size, MEAN, STD)
        self.spec = spec

    def maps(self, images: Tensor) -> Tensor:
        network: Any = self.network
        last: Tensor = network.forward_features(self.scaled(images))
        return last

    def own(self, images: Tensor) -> Tensor:
        network: Any = self.network
        maps = self.maps(images)
        return torch.cat([maps.mean((2, 3)), network.head(maps)], 1)


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
    head: Any = network.network.head
    whole = {**fitting, _POSITIONS: fitting[_POSITIONS][None]}
    resampled = with_positions(whole, _POSITIONS, [network.spec.size], STRIDE, head.feat_size)
    return {**resampled, _POSITIONS: resampled[_POSITIONS][0]}


def _renamed(name: str) -> str:
    for pattern, replacement in _RENAMED:
        name = pattern.sub(replacement, name)
    return _STAGE.sub(lambda stage: f"stages.{int(stage[1]) - 1}", name)
