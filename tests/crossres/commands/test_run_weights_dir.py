"""`crossres run --weights-dir`: ImageNet weights of a folder; reports say what began from which."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import crossres
from crossres.methods.shared.networks.optional_libraries import torchvision_models

TABLE = """
id = "start"
datasets = ["mlr-viper"]
metrics = ["rank1"]
seeds = [0]

[[rows]]
label = "Plain"
method = "plain"
"""

PROFILE = """
name = "tiny-resnet50"
height = 32
width = 16
twin_size = "tiny"
train = { iterations = 1, identities = 2, hr_images = 1, lr_images = 1 }

[backbone]
name = "resnet50"
weights = "imagenet"

[methods.plain]
parts = 1
reid_lr = 1e-12
"""


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table, a profile that starts from ImageNet weights, and one that starts from none."""
    folder = tmp_path_factory.mktemp("start")
    (folder / "start.toml").write_text(TABLE)
    (folder / "imagenet.toml").write_text(PROFILE)
    (folder / "none.toml").write_text(PROFILE.replace('"imagenet"', '"none"'))
    return folder


def run(workspace: Path, profile: str, out: Path, *more: object) -> int:
    arguments = ["run", workspace / "start.toml", "--profile", workspace / f"{profile}.toml", *more]
    return crossres.main(
        [*map(str, arguments), "--out", str(out), "--cache", str(workspace / "cache")]
    )


def assert_refused(capsys: pytest.CaptureFixture[str], code: int, *words: str) -> None:
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert code == 2, last
    assert last.startswith("crossres: ")
    for word in words:
        assert word in last


def test_weights_that_are_not_there_or_not_these_are_said_before_any_cell(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*words: str) -> None:
        code = run(workspace, "imagenet", tmp_path / "out", "--weights-dir", tmp_path / "w")
        assert_refused(capsys, code, *words)
        assert not list((tmp_path / "out").iterdir())

    refused("no resnet50 weights there", "put resnet50.safetensors")
    (tmp_path / "w").mkdir()
    refused("no resnet50 weights there")
    weights = tmp_path / "w" / "resnet50.safetensors"
    weights.write_bytes(b"<html>404</html>")
    refused("resnet50.safetensors", "is not a plain file of weights")
    save_file({"conv1.weight": torch.zeros(2, 3)}, weights)
    refused("not those of a ResNet-50 in torchvision's names")


def test_weights_that_a_profile_does_not_start_from_are_refused(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(workspace, "none", tmp_path / "out", "--weights-dir", tmp_path)
    assert_refused(capsys, code, 'weights = "none"', "starts from no ImageNet weights")


@pytest.mark.slow
def test_the_weights_of_a_folder_are_what_training_starts_from(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After one step of a learning rate of next to nothing they are still there."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        state = torchvision_models().resnet50(weights=None).state_dict()
    (tmp_path / "w").mkdir()
    save_file(state, tmp_path / "w" / "resnet50.safetensors")
    options = ("--save-weights", "--weights-dir", tmp_path / "w", "--json")
    assert run(workspace, "imagenet", tmp_path / "a", *options) == 0, capsys.readouterr().err
    assert json.loads(capsys.readouterr().out)["complete"]
    (first,) = crossres.read_records(tmp_path / "a")
    assert run(workspace, "imagenet", tmp_path / "a", *options) == 0
    assert json.loads(capsys.readouterr().out)["run_now"] == []
    state["conv1.weight"] += 1.0
    save_file(state, tmp_path / "w" / "resnet50.safetensors")
    assert run(workspace, "imagenet", tmp_path / "a", *options) == 0
    output = capsys.readouterr()
    assert json.loads(output.out)["run_now"] == [first.key]
    assert "1 cell to run again: began with other ImageNet weights" in output.err
    (second,) = crossres.read_records(tmp_path / "a")
    assert second.initial["resnet50"] != first.initial["resnet50"]
    html = (tmp_path / "a" / "report" / "index.html").read_text(encoding="utf-8")
    assert "initial resnet50" in html
    assert second.initial["resnet50"] in html
    restored = trained(tmp_path / "a", "layer4.2.conv3.weight", state)
    assert torch.allclose(restored, state["layer4.2.conv3.weight"], atol=1e-6)
    assert run(workspace, "none", tmp_path / "b", "--save-weights") == 0
    fresh = trained(tmp_path / "b", "layer4.2.conv3.weight", state)
    assert not torch.allclose(fresh, state["layer4.2.conv3.weight"], atol=1e-3)
    for out, origin, weights in (("a", "ImageNet", "imagenet"), ("b", "random", "none")):
        (record,) = crossres.read_records(tmp_path / out)
        assert record.profile["backbone"]["weights"] == weights
        report = tmp_path / out / "report"
        words = f"resnet50 from {origin} weights at 32×16"
        assert words in (report / "index.html").read_text(encoding="utf-8")
        assert words in (report / "start.md").read_text(encoding="utf-8")
        tex = (report / "start.tex").read_text(encoding="utf-8")
        assert words.replace("×", r"$\times$") in tex


def trained(out: Path, name: str, state: dict[str, torch.Tensor]) -> torch.Tensor:
    """The one array of the saved method that has this name's place in a ResNet-50's trunk."""
    (folder,) = (out / "weights").iterdir()
    method = crossres.load_method(folder)
    last = name.removeprefix("layer4.")
    places = [key for key in method.arrays() if key.endswith(f"7.{last}")]
    (layer,) = [key for key in places if method.arrays()[key].shape == tuple(state[name].shape)]
    return torch.from_numpy(method.arrays()[layer])
