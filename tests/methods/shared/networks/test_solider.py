"""SOLIDER: small files of its form give the features of a network that is written here."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.functional import gelu

from crossres.datasets import InputError
from crossres.methods.shared.networks import released, solider
from crossres.methods.shared.networks.released import released_network
from crossres.methods.shared.networks.solider import SoliderSpec
from tests.methods.shared.networks.released_states import (
    Shapes,
    State,
    attention,
    batch_norm_of,
    drawn,
    flat,
    layer_norm,
    linear,
    linear_of,
    norm_of,
)

WIDTHS, DEPTHS, HEADS = (4, 8, 16, 32), (2, 2, 1, 2), (1, 2, 2, 4)
WINDOW = 7
EPSILON = 1e-5


def layout(prefix: str = "base.") -> Shapes:
    """Return names and shapes as `torch.save(model.state_dict())` of SOLIDER-REID has them."""
    modules = {"patch_embed.norm": norm_of(4)}
    shapes: Shapes = {
        "patch_embed.projection.weight": (4, 3, 4, 4),
        "patch_embed.projection.bias": (4,),
    }
    for stage, (width, depth, heads) in enumerate(zip(WIDTHS, DEPTHS, HEADS, strict=True)):
        for k in range(depth):
            block = f"stages.{stage}.blocks.{k}"
            modules |= {f"{block}.norm1": norm_of(width), f"{block}.norm2": norm_of(width)}
            modules[f"{block}.attn.w_msa.qkv"] = linear_of(width, 3 * width)
            modules[f"{block}.attn.w_msa.proj"] = linear_of(width, width)
            modules[f"{block}.ffn.layers.0.0"] = linear_of(width, 4 * width)
            modules[f"{block}.ffn.layers.1"] = linear_of(4 * width, width)
            shapes[f"{block}.attn.w_msa.relative_position_bias_table"] = (13 * 13, heads)
            shapes[f"{block}.attn.w_msa.relative_position_index"] = (49, 49)
        if stage < 3:
            modules[f"stages.{stage}.downsample.norm"] = norm_of(4 * width)
            shapes[f"stages.{stage}.downsample.reduction.weight"] = (2 * width, 4 * width)
        modules[f"norm{stage}"] = norm_of(width)
        for kind in "wb":
            modules[f"semantic_embed_{kind}.{stage}"] = linear_of(2, WIDTHS[min(stage + 1, 3)])
    backbone = {f"{prefix}{name}": shape for name, shape in (shapes | flat(modules)).items()}
    if prefix == "base.":
        backbone |= {"classifier.weight": (751, 32)} | flat({"bottleneck": batch_norm_of(32)})
    return backbone


def windows(state: State, name: str, x: Tensor, heads: int, shift: int) -> Tensor:
    """Attend window by window over (B, h, w, D), which is filled up first, then moved."""
    height, width = x.shape[1:3]
    filled = F.pad(x, (0, 0, 0, -width % WINDOW, 0, -height % WINDOW))
    rows, columns = filled.shape[1:3]
    moved = torch.roll(filled, (-shift, -shift), (1, 2))
    behind = torch.empty_like(moved)
    table = state[f"{name}.relative_position_bias_table"]
    places = [(y, z) for y in range(WINDOW) for z in range(WINDOW)]
    relative = [[(y - v + 6) * 13 + (z - w + 6) for v, w in places] for y, z in places]
    bias = table[torch.tensor(relative)].permute(2, 0, 1)

    def region(at: int, count: int) -> int:
        """Say whether a moved row or column came from the other end."""
        return int(shift > 0 and at >= count - shift)

    for top in range(0, rows, WINDOW):
        for left in range(0, columns, WINDOW):
            area = slice(top, top + WINDOW), slice(left, left + WINDOW)
            ids = torch.tensor(
                [2 * region(top + y, rows) + region(left + z, columns) for y, z in places]
            )
            apart = torch.where(ids[:, None] == ids[None], 0.0, -100.0)
            seen = moved[:, area[0], area[1]].flatten(1, 2)
            qkv = linear(state, f"{name}.qkv", seen)
            attended = linear(state, f"{name}.proj", attention(qkv, heads, bias + apart))
            behind[:, area[0], area[1]] = attended.unflatten(1, (WINDOW, WINDOW))
    return torch.roll(behind, (shift, shift), (1, 2))[:, :height, :width]


def merged(state: State, name: str, x: Tensor) -> Tensor:
    """Merge four patches as torch's unfold lists them: channel by channel."""
    height, width = x.shape[1:3]
    even = F.pad(x, (0, 0, 0, width % 2, 0, height % 2)).permute(0, 3, 1, 2)
    columns = F.unfold(even, 2, stride=2).mT
    normed = layer_norm(state, f"{name}.norm", columns, EPSILON)
    return linear(state, f"{name}.reduction", normed).unflatten(
        1, (even.shape[2] // 2, even.shape[3] // 2)
    )


def last_map(state: State, images: Tensor) -> Tensor:
    height, width = images.shape[2:]
    x = F.pad((images - 0.5) / 0.5, (0, -width % 4, 0, -height % 4))
    x = F.conv2d(x, state["patch_embed.projection.weight"], state["patch_embed.projection.bias"], 4)
    x = layer_norm(state, "patch_embed.norm", x.permute(0, 2, 3, 1), EPSILON)
    for stage, depth in enumerate(DEPTHS):
        for k in range(depth):
            block = f"stages.{stage}.blocks.{k}"
            seen = layer_norm(state, f"{block}.norm1", x, EPSILON)
            x = x + windows(state, f"{block}.attn.w_msa", seen, HEADS[stage], 3 * (k % 2))
            hidden = layer_norm(state, f"{block}.norm2", x, EPSILON)
            hidden = gelu(linear(state, f"{block}.ffn.layers.0.0", hidden))
            x = x + linear(state, f"{block}.ffn.layers.1", hidden)
        if stage < 3:
            x = merged(state, f"stages.{stage}.downsample", x)
            weight = torch.tensor([0.2, 0.8])
            scale = linear(state, f"semantic_embed_w.{stage}", weight)
            shift = linear(state, f"semantic_embed_b.{stage}", weight)
            x = x * (1 + scale.exp()).log() + shift
    return layer_norm(state, "norm3", x, EPSILON).permute(0, 3, 1, 2)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for files of a small model; there is no other."""
    changes = {"embed_dim": 4, "depths": DEPTHS, "num_heads": HEADS}
    small = SoliderSpec("swin_tiny_patch4_window7_224", changes)
    monkeypatch.setattr(solider, "MODELS", {"small": small})
    monkeypatch.setattr(released, "FAMILIES", {"solider": (solider,)})
    return tmp_path


def loaded(folder: Path, state: State) -> Any:
    torch.save(dict(state), folder / "transformer_120.pth")
    return released_network(
        "solider:small", (), (64, 32), folder, "transformer_120.pth", is_pretrained=True
    ).eval()


@pytest.mark.parametrize("prefix", ["base.", "backbone."])
@pytest.mark.parametrize("size", [(112, 56), (90, 41), (32, 16)])
def test_a_file_gives_the_map_and_its_mean_is_the_feature(
    size: tuple[int, int], prefix: str, folder: Path
) -> None:
    state = drawn(layout(prefix))
    network = loaded(folder, state)
    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))
    expected = last_map({n.removeprefix(prefix): tensor for n, tensor in state.items()}, images)
    maps = network.maps(images)
    assert torch.allclose(maps, expected, rtol=1e-3, atol=1e-4)
    assert torch.allclose(network.own(images), expected.mean((2, 3)), rtol=1e-3, atol=1e-4)


def test_files_without_semantics_or_with_a_reduction_are_refused(folder: Path) -> None:
    plain = {n: x for n, x in drawn(layout()).items() if "semantic" not in n}
    with pytest.raises(InputError, match=r"missing: scales\.0, scales\.1, scales\.2 and 3 more$"):
        loaded(folder, plain)
    with pytest.raises(InputError, match=r"a layer that reduces the feature \(fcneck\)"):
        loaded(folder, drawn(layout() | {"fcneck.weight": (8, 32)}))
    odd = drawn(layout()) | {"base.semantic_embed_w.0.weight": torch.ones(8, 3)}
    with pytest.raises(InputError, match=r"not those of solider:small: of other shapes$"):
        loaded(folder, odd)
