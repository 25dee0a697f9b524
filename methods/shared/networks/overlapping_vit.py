"""ViTs of timm whose patches may overlap: their tokens, and positions for another size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossres.datasets.base.errors import InputError
from crossres.methods.shared.networks.optional_libraries import timm

PATCH = 16  # pixels on each side

Grid = tuple[int, int]
"""Rows and columns of patches."""


@dataclass(frozen=True)
class OverlappingSpec:
    """stride: of the patches. sizes: (height, width) of the images that files were trained on.

    changes: of the ViT of timm.
    """

    stride: int
    sizes: tuple[tuple[int, int], ...]
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """The size of most files."""
        return self.sizes[0]


def grid_of(size: Sequence[int], stride: int) -> Grid:
    """Return the patches of images (height, width) that begin every `stride` pixels.

    Raises InputError for images smaller than a patch.
    """
    height, width = size
    if min(height, width) < PATCH:
        raise InputError(
            f"method frozen: images of {height} x {width} pixels hold no patch of {PATCH} x {PATCH}"
        )
    return (height - PATCH) // stride + 1, (width - PATCH) // stride + 1


def overlapping_vit(name: str, grid: Grid, stride: int, **changes: Any) -> Any:
    """Build a ViT of timm, without a classifier, for patches in this grid, `stride` pixels apart.

    `changes`: of the arguments that timm makes it with.
    """
    height, width = grid
    size = height * PATCH, width * PATCH  # for which timm makes as many positions
    network = timm().create_model(name, img_size=size, num_classes=0, **changes)
    network.patch_embed.proj.stride = (stride, stride)
    return network


def tokens_of(network: Any, images: Tensor, blocks: nn.Module) -> Tensor:
    """Return the tokens (B, 1 + N, D) behind these blocks, the class token first."""
    patches = network.patch_embed.proj(images).flatten(2).transpose(1, 2)
    first = network.cls_token.expand(images.shape[0], -1, -1)
    tokens = network.norm_pre(torch.cat([first, patches], 1) + network.pos_embed)
    behind: Tensor = blocks(tokens)
    return behind


def as_map(tokens: Tensor, grid: Grid) -> Tensor:
    """Return tokens (B, 1 + N, D) as a map (B, D, rows, columns), without the class token."""
    images, _, size = tokens.shape
    return tokens[:, 1:].transpose(1, 2).reshape(images, size, *grid)


def with_positions(
    state: Mapping[str, Tensor], name: str, sizes: Sequence[Grid], stride: int, grid: Grid
) -> dict[str, Tensor]:
    """Return a state whose positions `name`, (1, 1 + N, D), are resampled to `grid`, bilinearly.

    `sizes`, (height, width), are those of images that the file may have been trained on. Raises
    InputError where its positions are of none of them.
    """
    positions = state.get(name)
    if positions is None or positions.dim() != 3:
        return dict(state)
    count = positions.shape[1] - 1
    trained = {
        rows * columns: (rows, columns) for rows, columns in (grid_of(s, stride) for s in sizes)
    }
    if count not in trained:
        known = ", ".join(f"{height} x {width}" for height, width in sizes)
        raise InputError(
            f"{name} has {count} positions, which patches {stride} pixels apart have in images of "
            f"none of these sizes: {known}"
        )
    if trained[count] == grid:
        return dict(state)
    patches = as_map(positions, trained[count])
    resampled = F.interpolate(patches, grid, mode="bilinear").flatten(2).transpose(1, 2)
    return {**state, name: torch.cat([positions[:, :1], resampled], 1)}


def mean_of_cameras(cameras: Tensor, weight: float) -> Tensor:
    """Return what an embedding of cameras or views, (C, ..., D), adds for none in particular.

    That is the mean of all: nothing that embeds an image here is told its camera. Raises ValueError
    where there is none.
    """
    if cameras.dim() < 2 or len(cameras) == 0:
        raise ValueError(f"no embeddings of cameras have the shape {tuple(cameras.shape)}")
    return weight * cameras.mean(0)
