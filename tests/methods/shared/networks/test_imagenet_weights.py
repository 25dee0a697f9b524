"""ImageNet weights come from a named folder, are never unpickled, and their absence is one line."""

import errno
import pickle
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file

from crossres.datasets import InputError
from crossres.datasets.base.build import build
from crossres.methods import Profile
from crossres.methods.interface.profile import BackboneSpec
from crossres.methods.plain import Plain
from crossres.methods.shared.networks.backbones import build_backbone
from crossres.methods.shared.networks.imagenet_weights import (
    read_state,
    recorded_weights,
    resnet50_weights,
    timm_weights,
)
from crossres.methods.shared.networks.optional_libraries import torchvision_models

IMAGENET = build(BackboneSpec, {"name": "resnet50", "weights": "imagenet"}, "backbone")


class _Bomb:
    """Unpickling this writes a file: proof that it happened."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, (f"open({str(self.target)!r}, 'w').close()",)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("writer", [pickle.dump, torch.save])
def test_a_pickle_is_refused_and_not_run(tmp_path: Path, writer: object) -> None:
    target, weights = tmp_path / "ran", tmp_path / "resnet50.pth"
    with weights.open("wb") as file:
        writer({"conv1.weight": _Bomb(target)}, file)  # type: ignore[operator]
    with pytest.raises(
        InputError,
        match=r"resnet50\.pth: is not a plain file of weights \(it holds Python objects .*\); put ",
    ):
        resnet50_weights(tmp_path)
    assert not target.exists()


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt"])
def test_damaged_files_are_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"resnet50{suffix}"
    path.write_bytes(b"\x80\x02 not weights at all")
    with pytest.raises(InputError, match=f"resnet50{suffix}") as caught:
        read_state(path)
    assert "\n" not in str(caught.value)


def test_a_file_without_tensors_is_named(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "resnet50.pt")
    with pytest.raises(InputError, match="holds no state dict"):
        resnet50_weights(tmp_path)


def test_an_empty_folder_says_what_to_put_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r'resnet50\.safetensors .* weights = "none"'):
        resnet50_weights(tmp_path)


def test_an_unreachable_network_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise URLError(OSError(errno.EHOSTUNREACH, "No route to host"))

    weights = torchvision_models().ResNet50_Weights
    monkeypatch.setattr(weights, "get_state_dict", refuse)
    with pytest.raises(InputError, match=r"\(No route to host\).*weights_dir.*weights = \"none\""):
        resnet50_weights(None)


def test_the_loader_is_told_to_read_weights_only(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments: dict[str, object] = {}

    def answer(_self: object, **kwargs: object) -> dict[str, torch.Tensor]:
        arguments.update(kwargs)
        return {}

    monkeypatch.setattr(torchvision_models().ResNet50_Weights, "get_state_dict", answer)
    resnet50_weights(None)
    assert arguments["weights_only"] is True
    assert arguments["check_hash"] is True


def test_what_was_found_is_noted_by_content_and_not_by_file(tmp_path: Path) -> None:
    state = {"a": torch.tensor([1.0, 2.0]), "n": torch.tensor(3), "b": torch.ones(2, 2).bfloat16()}
    changed = {**state, "a": torch.tensor([1.0, 2.5])}
    reshaped = {**state, "b": torch.ones(4).bfloat16()}
    notes = []
    for k, (content, suffix) in enumerate(
        [(state, "pth"), (state, "safetensors"), (changed, "pth"), (reshaped, "pth")]
    ):
        folder = tmp_path / str(k)
        folder.mkdir()
        for network in ("resnet50", "hrnet_w32"):
            path = folder / f"{network}.{suffix}"
            (torch.save if suffix == "pth" else save_file)(content, path)
        resnet50_weights(folder)
        with recorded_weights() as noted:
            resnet50_weights(folder)
            timm_weights("hrnet_w32.ms_in1k", folder)
        assert set(noted) == {"resnet50", "hrnet_w32"}
        notes.append(noted["resnet50"])
        assert notes[k] == noted["hrnet_w32"]
    assert notes[0] == notes[1]
    assert len(set(notes)) == 3


@pytest.mark.parametrize("kind", ["safetensors", "pth"])
def test_weights_of_a_folder_arrive_in_the_network(tmp_path: Path, kind: str) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        state = torchvision_models().resnet50(weights=None).state_dict()
    if kind == "safetensors":
        save_file(state, tmp_path / "resnet50.safetensors")
    else:
        torch.save(state, tmp_path / "resnet50-0676ba61.pth")
    trunk, _ = build_backbone(IMAGENET, tmp_path, pretrained=True)
    arrived = trunk.state_dict()
    assert torch.equal(arrived["0.weight"], state["conv1.weight"])
    assert torch.equal(arrived["7.2.bn3.weight"], state["layer4.2.bn3.weight"])


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_file({"conv1.weight": torch.zeros(2, 3)}, tmp_path / "resnet50.safetensors")
    with pytest.raises(InputError, match="not those of a ResNet-50"):
        build_backbone(IMAGENET, tmp_path, pretrained=True)


def test_loading_a_saved_method_asks_for_no_imagenet_weights(tmp_path: Path) -> None:
    """`restore` overwrites every weight, so a machine without network can load a method."""
    profile = Profile("p", 32, 16, backbone={"name": "resnet50"}, weights_dir=tmp_path)
    donor = Profile("p", 32, 16, backbone={"name": "resnet50", "weights": "none"})
    method, donor_method = Plain(profile), Plain(donor)
    from crossres.methods import Run

    donor_method.network = donor_method.build(3, Run(seed=0), pretrained=False).eval()
    donor_method.identities = 3
    method.restore(donor_method.arrays())
    assert method.parameters_digest() == donor_method.parameters_digest()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("suffix", "content", "words"),
    [
        (".pth", b"<html>404</html>", "it is a web page"),
        (".pth", b"version https://git-lfs.github.com/spec/v1", "it is a Git LFS pointer"),
        (".pt", b"", "it is an empty file (0 bytes)"),
        (".pth", b"\x89HDF\r\n\x1a\n", "it is an HDF5 file"),
        (".pth", b"PK\x03\x04" + bytes(60), "it is damaged or cut short"),
        (".pth", pickle.dumps({"a": 1}, 4), "it holds Python objects besides tensors"),
        (".safetensors", b"<html>404</html>", "it is a web page"),
        (".safetensors", b"\x80\x02}q\0.", "it is a Python pickle"),
        (".safetensors", b"PK\x03\x04" + bytes(60), "it is a zip archive"),
        (".safetensors", b"\xff" * 50, "it is damaged or cut short"),
    ],
)
def test_what_is_no_file_of_weights_is_named(
    suffix: str, content: bytes, words: str, tmp_path: Path
) -> None:
    path = tmp_path / f"resnet50{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_state(path)
    assert str(caught.value).startswith(f"{path}: is not a plain file of weights ({words}")
    assert "weights_only" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_folder_or_nothing_in_place_of_weights_is_told(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"resnet50{suffix}"
    with pytest.raises(InputError, match=r"cannot be read \((No such file|it cannot be opened)"):
        read_state(path)
    path.mkdir()
    with pytest.raises(InputError, match=r"cannot be read \(it is a folder\); put"):
        read_state(path)


def test_a_checkpoint_says_what_it_holds(tmp_path: Path) -> None:
    checkpoint = {"epoch": 3, "weights": {"a": torch.zeros(1)}, "optimizer": {}}
    torch.save(checkpoint, tmp_path / "resnet50.pth")
    with pytest.raises(InputError, match=r"but a dict of epoch, weights, optimizer: keep its"):
        read_state(tmp_path / "resnet50.pth")


def test_of_a_checkpoint_its_state_dict_is_read(tmp_path: Path) -> None:
    checkpoint = {"epoch": 3, "state_dict": {"a": torch.ones(1)}, "optimizer": {}}
    torch.save(checkpoint, tmp_path / "resnet50.pth")
    assert read_state(tmp_path / "resnet50.pth") == {"a": torch.ones(1)}


def test_a_whole_module_is_not_unpickled(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "resnet50.pth")
    with pytest.raises(InputError, match=r"besides tensors.*save model\.state_dict\(\) alone"):
        read_state(tmp_path / "resnet50.pth")
