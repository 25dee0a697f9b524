"""Files of released networks: all that their code bases write fits, and what does not is named."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from crossres.datasets import InputError
from crossres.methods.shared.networks import osnet, released
from crossres.methods.shared.networks.imagenet_weights import recorded_weights
from crossres.methods.shared.networks.pretrained_base import misfits
from crossres.methods.shared.networks.released import (
    FAMILIES,
    models_of,
    released_network,
    released_size,
)
from tests.methods.shared.networks.released_states import FILES, drawn, listed

NAMES = sorted(
    f"{family}:{name}"
    for family, structures in FAMILIES.items()
    for structure in structures
    for name in structure.MODELS
)
MODEL = "torchreid:osnet_x0_25"
STATE = drawn(listed(MODEL))
IMAGES = torch.rand(2, 3, 32, 16, generator=torch.Generator().manual_seed(1))


def built(folder: Path | None, file: str | None = None, model: str = MODEL) -> Any:
    return released_network(model, (), (32, 16), folder, file, is_pretrained=True).eval()


def own(network: Any) -> Tensor:
    with torch.inference_mode():
        feature: Tensor = network.own(IMAGES)
    return feature


@pytest.fixture(scope="module")
def feature(tmp_path_factory: pytest.TempPathFactory) -> Tensor:
    """Return what the network of STATE gives."""
    folder = tmp_path_factory.mktemp("plain")
    torch.save(STATE, folder / "osnet_x0_25.pth")
    return own(built(folder))


def test_each_model_has_its_list_of_all_tensors() -> None:
    assert [path.stem.replace("-", ":", 1) for path in sorted(FILES.glob("*.txt"))] == NAMES


@pytest.mark.parametrize("model", NAMES)
def test_all_tensors_of_the_real_file_are_known_and_all_of_the_network_are_in_it(
    model: str,
) -> None:
    """Nothing of a network is missing in the file or of another shape, nothing there is left over
    but heads."""
    family, _, name = model.partition(":")
    (structure,) = (structure for structure in FAMILIES[family] if name in structure.MODELS)
    spec = structure.MODELS[name]
    with torch.device("meta"):
        state = {tensor: torch.empty(shape) for tensor, shape in listed(model).items()}
        network = structure.build(spec, (), spec.size)
        fitting = structure.renamed(state, network)
    assert released_size(model) == spec.size
    faults = misfits(network.network.state_dict(), fitting, structure.LEFT_OUT)
    assert not any(faults.values()), faults


def test_a_file_is_of_one_model_alone() -> None:
    model = "transreid:vit_jpm"
    state = {name: torch.empty(shape, device="meta") for name, shape in listed(model).items()}
    assert models_of(state, released_size(model)) == [model]


def wrapped(name: str) -> Callable[[Path], None]:
    return lambda path: torch.save({name: STATE, "epoch": 60, "optimizer": {"state": {}}}, path)


def parallel(path: Path) -> None:
    torch.save({"state_dict": {f"module.{name}": x for name, x in STATE.items()}}, path)


def old(path: Path) -> None:
    """Write the file format of torch before 1.6, without counters, as torch before 0.4.1 did."""
    kept = {name: x for name, x in STATE.items() if "num_batches_tracked" not in name}
    torch.save(kept, path, _use_new_zipfile_serialization=False)


def headless(path: Path) -> None:
    torch.save({name: x for name, x in STATE.items() if "classifier" not in name}, path)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("model.pth.tar-60", wrapped("state_dict")),
        ("osnet.pt", wrapped("model")),
        ("osnet.ckpt", wrapped("teacher")),
        ("osnet.pth", parallel),
        ("osnet.bin", old),
        ("osnet", headless),
        ("osnet.safetensors", lambda path: save_file(STATE, path)),
    ],
)
def test_all_ways_in_which_files_are_written_are_read(
    name: str, write: Callable[[Path], None], feature: Tensor, tmp_path: Path
) -> None:
    write(tmp_path / name)
    assert torch.equal(own(built(tmp_path, name)), feature)


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
def test_half_precision_is_read(precision: torch.dtype, feature: Tensor, tmp_path: Path) -> None:
    half = {n: x.to(precision) if x.is_floating_point() else x for n, x in STATE.items()}
    torch.save(half, tmp_path / "half.pth")
    network = built(tmp_path, "half.pth")
    assert all(p.dtype == torch.float32 for p in network.parameters())
    assert 0 < (own(network) - feature).norm() / feature.norm() < 0.05


def test_the_file_that_was_read_is_recorded_by_its_content(tmp_path: Path) -> None:
    wrapped("state_dict")(tmp_path / "model.pth.tar-60")
    torch.save(STATE, tmp_path / "osnet_x0_25_market.pth")
    with recorded_weights() as digests:
        built(tmp_path, "model.pth.tar-60")
        built(tmp_path)
    assert list(digests) == ["model.pth.tar-60", "osnet_x0_25"]
    assert len(set(digests.values())) == 1


def test_what_has_no_place_is_named_and_heads_are_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    torch.save(STATE, tmp_path / "a.pth")
    built(tmp_path, "a.pth")
    assert not caplog.records
    torch.save(STATE | {"attention.weight": torch.ones(2)}, tmp_path / "b.pth")
    built(tmp_path, "b.pth")
    assert f"{MODEL}: left out of its weights: attention.weight" in caplog.text


@pytest.fixture
def only_osnet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no other networks to compare a file with: it takes seconds."""
    monkeypatch.setattr(released, "FAMILIES", {"torchreid": (osnet,)})


@pytest.mark.usefixtures("only_osnet")
def test_a_file_of_another_model_is_refused_and_the_model_named(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "osnet_x0_5_market.pth")
    with pytest.raises(
        InputError,
        match=r"osnet_x0_5_market.pth: the weights are not those of torchreid:osnet_x0_5: of "
        r"another shape: stem.conv.weight \(16, 3, 7, 7\) in place of \(32, .* and \d+ more; "
        r"it is of torchreid:osnet_x0_25$",
    ) as caught:
        built(tmp_path, model="torchreid:osnet_x0_5")
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("only_osnet")
def test_missing_tensors_and_odd_shapes_are_named(tmp_path: Path) -> None:
    state = {name: x for name, x in STATE.items() if name != "conv3.1.gate.fc2.bias"}
    torch.save(state | {"fc.0.bias": torch.ones(7)}, tmp_path / "odd.pth")
    with pytest.raises(
        InputError,
        match=r"missing: stages.3.1.gate.fc2.bias; of another shape: fc.0.bias \(7,\) in place of "
        r"\(512,\)$",
    ):
        built(tmp_path, "odd.pth")


class Bomb:
    """Unpickling this writes a file: proof that it happened."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, (f"open({str(self.target)!r}, 'w').close()",)


@pytest.mark.parametrize("writer", [pickle.dump, torch.save])
def test_pickled_objects_are_not_run_and_the_remedy_is_told(
    writer: Callable[[Any, Any], None], tmp_path: Path
) -> None:
    with (tmp_path / "osnet.pth").open("wb") as file:
        writer({"state_dict": STATE, "args": Bomb(tmp_path / "ran")}, file)
    with pytest.raises(
        InputError, match=r"never unpickled, or a program; where you trust it, .*: python -c"
    ) as caught:
        built(tmp_path, "osnet.pth")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()


def test_the_remedy_for_pickled_objects_makes_a_file_that_is_read(
    feature: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rank-1 of a checkpoint is a number of numpy's in files that torchreid saved."""
    checkpoint = {"state_dict": STATE, "epoch": 60, "rank1": np.float64(0.9)}
    torch.save(checkpoint, tmp_path / "FILE")
    with pytest.raises(InputError, match="never unpickled") as caught:
        built(tmp_path, "FILE")
    code = str(caught.value).partition('python -c "')[2].partition('"')[0]
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert torch.equal(own(built(tmp_path, "tensors.pth")), feature)


@pytest.mark.parametrize("kept", [0, 100, 400_000])
def test_files_that_are_cut_short_are_named(kept: int, tmp_path: Path) -> None:
    path = tmp_path / "osnet.pth"
    torch.save(STATE, path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"osnet.pth: is not a plain file of weights") as caught:
        built(tmp_path, "osnet.pth")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda x: x.to_sparse(), "fc.0.bias is sparse, quantised, complex or empty of numbers"),
        (lambda x: x.to(torch.complex64), "fc.0.bias is sparse, quantised, complex or empty"),
        (lambda x: x.to("meta"), "fc.0.bias is sparse, quantised, complex or empty of numbers"),
        (lambda x: x.long(), "of another type: fc.0.bias torch.int64 in place of torch.float32"),
    ],
)
@pytest.mark.usefixtures("only_osnet")
def test_tensors_that_are_no_plain_numbers_are_named(
    change: Callable[[Tensor], Tensor], fault: str, tmp_path: Path
) -> None:
    torch.save(STATE | {"fc.0.bias": change(STATE["fc.0.bias"])}, tmp_path / "odd.pth")
    with pytest.raises(InputError, match=f"odd.pth.*{fault}"):
        built(tmp_path, "odd.pth")


def test_programs_are_not_run(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "osnet.pt")
    with pytest.raises(InputError, match=r"or a program; where you trust it, keep its tensors al"):
        built(tmp_path, "osnet.pt")


def test_a_file_without_tensors_by_name_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": {"net": STATE}, "epoch": 3}, tmp_path / "osnet.pth")
    with pytest.raises(InputError, match=r"holds no state dict .* but a dict of state_dict, epoch"):
        built(tmp_path, "osnet.pth")
    torch.save(STATE | {5: torch.ones(2)}, tmp_path / "numbered.pth")
    with pytest.raises(InputError, match=r"holds no state dict"):
        built(tmp_path, "numbered.pth")


def test_without_a_folder_or_a_file_it_is_said_where_to_put_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no weights of .*--weights-file FILE.*--weights-dir DIR"):
        built(None)
    with pytest.raises(InputError, match=r"no osnet_x0_25 weights there; put the file that torchr"):
        built(tmp_path)
    with pytest.raises(InputError, match=r"no other.pth weights there"):
        built(tmp_path, "other.pth")


def test_unknown_names_are_refused_with_those_that_there_are() -> None:
    with pytest.raises(
        InputError, match=r"has no model 'osnet_x0_2' \(did you mean 'osnet_x0_25'\?\); it has osn"
    ):
        built(None, model="torchreid:osnet_x0_2")
