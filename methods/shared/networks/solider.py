"""SOLIDER's released files: Swin transformers that a semantic weight controls, for persons.

"Beyond Appearance: a Semantic Controllable Self-Supervised Learning Framework for Human-Centric
Visual Tasks". Behind each stage the weight scales and shifts all channels; it is the same for all
images, so both are numbers of the network here. The feature is the mean of the last map.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossres.datasets.base.errors import InputError
from crossres.methods.shared.networks.optional_libraries import timm
from crossres.methods.shared.networks.pretrained_base import PretrainedNetwork

SEMANTIC_WEIGHT = 0.2  # of all results on re-identification
MEAN = STD = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class SoliderSpec:
    """swin: of timm, with `changes`. size: (height, width) of the images that files saw."""

    swin: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    size: tuple[int, int] = (384, 128)


MODELS = {
    "swin_tiny": SoliderSpec("swin_tiny_patch4_window7_224"),
    "swin_small": SoliderSpec("swin_small_patch4_window7_224"),
    "swin_base": SoliderSpec("swin_base_patch4_window7_224"),
}
LEFT_OUT = ("classifier", "bottleneck", "head")

_PREFIXES = ("base.", "backbone.")  # of files of re-identification, and of the pre-training
# Of no use: places of biases, which follow from the window, and norms of maps that none looks at.
_UNUSED = re.compile(r".*\.relative_position_index|norm[012]\..*|semantic_embed_[wb]\..*")
_RENAMED = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"^patch_embed\.projection\.", "patch_embed.proj."),
        (r"^norm3\.", "norm."),
        (r"\.attn\.w_msa\.", ".attn."),
        (r"\.ffn\.layers\.0\.0\.", ".mlp.fc1."),
        (r"\.ffn\.layers\.1\.", ".mlp.fc2."),
    )
)
_MERGING = re.compile(r"^stages\.(\d+)\.downsample\.")


class SemanticSwin(nn.Module):
    """A Swin of timm, and what the semantic weight does to the channels behind each merging."""

    def __init__(self, swin: Any) -> None:
        super().__init__()
        self.swin = swin
        widths = [layer.downsample.out_dim for layer in list(swin.layers)[1:]]
        self.scales = nn.ParameterList(torch.ones(width) for width in widths)
        self.shifts = nn.ParameterList(torch.zeros(width) for width in widths)

    def forward(self, images: Tensor) -> Tensor:
        """Return the last map (B, D, h, w) of normalised images."""
        maps = self._embedded(images)
        for number, layer in enumerate(self.swin.layers):
            if number:
                merged = layer.downsample(maps)
                maps = merged * self.scales[number - 1] + self.shifts[number - 1]
            for block in layer.blocks:
                maps = maps + attended(block, block.norm1(maps))
                maps = maps + block.mlp(block.norm2(maps))
        last: Tensor = self.swin.norm(maps).permute(0, 3, 1, 2)
        return last

    def _embedded(self, images: Tensor) -> Tensor:
        """Return patches (B, h, w, D) of images that are filled up below and on the right."""
        embed = self.swin.patch_embed
        patches = embed.proj(filled_up(images, embed.patch_size, (2, 3)))
        embedded: Tensor = embed.norm(patches.permute(0, 2, 3, 1))
        return embedded


class ReleasedSolider(PretrainedNetwork):
    """Images -> the last map; its own feature is the mean of that."""

    network: SemanticSwin

    def __init__(self, spec: SoliderSpec, size: tuple[int, ...]) -> None:
        # Windows are not made smaller for small maps, which are filled up instead.
        swin = timm().create_model(
            spec.swin, num_classes=0, always_partition=True, strict_img_size=False, **spec.changes
        )
        super().__init__(SemanticSwin(swin), size, MEAN, STD)

    def maps(self, images: Tensor) -> Tensor:
        return self.network(self.scaled(images))  # type: ignore[no-any-return]

    def own(self, images: Tensor) -> Tensor:
        return self.maps(images).mean((2, 3))


def filled_up(maps: Tensor, window: tuple[int, int], dimensions: tuple[int, int]) -> Tensor:
    """Return maps with zeros below and on the right, so that whole windows cover them.

    dimensions: which of the maps are rows and columns.
    """
    padding = [0] * (2 * maps.dim())
    for dimension, side in zip(dimensions, window, strict=True):
        padding[2 * (maps.dim() - 1 - dimension) + 1] = -maps.shape[dimension] % side
    return F.pad(maps, padding)


def attended(block: Any, maps: Tensor) -> Tensor:
    """Return the attention of a block of timm's over windows of maps (B, h, w, D).

    As in the authors' code, maps are filled up before they are moved; timm's does it after.
    """
    (rows, columns), shift = block.window_size, block.shift_size
    filled = filled_up(maps, block.window_size, (1, 2))
    moved = filled.roll((-shift[0], -shift[1]), (1, 2)) if any(shift) else filled
    height, width, size = moved.shape[1:]
    tiles = moved.view(-1, height // rows, rows, width // columns, columns, size)
    windows = tiles.transpose(2, 3).reshape(-1, rows * columns, size)
    seen: Tensor = block.attn(windows, mask=block.get_attn_mask(moved))
    tiles = seen.view(-1, height // rows, width // columns, rows, columns, size)
    whole = tiles.transpose(2, 3).reshape(-1, height, width, size)
    back = whole.roll(tuple(shift), (1, 2)) if any(shift) else whole
    return back[:, : maps.shape[1], : maps.shape[2]]


def build(spec: SoliderSpec, size: tuple[int, ...], _: tuple[int, int]) -> ReleasedSolider:
    """Build the network for images of any size."""
    return ReleasedSolider(spec, size)


def renamed(state: Mapping[str, Tensor], _: PretrainedNetwork) -> dict[str, Tensor]:
    """Return the tensors of a file by our names, for the semantic weight.

    Raises InputError for a file whose feature is reduced by a layer of its own.
    """
    if any(name.startswith("fcneck.") for name in state):
        raise InputError("the file has a layer that reduces the feature (fcneck), unlike any model")
    fitting: dict[str, Tensor] = {}
    inner = {_without_prefix(name): tensor for name, tensor in state.items()}
    for name, tensor in inner.items():
        if not _UNUSED.fullmatch(name):
            fitting |= _fitting(name, tensor)
    for number in range(len([name for name in inner if _is_merging(name)])):
        for kind, ours in (("w", "scales"), ("b", "shifts")):
            layer = f"semantic_embed_{kind}.{number}"
            if f"{layer}.weight" in inner and f"{layer}.bias" in inner:
                value = _of_weight(inner[f"{layer}.weight"], inner[f"{layer}.bias"])
                fitting[f"{ours}.{number}"] = F.softplus(value) if kind == "w" else value
    return fitting


def _without_prefix(name: str) -> str:
    prefix = next((prefix for prefix in _PREFIXES if name.startswith(prefix)), "")
    return name.removeprefix(prefix)


def _is_merging(name: str) -> bool:
    return _MERGING.match(name) is not None and name.endswith(".reduction.weight")


def _of_weight(weight: Tensor, bias: Tensor) -> Tensor:
    """Return what a layer makes of the semantic weight w: of (w, 1 - w), numbers (C,)."""
    return weight @ weight.new_tensor([SEMANTIC_WEIGHT, 1 - SEMANTIC_WEIGHT]) + bias


def _fitting(name: str, tensor: Tensor) -> dict[str, Tensor]:
    """Return one tensor by our name; those of mergings with their numbers in timm's order."""
    merging = _MERGING.match(name)
    if merging is not None:
        # A stage of timm begins with a merging; one of theirs ends with it.
        name = f"layers.{int(merging[1]) + 1}.downsample.{name[merging.end() :]}"
        # Theirs: channel, row, column; timm's: column, row, channel.
        parts = tensor.reshape(*tensor.shape[:-1], -1, 2, 2)
        tensor = parts.transpose(-1, -3).flatten(-3)
    for pattern, replacement in _RENAMED:
        name = pattern.sub(replacement, name)
    if name.startswith("stages."):
        name = f"layers.{name.removeprefix('stages.')}"
    return {
        f"swin.{name}" if name.startswith(("layers.", "patch_embed.", "norm.")) else name: tensor
    }
