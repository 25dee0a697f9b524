"""CLIP-ReID's released files: CLIP's image encoder, ViT-B/16, trained on for re-identification.

"CLIP-ReID: Exploiting Vision-Language Model for Image Re-Identification without Concrete Text
Labels". The feature that its authors compare is the class token behind the last normalisation and,
beside it, its projection to what texts are compared with, both before their normalising necks.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from crossres.methods.shared.networks.overlapping_vit import (
    OverlappingSpec,
    as_map,
    grid_of,
    mean_of_cameras,
    overlapping_vit,
    tokens_of,
    with_positions,
)
from crossres.methods.shared.networks.pretrained_base import PretrainedNetwork

CAMERAS_WEIGHT = 1.0  # of the files with cameras; the code's own default is 3
MEAN = STD = (0.5, 0.5, 0.5)
PERSONS = ((256, 128),)
VEHICLES = ((256, 256),)


@dataclass(frozen=True)
class ClipReidSpec(OverlappingSpec):
    """projected: numbers of the projection."""

    sizes: tuple[tuple[int, int], ...] = PERSONS
    projected: int = 512


MODELS = {
    "vit_b16": ClipReidSpec(16),
    "vit_b16_stride12": ClipReidSpec(12),
    "vit_b16_vehicle": ClipReidSpec(16, VEHICLES),
    "vit_b16_stride12_vehicle": ClipReidSpec(12, VEHICLES),
}
LEFT_OUT = (
    "classifier",
    "classifier_proj",
    "bottleneck",
    "bottleneck_proj",
    "prompt_learner",
    "text_encoder",
)
_VIT = "vit_base_patch16_clip_quickgelu_224"
_ENCODER = "image_encoder."
_CAMERAS = "cv_embed"
_RENAMED = {
    "class_embedding": "vit.cls_token",
    "positional_embedding": "vit.pos_embed",
    "conv1.weight": "vit.patch_embed.proj.weight",
    "proj": "proj",
}
_MODULES = {"ln_pre": "norm_pre", "ln_post": "norm"}
_BLOCK = re.compile(r"transformer\.resblocks\.(\d+)\.(.+)")
_OF_BLOCK = {
    "ln_1": "norm1",
    "attn.in_proj": "attn.qkv",
    "attn.out_proj": "attn.proj",
    "ln_2": "norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}


class ClipEncoder(nn.Module):
    """The ViT of CLIP and the projection (D, P) of its tokens."""

    def __init__(self, vit: Any, projected: int) -> None:
        super().__init__()
        self.vit = vit
        self.proj = nn.Parameter(torch.empty(vit.embed_dim, projected))
        nn.init.normal_(self.proj, std=vit.embed_dim**-0.5)


class ReleasedClipReid(PretrainedNetwork):
    """Images -> the map of the patches behind the last block; its own feature is the authors'."""

    network: ClipEncoder

    def __init__(self, spec: ClipReidSpec, size: tuple[int, ...], images: tuple[int, int]) -> None:
        grid = grid_of(size or images, spec.stride)
        vit = overlapping_vit(_VIT, grid, spec.stride, **spec.changes)
        super().__init__(ClipEncoder(vit, spec.projected), size, MEAN, STD)
        self.spec, self.grid = spec, grid

    def maps(self, images: Tensor) -> Tensor:
        return as_map(self._tokens(images), self.grid)

    def own(self, images: Tensor) -> Tensor:
        token = self._tokens(images)[:, 0]
        return torch.cat([token, token @ self.network.proj], 1)

    def _tokens(self, images: Tensor) -> Tensor:
        vit: Any = self.network.vit
        tokens: Tensor = vit.norm(tokens_of(vit, self.scaled(images), vit.blocks))
        return tokens


def build(spec: ClipReidSpec, size: tuple[int, ...], images: tuple[int, int]) -> ReleasedClipReid:
    """Build the network for images of one size."""
    return ReleasedClipReid(spec, size, images)


def renamed(state: Mapping[str, Tensor], network: PretrainedNetwork) -> dict[str, Tensor]:
    """Return the tensors of a file for a network: by timm's names, positions resampled.

    An embedding of cameras goes into the class token, to which alone it is added, as its mean.
    Raises InputError for positions of other patches.
    """
    assert isinstance(network, ReleasedClipReid)
    spec = network.spec
    fitting = {_renamed(name): tensor for name, tensor in state.items() if name != _CAMERAS}
    for name in {"vit.cls_token", "vit.pos_embed"} & fitting.keys():
        fitting[name] = fitting[name].view(1, -1, fitting[name].shape[-1])
    cameras = state.get(_CAMERAS)
    if cameras is not None and "vit.cls_token" in fitting:
        fitting["vit.cls_token"] = fitting["vit.cls_token"] + mean_of_cameras(
            cameras, CAMERAS_WEIGHT
        )
    return with_positions(fitting, "vit.pos_embed", spec.sizes, spec.stride, network.grid)


def _renamed(name: str) -> str:
    """Return our name of a tensor of the image encoder; others keep theirs."""
    if not name.startswith(_ENCODER):
        return name
    inner = name.removeprefix(_ENCODER)
    if inner in _RENAMED:
        return _RENAMED[inner]
    module, _, tensor = inner.rpartition(".")
    if module in _MODULES:
        return f"vit.{_MODULES[module]}.{tensor}"
    block = _BLOCK.fullmatch(inner)
    if block is None:
        return name
    number, rest = block.groups()
    for theirs, ours in _OF_BLOCK.items():
        if rest.startswith(theirs):
            return f"vit.blocks.{number}.{ours}.{rest.removeprefix(theirs)[1:]}"
    return name
