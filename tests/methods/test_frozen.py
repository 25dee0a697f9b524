"""Frozen features, and VPFA on them: nothing of the network is learned, and how it is pooled."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from crossres.datasets import InputError
from crossres.methods import Run, check_method, export_onnx
from crossres.methods.frozen import Frozen, FrozenNetwork
from crossres.methods.interface.conformance import example_images, example_train_set, small_profile
from crossres.methods.interface.registry import resolve_options
from crossres.methods.interface.saved import load_method
from crossres.methods.shared.networks import clip_reid, clip_reid_resnet, solider, transreid
from crossres.methods.shared.networks.optional_libraries import timm
from crossres.methods.shared.tensors import to_tensor
from crossres.methods.vpfa import FrozenVpfa, VpfaNetwork, features_of_pairs
from tests.methods.shared.networks.released_states import drawn, listed

SMALL = small_profile(Frozen, FrozenVpfa)
IMAGES = example_images(5, SMALL, "test")
TENSOR = to_tensor(IMAGES, torch.device("cpu"))


def fitted(**options: Any) -> Frozen:
    method = Frozen(SMALL, **options)
    method.fit(example_train_set(SMALL), Run(seed=0))
    return method


def maps_of(method: Frozen) -> torch.Tensor:
    with torch.inference_mode():
        return cast(FrozenNetwork, method.network).network.maps(TENSOR)


@pytest.mark.parametrize("pool", ["mean", "max"])
def test_parts_of_the_map_are_pooled_one_after_another(pool: str) -> None:
    method = fitted(pool=pool, parts=4, stage=2, test_normalise="none")
    maps = maps_of(method).numpy()
    assert maps.shape[2] == 8
    reduce = np.mean if pool == "mean" else np.max
    expected = [reduce(maps[:, :, 2 * k : 2 * k + 2], axis=(2, 3)) for k in range(4)]
    assert np.allclose(method.embed(IMAGES), np.concatenate(expected, 1), rtol=1e-4, atol=1e-6)


def test_embeddings_have_length_1_and_mirrored_images_are_added_when_asked() -> None:
    plain, flipped = fitted(), fitted(embed_flip=True)
    assert np.allclose(np.linalg.norm(plain.embed(IMAGES), axis=1), 1, atol=1e-5)
    mirrored = np.ascontiguousarray(IMAGES[:, :, ::-1])
    assert np.allclose(
        flipped.embed(IMAGES), plain.embed(IMAGES) + plain.embed(mirrored), atol=1e-5
    )


def test_the_networks_own_feature_is_what_its_classifier_sees() -> None:
    method = fitted(pool="own", test_normalise="none")
    network = cast(FrozenNetwork, method.network).network
    with torch.inference_mode():
        assert np.allclose(method.embed(IMAGES), network.own(TENSOR).numpy(), atol=1e-6)


def test_nothing_is_learned(tmp_path: Path) -> None:
    state = timm().create_model("test_resnet").state_dict()
    save_file(state, tmp_path / "test_resnet.safetensors")
    profile = small_profile(Frozen)
    object.__setattr__(profile, "weights_dir", tmp_path)
    for seed in (0, 1):
        method = Frozen(profile, pretrained=True)
        method.fit(example_train_set(SMALL), Run(seed))
        for name, array in method.arrays().items():
            if name.startswith("network.network."):
                assert np.array_equal(array, state[name.removeprefix("network.network.")])


def test_random_weights_are_those_of_the_seed() -> None:
    digests = []
    for seed in (0, 0, 1):
        method = Frozen(SMALL)
        method.fit(example_train_set(SMALL), Run(seed))
        digests.append(method.parameters_digest())
    assert digests[0] == digests[1] != digests[2]


def test_all_numbers_of_the_network_are_counted() -> None:
    network = timm().create_model("test_resnet", num_classes=0)
    assert fitted().parameter_count() == sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"parts": 0}, "parts must be at least 1"),
        ({"pool": "own", "parts": 2}, "knows no parts"),
        ({"input_size": [128]}, "input_size must be"),
        ({"input_size": [0, 8]}, "input_size must be"),
        ({"pool": "sum"}, "pool"),
        ({"weights_file": "files/osnet.pth"}, "weights_file must be the name of a file"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        Frozen(SMALL, **options)


def test_images_that_a_network_cannot_take_are_refused_with_the_remedy() -> None:
    with pytest.raises(
        InputError, match=r"takes no images of 32 x 16 pixels.*input_size"
    ) as caught:
        fitted(model="torchvision:inception_v3")
    assert "\n" not in str(caught.value)


def vpfa(**options: Any) -> FrozenVpfa:
    method = FrozenVpfa(SMALL, **options)
    method.fit(example_train_set(SMALL), Run(seed=0))
    return method


def test_without_blocks_vpfa_has_the_frozen_features() -> None:
    bare = vpfa(rates=(), embed_flip=False)
    rates = np.array([1, 2, 3, 4, 0])
    frozen = fitted().embed(IMAGES)
    assert np.allclose(bare.embed(IMAGES), frozen, atol=1e-5)
    assert np.allclose(bare.embed_rated(IMAGES, rates), frozen, atol=1e-5)


def test_vpfa_moves_lr_features_to_hr_ones_and_leaves_the_network_alone() -> None:
    method = vpfa(stage=2, parts=4, vp_epochs=40, vp_width=32, vp_lr=3e-3)
    network = cast(VpfaNetwork, method.network)
    hr, lr = features_of_pairs(network, example_train_set(SMALL))
    with torch.inference_mode():
        for block, features in zip(network.panning, lr, strict=True):
            before, after = (features - hr).square().mean(), (block(features) - hr).square().mean()
            assert after < 0.7 * before
    untouched = fitted(stage=2, parts=4).arrays()
    for name, array in method.arrays().items():
        if name.startswith("plain.network."):
            assert np.array_equal(array, untouched[name.removeprefix("plain.")])


def test_hr_images_are_compared_by_their_frozen_features() -> None:
    method = vpfa(embed_flip=False)
    ones = np.ones(len(IMAGES), np.int64)
    assert np.allclose(method.embed_rated(IMAGES, ones), fitted().embed(IMAGES), atol=1e-5)


# --- networks that were released for re-identification --------------------------------------------

OSNET = "torchreid:osnet_x0_25"
OF_A_FILE: dict[str, Any] = {"model": OSNET, "weights_file": "market.pth", "pretrained": True}


def profile_of(folder: Path) -> Any:
    profile = small_profile(Frozen, FrozenVpfa)
    object.__setattr__(profile, "weights_dir", folder)
    return profile


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a file of a small OSNet."""
    folder = tmp_path_factory.mktemp("weights")
    torch.save(drawn(listed(OSNET)), folder / "market.pth")
    return folder


@pytest.fixture
def small_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a small network of each structure to those that there are."""
    vit = {"embed_dim": 12, "depth": 2, "num_heads": 2}
    swin = {"embed_dim": 4, "depths": (2, 2, 1, 2), "num_heads": (1, 2, 2, 4)}
    for module, spec in (
        (transreid, transreid.TransReidSpec(12, shift=3, changes=vit)),
        (clip_reid, clip_reid.ClipReidSpec(12, projected=5, changes=vit)),
        (clip_reid_resnet, clip_reid_resnet.ClipResNetSpec((64, 32), 5, (1, 1, 1, 1), 32)),
        (solider, solider.SoliderSpec("swin_tiny_patch4_window7_224", swin)),
    ):
        models: Any = module.MODELS
        monkeypatch.setitem(models, f"small_{module.__name__.rpartition('.')[2]}", spec)


SMALL_MODELS = [
    OSNET,
    "transreid:small_transreid",
    "clipreid:small_clip_reid",
    "clipreid:small_clip_reid_resnet",
    "solider:small_solider",
]


def test_a_released_network_is_compared_as_asked_and_needs_its_file_once(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    method = Frozen(profile_of(folder), **OF_A_FILE, pool="own")
    method.fit(example_train_set(SMALL), Run(seed=0))
    network = cast(FrozenNetwork, method.network).network
    with torch.inference_mode():
        own = network.own(TENSOR).numpy()
    lengths = np.linalg.norm(own, axis=1, keepdims=True)
    assert np.allclose(method.embed(IMAGES), own / lengths, atol=1e-6)
    state = cast(FrozenNetwork, method.network).network.network.state_dict()
    assert torch.equal(state["stem.conv.weight"], drawn(listed(OSNET))["conv1.conv.weight"])
    method.save(tmp_path)
    assert np.array_equal(load_method(tmp_path).embed(IMAGES), method.embed(IMAGES))
    assert not caplog.records


def test_the_mean_of_the_map_is_said_not_to_be_what_its_authors_compare(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    method = Frozen(profile_of(folder), **OF_A_FILE)
    method.fit(example_train_set(SMALL), Run(seed=0))
    assert f"the mean of the last map of {OSNET} is compared" in caplog.text
    assert 'pool = "own" is what they do' in caplog.text
    assert method.embed(IMAGES).shape == (5, 128)
    caplog.clear()
    fitted(model=OSNET, pretrained=False)
    assert not caplog.records


def test_vpfa_works_on_released_features(folder: Path) -> None:
    options: dict[str, Any] = OF_A_FILE | {"pool": "own"}
    frozen = Frozen(profile_of(folder), **options)
    frozen.fit(example_train_set(SMALL), Run(seed=0))
    panned = FrozenVpfa(profile_of(folder), **options, embed_flip=False)
    panned.fit(example_train_set(SMALL), Run(seed=0))
    ones = np.ones(len(IMAGES), np.int64)
    assert np.allclose(panned.embed_rated(IMAGES, ones), frozen.embed(IMAGES), atol=1e-5)
    assert not np.allclose(panned.embed_rated(IMAGES, 2 * ones), frozen.embed(IMAGES), atol=1e-5)


@pytest.mark.usefixtures("small_models")
@pytest.mark.parametrize("model", SMALL_MODELS)
def test_every_structure_keeps_the_promises_of_methods(model: str) -> None:
    assert check_method(Frozen, model=model, pool="own", pretrained=False)
    assert check_method(Frozen, model=model, parts=2, pretrained=False, input_size=[48, 32])


@pytest.mark.usefixtures("small_models")
@pytest.mark.parametrize(
    "model",
    [
        pytest.param(model, marks=[] if "clip_reid" in model[-9:] else pytest.mark.slow)
        for model in SMALL_MODELS
    ],
)
def test_every_structure_can_be_exported(model: str, tmp_path: Path) -> None:
    method = fitted(model=model, pool="own", pretrained=False)
    assert export_onnx(method, tmp_path / "method.onnx").deviation < 1e-5


def test_options_of_released_networks_are_refused_elsewhere() -> None:
    with pytest.raises(InputError, match="weights_file is of released models; timm:test_resnet"):
        fitted(weights_file="market.pth")
    with pytest.raises(InputError, match="stage is an option of timm's models"):
        fitted(model=OSNET, stage=2)


def test_an_option_that_came_later_is_in_no_key_where_nobody_sets_it() -> None:
    """Cells that were run before there was a weights_file keep their keys."""
    profile = small_profile(Frozen)
    assert "weights_file" not in resolve_options("frozen", profile, {})
    assert resolve_options("frozen", profile, {"weights_file": "a.pth"})["weights_file"] == "a.pth"
