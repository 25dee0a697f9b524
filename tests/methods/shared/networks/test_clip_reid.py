"""CLIP-ReID: small files of both its forms give the features of networks that are written here."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from crossres.datasets import InputError
from crossres.methods.shared.networks import clip_reid, clip_reid_resnet, released
from crossres.methods.shared.networks.clip_reid import ClipReidSpec
from crossres.methods.shared.networks.clip_reid_resnet import ClipResNetSpec
from crossres.methods.shared.networks.released import released_network
from crossres.methods.shared.tensors import normalise
from tests.methods.shared.networks.released_states import (
    Shapes,
    State,
    attention,
    batch_norm_of,
    channel_norm,
    conv,
    drawn,
    flat,
    interpolated,
    layer_norm,
    linear,
    linear_of,
    norm_of,
)

WIDTH, DEPTH, HEADS, PROJECTED = 12, 2, 2, 5
SIZE = (40, 28)
EPSILON = 1e-5
HEADS_OF_THE_FILE: Shapes = {
    "classifier.weight": (751, WIDTH),
    "classifier_proj.weight": (751, PROJECTED),
    **flat({"bottleneck": batch_norm_of(WIDTH), "bottleneck_proj": batch_norm_of(PROJECTED)}),
    "prompt_learner.cls_ctx": (751, 4, 8),
    "prompt_learner.token_prefix": (1, 5, 8),
    "text_encoder.positional_embedding": (77, 8),
    "text_encoder.transformer.resblocks.0.attn.in_proj_weight": (24, 8),
}


def layout(positions: int, cameras: int = 0) -> Shapes:
    """Return names and shapes as `torch.save(model.state_dict())` of CLIP-ReID's ViT has them."""
    encoder = {"ln_pre": norm_of(WIDTH), "ln_post": norm_of(WIDTH)}
    for k in range(DEPTH):
        block = f"transformer.resblocks.{k}"
        encoder[f"{block}.ln_1"] = encoder[f"{block}.ln_2"] = norm_of(WIDTH)
        encoder[f"{block}.attn"] = {
            "in_proj_weight": (3 * WIDTH, WIDTH),
            "in_proj_bias": (3 * WIDTH,),
        }
        encoder[f"{block}.attn.out_proj"] = linear_of(WIDTH, WIDTH)
        encoder[f"{block}.mlp.c_fc"] = linear_of(WIDTH, 4 * WIDTH)
        encoder[f"{block}.mlp.c_proj"] = linear_of(4 * WIDTH, WIDTH)
    shapes: Shapes = {
        "image_encoder.class_embedding": (WIDTH,),
        "image_encoder.positional_embedding": (1 + positions, WIDTH),
        "image_encoder.proj": (WIDTH, PROJECTED),
        "image_encoder.conv1.weight": (WIDTH, 3, 16, 16),
        **{f"image_encoder.{name}": shape for name, shape in flat(encoder).items()},
    }
    if cameras:
        shapes["cv_embed"] = (cameras, WIDTH)
    return shapes | HEADS_OF_THE_FILE


def tokens(state: State, images: Tensor, stride: int, positions: Tensor) -> Tensor:
    encoder = {name.removeprefix("image_encoder."): tensor for name, tensor in state.items()}
    patches = F.conv2d((images - 0.5) / 0.5, encoder["conv1.weight"], stride=stride).flatten(2).mT
    first = encoder["class_embedding"]
    if "cv_embed" in state:
        first = first + state["cv_embed"].mean(0)
    x = torch.cat([first.expand(len(images), 1, -1), patches], 1) + positions
    x = layer_norm(encoder, "ln_pre", x, EPSILON)
    for k in range(DEPTH):
        block = f"transformer.resblocks.{k}"
        seen = layer_norm(encoder, f"{block}.ln_1", x, EPSILON)
        weight, bias = (
            encoder[f"{block}.attn.in_proj_weight"],
            encoder[f"{block}.attn.in_proj_bias"],
        )
        x = x + linear(encoder, f"{block}.attn.out_proj", attention(seen @ weight.T + bias, HEADS))
        hidden = linear(
            encoder, f"{block}.mlp.c_fc", layer_norm(encoder, f"{block}.ln_2", x, EPSILON)
        )
        x = x + linear(encoder, f"{block}.mlp.c_proj", hidden * (1.702 * hidden).sigmoid())
    return layer_norm(encoder, "ln_post", x, EPSILON)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for files of small models; there are no others."""
    small = {"embed_dim": WIDTH, "depth": DEPTH, "num_heads": HEADS}
    vits = {
        "vit": ClipReidSpec(16, (SIZE,), small, PROJECTED),
        "overlapping": ClipReidSpec(12, (SIZE,), small, PROJECTED),
    }
    resnets = {"resnet": ClipResNetSpec((64, 32), PROJECTED, (1, 2, 1, 1), 32)}
    monkeypatch.setattr(clip_reid, "MODELS", vits)
    monkeypatch.setattr(clip_reid_resnet, "MODELS", resnets)
    monkeypatch.setattr(released, "FAMILIES", {"clipreid": (clip_reid, clip_reid_resnet)})
    return tmp_path


def loaded(folder: Path, model: str, state: State, images: tuple[int, int] = SIZE) -> Any:
    torch.save(dict(state), folder / "ViT-B-16_60.pth")
    return released_network(
        f"clipreid:{model}", (), images, folder, "ViT-B-16_60.pth", is_pretrained=True
    ).eval()


def images_of(*size: int) -> Tensor:
    return torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("model", "stride", "grid", "cameras"),
    [("vit", 16, (2, 1), 0), ("overlapping", 12, (3, 2), 6)],
)
def test_the_class_token_and_its_projection_are_compared(
    model: str, stride: int, grid: tuple[int, int], cameras: int, folder: Path
) -> None:
    state = drawn(layout(grid[0] * grid[1], cameras))
    images = images_of(*SIZE)
    network = loaded(folder, model, state)
    behind = tokens(state, images, stride, state["image_encoder.positional_embedding"])
    expected = torch.cat([behind[:, 0], behind[:, 0] @ state["image_encoder.proj"]], 1)
    assert torch.allclose(network.own(images), expected, atol=1e-4)
    assert torch.allclose(network.maps(images)[:, :, -1, -1], behind[:, -1], atol=1e-4)


def test_positions_are_resampled(folder: Path) -> None:
    state = drawn(layout(6))
    images = images_of(64, 52)
    network = loaded(folder, "overlapping", state, (64, 52))
    kept = state["image_encoder.positional_embedding"]
    grid = interpolated(kept[1:].reshape(3, 2, WIDTH), 5, 4).reshape(20, WIDTH)
    behind = tokens(state, images, 12, torch.cat([kept[:1], grid]))
    assert torch.allclose(network.own(images)[:, :WIDTH], behind[:, 0], atol=1e-4)


def resnet_layout(positions: int) -> Shapes:
    """Return names and shapes as `torch.save(model.state_dict())` of its ResNet has them."""
    sides = {"conv1": (32, 3, 3, 3), "conv2": (32, 32, 3, 3), "conv3": (64, 32, 3, 3)}
    norms = {"bn1": 32, "bn2": 32, "bn3": 64}
    inputs = 64
    for stage, (outputs, blocks) in enumerate(((32, 1), (64, 2), (128, 1), (256, 1)), 1):
        width = outputs // 4
        for k in range(blocks):
            name = f"layer{stage}.{k}"
            sides |= {f"{name}.conv1": (width, inputs, 1, 1), f"{name}.conv2": (width, width, 3, 3)}
            sides |= {f"{name}.conv3": (outputs, width, 1, 1)}
            norms |= {f"{name}.bn1": width, f"{name}.bn2": width, f"{name}.bn3": outputs}
            if k == 0:
                sides[f"{name}.downsample.0"] = (outputs, inputs, 1, 1)
                norms[f"{name}.downsample.1"] = outputs
            inputs = outputs
    linears = {f"attnpool.{x}_proj": linear_of(256, 256) for x in "qkv"}
    linears["attnpool.c_proj"] = linear_of(256, PROJECTED)
    encoder: Shapes = {f"{name}.weight": shape for name, shape in sides.items()}
    encoder |= flat({name: batch_norm_of(width) for name, width in norms.items()}) | flat(linears)
    encoder["attnpool.positional_embedding"] = (1 + positions, 256)
    return {f"image_encoder.{name}": shape for name, shape in encoder.items()} | HEADS_OF_THE_FILE


def bottleneck(state: State, name: str, x: Tensor, stride: int) -> Tensor:
    def normed(number: int, seen: Tensor) -> Tensor:
        return channel_norm(state, f"{name}.bn{number}", conv(state, f"{name}.conv{number}", seen))

    behind = normed(2, normed(1, x).relu()).relu()
    behind = normed(3, F.avg_pool2d(behind, stride))
    if f"{name}.downsample.0.weight" in state:
        pooled = conv(state, f"{name}.downsample.0", F.avg_pool2d(x, stride))
        x = channel_norm(state, f"{name}.downsample.1", pooled)
    return (behind + x).relu()


def test_the_mean_of_the_resnets_last_map_and_what_attention_pools_of_it_are_compared(
    folder: Path,
) -> None:
    state = drawn(resnet_layout(4 * 2))
    images = images_of(64, 32)
    network = loaded(folder, "resnet", state, (64, 32))
    encoder = {name.removeprefix("image_encoder."): tensor for name, tensor in state.items()}
    x = normalise(images)
    for number, stride in ((1, 2), (2, 1), (3, 1)):
        x = channel_norm(encoder, f"bn{number}", conv(encoder, f"conv{number}", x, stride)).relu()
    x = F.avg_pool2d(x, 2)
    for stage, blocks, stride in ((1, 1, 1), (2, 2, 2), (3, 1, 2), (4, 1, 1)):
        for k in range(blocks):
            x = bottleneck(encoder, f"layer{stage}.{k}", x, stride if k == 0 else 1)
    assert torch.allclose(network.maps(images), x, rtol=1e-3, atol=1e-4)
    positions = x.flatten(2).mT
    positions = torch.cat([positions.mean(1, keepdim=True), positions], 1)
    positions = positions + encoder["attnpool.positional_embedding"]
    qkv = torch.cat([linear(encoder, f"attnpool.{x}_proj", positions) for x in "qkv"], -1)
    pooled = linear(encoder, "attnpool.c_proj", attention(qkv, 4))[:, 0]
    expected = torch.cat([x.mean((2, 3)), pooled], 1)
    assert torch.allclose(network.own(images), expected, rtol=1e-3, atol=1e-4)
    larger = loaded(folder, "resnet", state, (96, 64))
    grid = interpolated(encoder["attnpool.positional_embedding"][1:].reshape(4, 2, 256), 6, 4)
    assert torch.allclose(
        larger.network.attention.positional_embedding[1:], grid.reshape(24, 256), atol=1e-5
    )


def test_a_file_of_the_other_encoder_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"not those of clipreid:vit: missing: .*; unexpected: "):
        loaded(folder, "vit", drawn(resnet_layout(4 * 2)), (64, 32))
    state = drawn(layout(2)) | {"image_encoder.class_embedding": torch.tensor(1.0)}
    with pytest.raises(InputError, match=r"not those of clipreid:vit: of other shapes$"):
        loaded(folder, "vit", state)
