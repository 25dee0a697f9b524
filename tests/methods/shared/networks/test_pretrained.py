"""Networks of timm and torchvision by name: their maps, scales, weights and faults."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from crossres.datasets import InputError
from crossres.methods.shared.networks import pretrained
from crossres.methods.shared.networks.imagenet_weights import recorded_weights
from crossres.methods.shared.networks.lite0 import DIGEST, lite0
from crossres.methods.shared.networks.optional_libraries import timm, torchvision_models
from crossres.methods.shared.networks.pretrained import TorchvisionNetwork, pretrained_network
from crossres.methods.shared.networks.pretrained_base import PretrainedNetwork
from crossres.methods.shared.tensors import normalise

SIZE = (32, 16)


def built(model: str, folder: Path | None = None, **changes: Any) -> PretrainedNetwork:
    settings: dict[str, Any] = {"stage": 0, "size": (), "images": SIZE}
    settings |= {"weights_dir": folder, "is_pretrained": folder is not None} | changes
    return pretrained_network(model, **settings).eval()


def images(*size: int) -> Tensor:
    return torch.rand(2, 3, *(size or SIZE), generator=torch.Generator().manual_seed(0))


def filled(network: nn.Module) -> nn.Module:
    """Give every tensor numbers of its own, so that a swapped or missing one shows."""
    generator = torch.Generator().manual_seed(1)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(0.5 + 0.1 * torch.rand(tensor.shape, generator=generator))
    return network.eval()


def test_a_network_of_timm_with_weights_of_a_file(tmp_path: Path) -> None:
    original = filled(timm().create_model("test_resnet"))
    save_file(original.state_dict(), tmp_path / "test_resnet.safetensors")
    with recorded_weights() as digests:
        network = built("timm:test_resnet.r160_in1k", tmp_path)
    assert list(digests) == ["test_resnet"]
    card = original.pretrained_cfg
    mean, std = (torch.tensor(card[name]).view(1, 3, 1, 1) for name in ("mean", "std"))
    expected = original.forward_features((images() - mean) / std)
    assert torch.allclose(network.maps(images()), expected, rtol=1e-4)
    pooled = original.forward_head(expected, pre_logits=True)
    assert torch.allclose(network.own(images()), pooled, rtol=1e-4)


def test_a_stage_is_counted_from_the_finest() -> None:
    sides = [built("timm:test_resnet", stage=k).maps(images(64, 32)).shape[2] for k in range(1, 6)]
    assert sides == [32, 16, 8, 4, 2]
    with pytest.raises(InputError, match="test_resnet has the stages 1 to 5, not 6"):
        built("timm:test_resnet", stage=6)


def test_a_transformer_is_built_for_the_size_of_the_images() -> None:
    network = built("timm:test_vit", images=(64, 32))
    assert network.maps(images(64, 32)).shape == (2, 64, 4, 2)
    assert network.own(images(64, 32)).shape == (2, 64)


def test_position_embeddings_of_another_size_are_resampled(tmp_path: Path) -> None:
    original = filled(timm().create_model("test_vit"))
    save_file(original.state_dict(), tmp_path / "test_vit.safetensors")
    network = built("timm:test_vit", tmp_path, images=(64, 32))
    assert network.state_dict()["network.pos_embed"].shape[1] < original.pos_embed.shape[1]
    patch = "network.patch_embed.proj.weight"
    assert torch.equal(network.state_dict()[patch], original.patch_embed.proj.weight)


def test_images_are_brought_to_the_size_asked_for() -> None:
    network = built("timm:test_resnet", size=(64, 32))
    enlarged = F.interpolate(
        images(), (64, 32), mode="bicubic", align_corners=False, antialias=True
    )
    assert torch.equal(network.maps(images()), network.maps(enlarged.clamp(0, 1)))


@pytest.mark.parametrize(
    ("name", "shape", "own"),
    [
        ("resnet18", (512, 2, 1), 512),
        ("squeezenet1_1", (512, 3, 1), None),
        ("shufflenet_v2_x0_5", (1024, 2, 1), 1024),
        ("mnasnet0_5", (1280, 2, 1), 1280),
        ("mobilenet_v3_small", (576, 2, 1), 1024),
        ("regnet_y_400mf", (440, 2, 1), 440),
    ],
)
def test_the_last_map_of_networks_of_torchvision(
    name: str, shape: tuple[int, ...], own: int | None
) -> None:
    network = built(f"torchvision:{name}")
    assert network.maps(images(64, 32)).shape == (2, *shape)
    if own is None:
        with pytest.raises(InputError, match=r'has no feature of its own; set pool = "mean"'):
            network.own(images(64, 32))
    else:
        assert network.own(images(64, 32)).shape == (2, own)


def test_a_network_of_torchvision_with_weights_of_a_file(tmp_path: Path) -> None:
    original: Any = filled(torchvision_models().resnet18())
    torch.save(original.state_dict(), tmp_path / "resnet18-abc.pth")
    network = built("torchvision:resnet18", tmp_path)
    x = normalise(images())
    x = original.maxpool(original.relu(original.bn1(original.conv1(x))))
    for stage in (original.layer1, original.layer2, original.layer3, original.layer4):
        x = stage(x)
    assert torch.allclose(network.maps(images()), x, rtol=1e-3)
    assert torch.allclose(network.own(images()), x.mean((2, 3)), rtol=1e-3)


def test_the_tokens_of_torchvisions_transformer_are_a_map() -> None:
    vit = torchvision_models().VisionTransformer(32, 8, 1, 2, 16, 16)
    network = TorchvisionNetwork(vit, (32, 32), (0.0,) * 3, (1.0,) * 3).eval()
    maps, squares = network.maps(images(32, 32)), images(32, 32)
    assert maps.shape == (2, 16, 4, 4)
    tokens = vit.encoder(
        torch.cat([vit.class_token.expand(2, -1, -1), vit._process_input(squares)], 1)
    )
    assert torch.allclose(maps[:, :, 1, 2], tokens[:, 1 + 1 * 4 + 2], atol=1e-6)
    assert torch.allclose(network.own(squares), tokens[:, 0], atol=1e-6)


def test_lite0_has_the_map_of_the_trunk_and_weights_to_its_end() -> None:
    with recorded_weights() as digests:
        network = built("efficientnet-lite0", is_pretrained=True, stage=4)
    assert digests == {"efficientnet-lite0": DIGEST}
    trunk, _ = lite0(None, imagenet=True)
    with torch.inference_mode():
        maps = trunk.eval()(normalise(images(64, 32)))
        assert torch.allclose(network.maps(images(64, 32)), maps, atol=1e-3)
    untrained = built("efficientnet-lite0").state_dict()["network.conv_head.weight"]
    assert not torch.equal(network.state_dict()["network.conv_head.weight"], untrained)


@pytest.mark.parametrize("model", ["timm:test_resnet", "torchvision:squeezenet1_1"])
def test_weights_of_another_network_are_refused_by_what_does_not_fit(
    model: str, tmp_path: Path
) -> None:
    name = model.partition(":")[2]
    state = built(model).network.state_dict()
    first, second, *_ = state
    other = {first: torch.zeros(3), "odd": torch.zeros(3)} | {n: state[n] for n in [*state][2:]}
    save_file({n: x.contiguous() for n, x in other.items()}, tmp_path / f"{name}.safetensors")
    fault = (
        rf"not those of {model}: missing: {second}; of another shape: {first} \(3,\) in place of"
    )
    with pytest.raises(InputError, match=fault + ".*; unexpected: odd$") as caught:
        built(model, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_file_with_nothing_of_the_network_is_refused_in_one_short_line(tmp_path: Path) -> None:
    save_file({"odd": torch.zeros(3)}, tmp_path / "test_resnet.safetensors")
    with pytest.raises(InputError, match=r"missing: .* and \d+ more; unexpected: odd") as caught:
        built("timm:test_resnet", tmp_path)
    assert len(str(caught.value)) < 250


def test_classifiers_are_left_out_and_what_else_is_too_much_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = filled(timm().create_model("test_resnet")).state_dict()
    assert "fc.weight" in state
    save_file(state, tmp_path / "test_resnet.safetensors")
    built("timm:test_resnet", tmp_path)
    assert not caplog.records
    save_file(state | {"bottleneck.weight": torch.zeros(3)}, tmp_path / "test_resnet.safetensors")
    built("timm:test_resnet", tmp_path)
    assert "left out of its weights: bottleneck.weight" in caplog.text


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        (
            "resnet18",
            "must be efficientnet-lite0, timm:NAME, torchvision:NAME or, released for "
            "re-identification, torchreid:NAME, transreid:NAME",
        ),
        ("timm:test_resnot", r"timm has no model 'test_resnot' \(did you mean 'test_resnet"),
        ("torchvision:resnet19", r"torchvision has no model 'resnet19' \(did you mean 'resnet18'"),
        ("timm:", "timm has no model ''"),
    ],
)
def test_unknown_models_are_refused_by_name(model: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        built(model)


def test_stages_of_torchvision_are_refused() -> None:
    with pytest.raises(InputError, match="stage is an option of timm's models"):
        built("torchvision:resnet18", stage=2)


def test_a_folder_without_the_weights_is_named(tmp_path: Path) -> None:
    for model in ("timm:test_resnet", "torchvision:resnet18"):
        with pytest.raises(InputError, match=f"{tmp_path}: no .* weights there; put"):
            built(model, tmp_path)


def test_no_module_of_a_network_is_left_to_train() -> None:
    assert not any(p.requires_grad for p in built("timm:test_resnet").parameters())


def test_what_is_listed_of_torchvision_is_there() -> None:
    """The names of modules are torchvision's; a renamed one must not go unnoticed."""
    for name, module in (("resnet18", "avgpool"), ("shufflenet_v2_x0_5", "conv5")):
        assert module in {*pretrained._BEFORE, *pretrained._BEHIND}
        assert hasattr(torchvision_models().get_model(name), module)
