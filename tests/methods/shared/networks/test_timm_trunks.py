"""Trunks from timm: maps and sizes of a ViT and of HRNet, their weights, and life without timm."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from crossres.datasets import InputError
from crossres.datasets.base.build import build
from crossres.methods import check_method
from crossres.methods.interface.conformance import small_profile
from crossres.methods.interface.profile import BackboneSpec
from crossres.methods.shared.networks import (
    imagenet_weights as weights,
)
from crossres.methods.shared.networks import (
    timm_trunks as timm_networks,
)
from crossres.methods.shared.networks.backbones import build_backbone
from crossres.methods.shared.networks.imagenet_weights import timm_weights
from crossres.methods.shared.networks.optional_libraries import timm
from crossres.methods.shared.networks.timm_trunks import hrnet_w32, vit_base, vit_small
from crossres.methods.shared.tensors import normalise

VIT = {"name": "vit-small", "weights": "none", "width": 16, "blocks": [1, 1], "patch": 8}
TAG = "hrnet_w32.ms_in1k"


def test_the_map_of_a_vit_is_that_of_its_patches() -> None:
    trunk, channels = vit_small((32, 16), 8, 32, 2)
    images = torch.rand(2, 3, 32, 16)
    maps = trunk.eval()(normalise(images))
    vit: Any = trunk.vit
    expected = vit.forward_intermediates(2 * images - 1, norm=True, intermediates_only=True)[-1]
    assert (channels, maps.shape) == (32, (2, 32, 4, 2))
    assert torch.allclose(maps, expected, atol=1e-5)


def test_blocks_and_width_are_the_profiles() -> None:
    spec = build(BackboneSpec, {**VIT, "width": 48, "blocks": [2, 1]}, "backbone")
    trunk, channels = build_backbone(spec, None, pretrained=True, size=(32, 16))
    vit: Any = trunk.vit
    assert (channels, len(vit.blocks), vit.blocks[0].attn.num_heads) == (48, 3, 3)


def test_at_the_papers_size_a_vit_has_the_positions_of_the_resnet() -> None:
    # Not on the device "meta": the lowest version of timm reads numbers while it builds.
    trunk, channels = vit_base((256, 128), None, imagenet=False)
    with torch.inference_mode():
        assert trunk(torch.zeros(1, 3, 256, 128)).shape == (1, 768, 16, 8)
    assert channels == 768


def test_hrnet_gives_four_maps() -> None:
    with torch.device("meta"):
        trunk, channels = hrnet_w32(None, imagenet=False)
        shapes = [tuple(m.shape) for m in trunk(torch.empty(1, 3, 256, 128))]
    assert channels == (128, 256, 512, 1024)
    assert shapes == [(1, 128, 64, 32), (1, 256, 32, 16), (1, 512, 16, 8), (1, 1024, 8, 4)]


def test_weights_of_a_classifier_arrive_in_hrnet(monkeypatch: pytest.MonkeyPatch) -> None:
    state = timm().create_model("hrnet_w32").state_dict()
    monkeypatch.setattr(timm_networks, "timm_weights", lambda tag, folder: {**state, tag: folder})
    arrived = hrnet_w32(None, imagenet=True)[0].state_dict()
    assert "incre_modules.3.0.conv3.weight" in arrived
    assert all(torch.equal(arrived[name], state[name]) for name in arrived)


def test_positions_of_a_trained_vit_are_resampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trained on 14 x 14 patches: a ramp over their rows stays a ramp over ours."""
    state = timm().create_model("vit_base_patch16_224").state_dict()
    ramp = torch.arange(14.0)[:, None].expand(14, 14).reshape(1, 196, 1)
    state["pos_embed"] = torch.cat([torch.zeros(1, 1, 1), ramp], 1).expand(1, 197, 768)
    monkeypatch.setattr(timm_networks, "timm_weights", lambda _tag, _folder: state)
    vit: Any = vit_base((256, 128), None, imagenet=True)[0].vit
    rows = vit.pos_embed[0, 1:, 0].view(16, 8)
    assert torch.allclose(rows, rows[:, :1].expand(16, 8), atol=1e-4)
    assert torch.allclose(rows[3:-3, 0], (torch.arange(16) + 0.5)[3:-3] * 14 / 16 - 0.5, atol=0.05)
    assert torch.equal(vit.blocks[11].mlp.fc2.weight, state["blocks.11.mlp.fc2.weight"])


def test_weights_of_another_network_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timm_networks, "timm_weights", lambda _tag, _folder: {})
    with pytest.raises(InputError, match=r"not timm's hrnet_w32\.ms_in1k"):
        hrnet_w32(None, imagenet=True)


def test_weights_come_from_the_folder_or_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"no hrnet_w32 weights there; put hrnet_w32\.safetensors"):
        timm_weights(TAG, tmp_path)
    save_file({"a": torch.ones(2)}, tmp_path / "hrnet_w32.safetensors")
    assert timm_weights(TAG, tmp_path)["a"].tolist() == [1, 1]
    requests: list[tuple[str, ...]] = []

    def refuse(*names: str) -> None:
        requests.append(names)
        raise OSError(113, "no route to host")

    monkeypatch.setattr(timm().models, "load_state_dict_from_hf", refuse)
    with pytest.raises(InputError, match=r'no route to host.*weights_dir.*weights = "none"'):
        timm_weights(TAG, None)
    assert requests == [("timm/hrnet_w32.ms_in1k", "model.safetensors")], "never a pickle"


def test_damaged_weights_say_which_file_to_put_there(tmp_path: Path) -> None:
    (tmp_path / "hrnet_w32.pth").write_bytes(b"\x80\x02 not weights at all")
    with pytest.raises(InputError, match=r"hrnet_w32\.pth: .*put hrnet_w32\.safetensors"):
        weights.timm_weights(TAG, tmp_path)


@pytest.mark.parametrize(
    ("backbone", "message"),
    [
        ({"width": 24}, "multiple of 16"),
        ({"patch": 0}, "at least 1"),
        ({"weights": "imagenet"}, "vit-small has no ImageNet weights"),
    ],
)
def test_wrong_backbones_are_refused(backbone: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(BackboneSpec, {**VIT, **backbone}, "backbone")


@pytest.mark.parametrize(
    "build", [lambda: vit_small((36, 16), 8, 16, 1), lambda: vit_base((64, 40), None, False)]
)
def test_images_must_divide_into_patches(build: Any) -> None:
    with pytest.raises(InputError, match="multiples of the ViT's patch"):
        build()


@pytest.mark.parametrize("method", ["plain", "vpfa"])
def test_methods_conform_on_a_vit(method: str) -> None:
    options = {"pairs": "identities"} if method == "vpfa" else {}
    assert "determinism" in check_method(
        method, replace(small_profile(method), backbone=VIT), **options
    )


def test_without_timm_the_networks_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    spec = build(BackboneSpec, VIT, "backbone")
    with pytest.raises(InputError, match=r"needs timm: pip install 'crossres\[timm\]'"):
        build_backbone(spec, None, pretrained=False, size=(32, 16))


def test_listing_the_methods_does_not_import_timm() -> None:
    listed = "import sys; from crossres.methods import method_class, method_names; "
    code = listed + "[method_class(n) for n in method_names()]; sys.exit('timm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
