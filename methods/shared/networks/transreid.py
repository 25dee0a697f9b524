"""TransReID's released files: a ViT with overlapping patches, cameras, and jigsaw branches.

"TransReID: Transformer-based Object Re-Identification". The feature that its authors compare is
that before the normalising neck: the class token, and with the jigsaw module (JPM) those of four
groups of shuffled patches beside it, each by a quarter.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from crossres.datasets.base.errors import InputError
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

CAMERAS_WEIGHT = 3.0  # lambda of the paper, in every configuration
GROUPS = 4  # of patches, of the local branch
SHUFFLED = 2  # rows that patches are dealt out of
MEAN = STD = (0.5, 0.5, 0.5)

PERSONS = ((256, 128), (384, 128))
VEHICLES = ((256, 256),)


@dataclass(frozen=True)
class TransReidSpec(OverlappingSpec):
    """shift: patches that the local branch moves by; 0: there is none. vit: of timm."""

    sizes: tuple[tuple[int, int], ...] = PERSONS
    shift: int = 0
    vit: str = "vit_base_patch16_224"


MODELS = {
    "vit_base": TransReidSpec(16),
    "vit_base_stride12": TransReidSpec(12),
    "vit_jpm": TransReidSpec(16, shift=5),
    "vit_jpm_stride12": TransReidSpec(12, shift=5),
    "vit_jpm_stride11": TransReidSpec(11, shift=5),
    "vit_base_vehicle": TransReidSpec(16, sizes=VEHICLES),
    "vit_jpm_vehicle": TransReidSpec(16, shift=8, sizes=VEHICLES),
    "vit_jpm_stride12_vehicle": TransReidSpec(12, shift=8, sizes=VEHICLES),
    "deit_small": TransReidSpec(16, vit="deit_small_patch16_224"),
}
_NECKS = ("bottleneck", *(f"bottleneck_{k}" for k in range(1, GROUPS + 1)))
_HEADS = ("classifier", *(f"classifier_{k}" for k in range(1, GROUPS + 1)))
LEFT_OUT = (*_NECKS, *_HEADS, "base.fc")


class TransReid(nn.Module):
    """The modules by the names of the files; with branches, b1 and b2 end with the last block."""

    def __init__(self, base: Any, *, has_branches: bool) -> None:
        super().__init__()
        self.base = base
        if has_branches:
            self.b1 = nn.Sequential(base.blocks[-1], base.norm)
            self.b2 = copy.deepcopy(self.b1)
            base.blocks, base.norm = base.blocks[:-1], nn.Identity()


class ReleasedTransReid(PretrainedNetwork):
    """Images -> the map of the patches behind the last block; its own feature is the authors'."""

    network: TransReid

    def __init__(self, spec: TransReidSpec, size: tuple[int, ...], images: tuple[int, int]) -> None:
        grid = grid_of(size or images, spec.stride)
        base = overlapping_vit(spec.vit, grid, spec.stride, **spec.changes)
        super().__init__(TransReid(base, has_branches=spec.shift > 0), size, MEAN, STD)
        self.spec, self.grid = spec, grid

    def maps(self, images: Tensor) -> Tensor:
        return as_map(self._whole(self._tokens(images)), self.grid)

    def own(self, images: Tensor) -> Tensor:
        tokens = self._tokens(images)
        whole = self._whole(tokens)[:, 0]
        if not self.spec.shift:
            return whole
        patches = shuffled(tokens[:, 1:], self.spec.shift)
        length = (tokens.shape[1] - 1) // GROUPS
        groups = [patches[:, k * length : (k + 1) * length] for k in range(GROUPS)]
        local = [self.network.b2(torch.cat([tokens[:, :1], group], 1))[:, 0] for group in groups]
        return torch.cat([whole, *(feature / GROUPS for feature in local)], 1)

    def _tokens(self, images: Tensor) -> Tensor:
        """Return the tokens behind all blocks that the branches share."""
        base: Any = self.network.base
        return tokens_of(base, self.scaled(images), base.blocks)

    def _whole(self, tokens: Tensor) -> Tensor:
        """Return the tokens of the branch that sees all patches."""
        network = self.network
        behind: Tensor = network.b1(tokens) if self.spec.shift else network.base.norm(tokens)
        return behind


def shuffled(patches: Tensor, shift: int) -> Tensor:
    """Return patches (B, N, D) as the jigsaw module has them: moved, then dealt out in turn.

    The first shift - 1 go to the end; then one of the first half is followed by one of the second.
    An odd number of patches is filled up by the last but one.
    """
    moved = torch.cat([patches[:, shift - 1 :], patches[:, : shift - 1]], 1)
    if moved.shape[1] % SHUFFLED:
        moved = torch.cat([moved, moved[:, -2:-1]], 1)
    images, count, size = moved.shape
    rows = moved.view(images, SHUFFLED, count // SHUFFLED, size)
    return rows.transpose(1, 2).reshape(images, count, size)


def build(spec: TransReidSpec, size: tuple[int, ...], images: tuple[int, int]) -> ReleasedTransReid:
    """Build the network for images of one size."""
    return ReleasedTransReid(spec, size, images)


def renamed(state: Mapping[str, Tensor], network: PretrainedNetwork) -> dict[str, Tensor]:
    """Return the tensors of a file for a network: positions resampled, cameras as their mean.

    Raises InputError for branches where the network has none, and for positions of other patches.
    """
    assert isinstance(network, ReleasedTransReid)
    spec = network.spec
    has_branches = any(name.startswith("b1.") for name in state)
    if has_branches and not spec.shift:
        raise InputError("the file has local branches (JPM), which this model has not")
    fitting = with_positions(state, "base.pos_embed", spec.sizes, spec.stride, network.grid)
    if has_branches:  # never trained beside them, and never used
        unused = f"base.blocks.{len(network.network.base.blocks)}.", "base.norm."
        fitting = {name: x for name, x in fitting.items() if not name.startswith(unused)}
    cameras = fitting.pop("base.sie_embed", None)
    if cameras is not None and "base.pos_embed" in fitting:
        fitting["base.pos_embed"] = fitting["base.pos_embed"] + mean_of_cameras(
            cameras, CAMERAS_WEIGHT
        )
    return fitting
