"""`crossres run --save-weights`: trained methods beside their records, and what resuming does."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

import crossres
from crossres.benchmark.records.record import record_path
from crossres.benchmark.records.weights import has_weights, weights_path, write_weights
from crossres.datasets.base.errors import InputError

TABLE = """
id = "kept"
datasets = ["mlr-viper"]
metrics = ["rank1", "mAP"]
seeds = [0]

[[rows]]
label = "Plain"
method = "plain"

[[rows]]
label = "SING"
method = "sing"
"""


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table, and a cache with its twin once it is drawn."""
    folder = tmp_path_factory.mktemp("kept")
    (folder / "kept.toml").write_text(TABLE)
    return folder


def run(workspace: Path, out: Path, *more: str) -> int:
    arguments = ["run", workspace / "kept.toml", "--profile", "smoke", "--out", out]
    return crossres.main(
        [*map(str, arguments), "--cache", str(workspace / "cache"), "--json", *more]
    )


@pytest.fixture(scope="session")
def finished(workspace: Path) -> Path:
    """A results folder with records and weights; not to be written to."""
    assert run(workspace, workspace / "finished", "--save-weights") == 0
    return workspace / "finished"


@pytest.fixture
def results(finished: Path, tmp_path: Path) -> Path:
    """A copy that may be written to."""
    return Path(shutil.copytree(finished, tmp_path / "results"))


def records(out: Path) -> dict[str, Any]:
    contents = (json.loads(path.read_text()) for path in (out / "records").iterdir())
    return {record["key"]: record for record in contents}


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(capsys.readouterr().out)
    return content


def test_each_record_has_its_weights_beside_it(finished: Path) -> None:
    by_key = records(finished)
    assert {path.name for path in (finished / "weights").iterdir()} == set(by_key)
    for key, record in by_key.items():
        folder = finished / "weights" / key
        assert {path.name for path in folder.iterdir()} == {"method.json", "weights.safetensors"}
        description = json.loads((folder / "method.json").read_text())
        assert description["digest"] == record["digests"]["weights"]
        assert description["method"] == record["cell"]["method"]
        assert description["options"] == record["cell"]["options"]
        origin = {"key": key, "seed": 0, "dataset": "mlr-viper", "protocol": "mlr-sing"}
        assert origin.items() <= description["origin"].items()
        assert description["origin"]["source"] == record["cell"]["source"]
        assert description["origin"]["manifest"] == record["digests"]["manifest"]
        assert description["origin"]["kernels"] == record["environment"]["kernels"]
        saved = load_file(folder / "weights.safetensors")
        assert sum(array.size for array in saved.values()) > record["counts"]["parameters"]


def test_the_folder_alone_makes_the_method_again(finished: Path, tmp_path: Path) -> None:
    for key, record in records(finished).items():
        shutil.copytree(finished / "weights" / key, tmp_path / key)
        method = crossres.load_method(tmp_path / key)
        assert method.parameters_digest() == record["digests"]["weights"]
        assert (method.profile.height, method.profile.width) == (32, 16)
        assert method.profile.backbone == record["profile"]["backbone"]


def test_saving_weights_changes_no_result(finished: Path, workspace: Path, tmp_path: Path) -> None:
    assert run(workspace, tmp_path / "bare") == 0
    assert not (tmp_path / "bare" / "weights").exists()
    with_weights, bare = records(finished), records(tmp_path / "bare")
    assert set(with_weights) == set(bare)
    for key, record in with_weights.items():
        assert record["digests"] == bare[key]["digests"]
        assert record["metrics"] == bare[key]["metrics"]


def test_a_cell_without_weights_is_run_again_for_them(
    results: Path, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = records(results)
    first, second = sorted(before)
    shutil.rmtree(results / "weights" / first)
    capsys.readouterr()
    assert run(workspace, results, "--save-weights", "--dry-run") == 0
    states = {cell["key"]: cell["state"] for cell in answer(capsys)["cells"]}
    assert states == {first: "no weights", second: "done"}
    assert run(workspace, results) == 0
    assert answer(capsys)["run_now"] == []
    assert run(workspace, results, "--save-weights") == 0
    output = capsys.readouterr()
    assert json.loads(output.out)["run_now"] == [first]
    assert json.loads(output.out)["weights"] == str(results / "weights")
    assert "1 cell to run again: has a record, but its weights were not kept" in output.err
    assert records(results)[first]["digests"] == before[first]["digests"]
    crossres.load_method(results / "weights" / first)
    assert run(workspace, results, "--save-weights") == 0
    assert answer(capsys)["run_now"] == []


@pytest.mark.parametrize("damage", ["half", "foreign", "other weights", "no safetensors"])
def test_weights_that_are_not_those_of_the_record_are_replaced(
    damage: str, results: Path, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = sorted(records(results))[0]
    description = results / "weights" / key / "method.json"
    text = description.read_text()
    if damage == "half":
        description.write_text(text[:100])
    elif damage == "foreign":
        description.write_text('{"architectures": ["Some"]}')
    elif damage == "other weights":
        description.write_text(text.replace(json.loads(text)["digest"], "0" * 64))
    else:
        (description.parent / "weights.safetensors").unlink()
    capsys.readouterr()
    assert run(workspace, results, "--save-weights", "--rows", "1,2") == 0
    assert answer(capsys)["run_now"] == [key]
    assert description.read_text() == text
    assert sorted(path.name for path in (results / "weights").iterdir()) == sorted(records(results))


def test_another_result_than_the_records_is_not_slipped_in(
    results: Path, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As if the record came from another machine: it stays, and its weights are not invented."""
    key = sorted(records(results))[0]
    path = record_path(results, key)
    content = json.loads(path.read_text())
    content["digests"]["weights"] = "1" * 64
    path.write_text(json.dumps(content))
    before = {p: p.read_bytes() for p in (results / "weights" / key).iterdir()}
    capsys.readouterr()
    assert run(workspace, results, "--save-weights") == 1
    (failure,) = answer(capsys)["failures"]
    assert failure["key"] == key
    assert "another result than its record" in failure["reason"]
    assert json.loads(path.read_text()) == content
    assert before == {p: p.read_bytes() for p in (results / "weights" / key).iterdir()}


def test_where_weights_lie_a_new_record_brings_new_ones(
    results: Path, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --save-weights, too: else they would belong to no record any more."""
    key = sorted(records(results))[0]
    path = record_path(results, key)
    content = json.loads(path.read_text())
    content["digests"]["code"] = "0" * 64
    path.write_text(json.dumps(content))
    old = (results / "weights" / key).stat().st_ino
    capsys.readouterr()
    assert run(workspace, results) == 0
    assert answer(capsys)["run_now"] == [key]
    assert (results / "weights" / key).stat().st_ino != old
    crossres.load_method(results / "weights" / key)


def test_results_folders_with_weights_can_be_merged(
    finished: Path, workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = tmp_path / "both"
    for row in ("1", "2"):
        part = tmp_path / row
        assert run(workspace, part, "--save-weights", "--rows", row) == 0
        shutil.copytree(part, both, dirs_exist_ok=True)
    capsys.readouterr()
    assert run(workspace, both, "--save-weights") == 0
    assert answer(capsys)["run_now"] == []
    assert {p.name for p in (both / "weights").iterdir()} == set(records(finished))


def test_an_unwritable_place_is_said_before_anything_runs(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "weights").write_text("a file is in the way")
    assert run(workspace, tmp_path / "out", "--save-weights") == 2
    assert "cannot be written" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "out" / "records").exists()


def test_weights_are_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_weights(tmp_path, "k", {"method.json": b"old", "weights.safetensors": b"old"})

    def full_disk(path: Path, content: bytes) -> None:
        if path.name == "method.json":
            raise InputError(f"{path}: cannot be written (No space left on device)")
        path.write_bytes(content)

    monkeypatch.setattr("crossres.benchmark.records.weights.write_atomically", full_disk)
    with pytest.raises(InputError, match="No space left"):
        write_weights(tmp_path, "k", {"weights.safetensors": b"new", "method.json": b"new"})
    assert [path.name for path in (tmp_path / "weights").iterdir()] == ["k"]
    assert {p.read_bytes() for p in weights_path(tmp_path, "k").iterdir()} == {b"old"}


def test_a_folder_without_weights_has_none(finished: Path, tmp_path: Path) -> None:
    for record in crossres.read_records(finished):
        assert has_weights(finished, record)
        assert not has_weights(tmp_path, record)
