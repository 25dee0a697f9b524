"""TransReID: small files of its form give the features of a network that is written here."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import gelu

from crossres.datasets import InputError
from crossres.methods.shared.networks import released, transreid
from crossres.methods.shared.networks.pretrained_base import PretrainedNetwork
from crossres.methods.shared.networks.released import released_network
from crossres.methods.shared.networks.transreid import TransReidSpec
from tests.methods.shared.networks.released_states import (
    Shapes,
    State,
    attention,
    batch_norm_of,
    drawn,
    flat,
    interpolated,
    layer_norm,
    linear,
    linear_of,
    norm_of,
)

WIDTH, DEPTH, HEADS = 12, 3, 2
SMALL = {"embed_dim": WIDTH, "depth": DEPTH, "num_heads": HEADS}
SIZE = (72, 40)
EPSILON = 1e-6


def block_of() -> dict[str, dict[str, tuple[int, ...]]]:
    return {
        "norm1": norm_of(WIDTH),
        "attn.qkv": linear_of(WIDTH, 3 * WIDTH),
        "attn.proj": linear_of(WIDTH, WIDTH),
        "norm2": norm_of(WIDTH),
        "mlp.fc1": linear_of(WIDTH, 4 * WIDTH),
        "mlp.fc2": linear_of(4 * WIDTH, WIDTH),
    }


def layout(positions: int, *, cameras: int = 0, has_branches: bool = False) -> Shapes:
    """Return names and shapes as `torch.save(model.state_dict())` of TransReID has them."""
    modules = {f"base.blocks.{k}.{n}": x for k in range(DEPTH) for n, x in block_of().items()}
    modules |= {"base.norm": norm_of(WIDTH), "base.fc": linear_of(WIDTH, 1000)}
    heads = ["", "_1", "_2", "_3", "_4"] if has_branches else [""]
    if has_branches:
        modules |= {f"{b}.0.{n}": x for b in ("b1", "b2") for n, x in block_of().items()}
        modules |= {"b1.1": norm_of(WIDTH), "b2.1": norm_of(WIDTH)}
    modules |= {f"bottleneck{head}": batch_norm_of(WIDTH) for head in heads}
    shapes: Shapes = {
        "base.cls_token": (1, 1, WIDTH),
        "base.pos_embed": (1, 1 + positions, WIDTH),
        "base.patch_embed.proj.weight": (WIDTH, 3, 16, 16),
        "base.patch_embed.proj.bias": (WIDTH,),
    }
    if cameras:
        shapes["base.sie_embed"] = (cameras, 1, WIDTH)
    return shapes | flat(modules) | {f"classifier{head}.weight": (751, WIDTH) for head in heads}


def block(state: State, name: str, x: Tensor) -> Tensor:
    qkv = linear(state, f"{name}.attn.qkv", layer_norm(state, f"{name}.norm1", x, EPSILON))
    x = x + linear(state, f"{name}.attn.proj", attention(qkv, HEADS))
    hidden = linear(state, f"{name}.mlp.fc1", layer_norm(state, f"{name}.norm2", x, EPSILON))
    return x + linear(state, f"{name}.mlp.fc2", gelu(hidden))


def tokens(state: State, images: Tensor, stride: int, positions: Tensor, blocks: int) -> Tensor:
    height, width = images.shape[2:]
    x = (images - 0.5) / 0.5
    weight, bias = state["base.patch_embed.proj.weight"], state["base.patch_embed.proj.bias"]
    patches = [
        torch.einsum("bcij,dcij->bd", x[:, :, y : y + 16, z : z + 16], weight) + bias
        for y in range(0, height - 15, stride)
        for z in range(0, width - 15, stride)
    ]
    first = state["base.cls_token"][0].expand(len(images), -1)
    behind = torch.stack([first, *patches], 1) + positions
    if "base.sie_embed" in state:
        behind = behind + 3.0 * state["base.sie_embed"].mean(0)
    for k in range(blocks):
        behind = block(state, f"base.blocks.{k}", behind)
    return behind


def jigsaw(count: int, shift: int) -> list[int]:
    """Return which patches the branches see, in order: the first shift - 1 are the last."""
    order = [*range(shift - 1, count), *range(shift - 1)]
    if count % 2:
        order.append(order[-2])
    half = len(order) // 2
    return [patch for pair in zip(order[:half], order[half:], strict=True) for patch in pair]


def branches(state: State, x: Tensor, shift: int) -> Tensor:
    def branch(name: str, seen: Tensor) -> Tensor:
        return layer_norm(state, f"{name}.1", block(state, f"{name}.0", seen), EPSILON)[:, 0]

    order = jigsaw(x.shape[1] - 1, shift)
    length = (x.shape[1] - 1) // 4
    features = [branch("b1", x)]
    for k in range(4):
        patches = [0, *(1 + patch for patch in order[k * length : (k + 1) * length])]
        features.append(branch("b2", x[:, patches]) / 4)
    return torch.cat(features, 1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for files of small models of 4 x 2 and 5 x 3 patches, which alone exist."""
    models = {
        name: TransReidSpec(stride, (SIZE, (76, 40)), SMALL, shift)
        for name, stride, shift in (("whole", 16, 0), ("parts", 12, 3), ("odd", 12, 2))
    }
    monkeypatch.setattr(transreid, "MODELS", models)
    monkeypatch.setattr(released, "FAMILIES", {"transreid": (transreid,)})
    return tmp_path


def loaded(folder: Path, model: str, state: State, images: tuple[int, int] = SIZE) -> Any:
    torch.save(dict(state), folder / "transformer_120.pth")
    network: PretrainedNetwork = released_network(
        f"transreid:{model}", (), images, folder, "transformer_120.pth", is_pretrained=True
    )
    return network.eval()


def images_of(*size: int) -> Tensor:
    return torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))


def test_without_branches_the_class_token_behind_the_last_norm_is_compared(folder: Path) -> None:
    state = drawn(layout(4 * 2))
    images = images_of(*SIZE)
    network = loaded(folder, "whole", state)
    behind = layer_norm(
        state, "base.norm", tokens(state, images, 16, state["base.pos_embed"], DEPTH), EPSILON
    )
    assert torch.allclose(network.own(images), behind[:, 0], atol=1e-4)
    maps = network.maps(images)
    assert maps.shape == (2, WIDTH, 4, 2)
    assert torch.allclose(maps[:, :, 3, 1], behind[:, 1 + 3 * 2 + 1], atol=1e-4)


@pytest.mark.parametrize(("model", "shift"), [("parts", 3), ("odd", 2)])
def test_branches_see_shuffled_patches_and_cameras_are_their_mean(
    model: str, shift: int, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = drawn(layout(5 * 3, cameras=6, has_branches=True))
    images = images_of(*SIZE)
    network = loaded(folder, model, state)
    x = tokens(state, images, 12, state["base.pos_embed"], DEPTH - 1)
    own = network.own(images)
    assert own.shape == (2, 5 * WIDTH)
    assert torch.allclose(own, branches(state, x, shift), atol=1e-4)
    whole = layer_norm(state, "b1.1", block(state, "b1.0", x), EPSILON)
    assert torch.allclose(network.maps(images)[:, :, 4, 0], whole[:, 1 + 4 * 3], atol=1e-4)
    assert "transformer_120.pth knows 6 cameras or views" in caplog.text


def test_positions_are_resampled_between_the_sizes_of_images(folder: Path) -> None:
    state = drawn(layout(4 * 2))
    images = images_of(100, 68)
    network = loaded(folder, "whole", state, (100, 68))
    grid = state["base.pos_embed"][0, 1:].reshape(4, 2, WIDTH)
    positions = torch.cat(
        [state["base.pos_embed"][0, :1], interpolated(grid, 6, 4).reshape(24, WIDTH)]
    )
    behind = layer_norm(state, "base.norm", tokens(state, images, 16, positions, DEPTH), EPSILON)
    assert torch.allclose(network.own(images), behind[:, 0], atol=1e-4)


def test_positions_of_no_known_size_and_branches_too_many_are_refused(folder: Path) -> None:
    with pytest.raises(
        InputError,
        match=r"transformer_120.pth: base.pos_embed has 9 positions, which patches 16 pixels apart "
        r"have in images of none of these sizes: 72 x 40, 76 x 40$",
    ):
        loaded(folder, "whole", drawn(layout(9)))
    with pytest.raises(InputError, match=r"has local branches \(JPM\), which this model has not$"):
        loaded(folder, "whole", drawn(layout(4 * 2, has_branches=True)))
    with pytest.raises(InputError, match=r"missing: b1\.0\.norm1\.weight, .* and \d+ more$"):
        loaded(folder, "parts", drawn(layout(5 * 3)))
    with pytest.raises(InputError, match=r"; it is of transreid:parts or transreid:odd$"):
        loaded(folder, "whole", drawn(layout(5 * 3, has_branches=True)))
    with pytest.raises(InputError, match=r"not those of transreid:whole: of other shapes$"):
        loaded(folder, "whole", drawn(layout(4 * 2)) | {"base.sie_embed": torch.tensor(1.0)})
    with pytest.raises(InputError, match="images of 15 x 40 pixels hold no patch of 16 x 16"):
        loaded(folder, "whole", drawn(layout(4 * 2)), (15, 40))
