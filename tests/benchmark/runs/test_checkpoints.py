"""A cell that is interrupted and resumed gives the result of one that never was."""

import json
import logging
import random
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from crossres.benchmark.config.profiles import load_profile
from crossres.benchmark.records.cell import Job, canonical_json
from crossres.benchmark.records.record import record_content
from crossres.benchmark.runs import cell as cell_module
from crossres.benchmark.runs.cell import CellResult, run_cell
from crossres.benchmark.runs.checkpoints import OVERVIEW
from crossres.datasets.base.files import digest_of
from crossres.methods.interface.registry import method_class, method_names
from crossres.methods.interface.run import Run
from crossres.methods.plain import Plain
from crossres.methods.shared.networks.imagenet_weights import resnet50_weights
from crossres.methods.shared.torch_method import TorchMethod
from tests.benchmark.runs.jobs import make

Files = dict[str, bytes]
NETWORKS = [
    name
    for name in method_names()
    if issubclass(method_class(name), TorchMethod) and name != "frozen"  # which is not trained
]
# More than the defaults do: two loops, means of weights, dropout, several optimisers, erasing.
MORE: list[tuple[str, dict[str, Any]]] = [
    ("msifla", {"ir_first": 1.0, "steps": "separate", "mean_from": 0.3, "erase": 0.5}),
    ("ps-hrnet", {"dropout": 0.5, "mean_from": 0.3}),
    ("bot", {"centre_weight": 0.1, "optimiser": "sgd", "crop": 2}),
    ("csr-gan", {"gan_from": 0.0}),
    ("intact", {"association_from": 0.0}),
]


class Killed(BaseException):
    """What a worker that is killed in the middle leaves: nothing but its checkpoints."""


class Worker:
    """The report of a cell: counts steps and checkpoints, and dies after one of these."""

    def __init__(self, dies_after: int = 0) -> None:
        self.dies_after = dies_after
        self.steps: list[int] = []
        self.files: list[Files] = []

    def __call__(self, phase: str, done: int, total: int) -> None:
        del total
        if phase == "fit":
            self.steps.append(done)

    def checkpoint(self, files: Mapping[str, bytes]) -> None:
        self.files.append(dict(files))
        if len(self.files) == self.dies_after:
            raise Killed


def interrupted(job: Job, step: int, resumed: Files | None = None, before: int = 0) -> Files:
    """Run a cell that dies after this step, from a checkpoint of step `before`."""
    worker = Worker(step - before)
    with suppress(Killed):
        run_cell(job, worker, resumed=resumed, checkpoint_seconds=0.0)
        pytest.fail("was not interrupted")
    assert worker.steps == list(range(before + 1, step + 1))
    return worker.files[-1]


def everything(result: CellResult) -> Any:
    """All of a result but its times, memory and energy, to be compared."""
    content = record_content(result.record)
    seconds = content.pop("seconds")
    assert seconds["total"] + 0.01 >= sum(s for name, s in seconds.items() if name != "total")
    del content["peak_memory_bytes"]
    content.pop("energy", None)
    arrays = {n: (a.dtype, a.shape, a.tobytes()) for n, a in result.artifact.items()}
    return canonical_json(content), list(arrays.items()), result.weights


@pytest.mark.parametrize(
    ("method", "options"),
    [*((name, {}) for name in NETWORKS), *MORE],
    ids=lambda value: value if isinstance(value, str) else ",".join(value),
)
def test_a_cell_that_was_killed_twice_ends_as_one_that_never_was(
    pku_root: Path, tmp_path: Path, method: str, options: dict[str, Any]
) -> None:
    job = make(pku_root, tmp_path, load_profile("smoke"), method, **options)
    undisturbed = Worker()
    expected = run_cell(job, undisturbed, keep_weights=True)
    total = len(undisturbed.steps)
    draw = random.Random(f"{method} {options}")
    # Loops of one method are about equally long, so that this is a step of each.
    first, second = draw.randint(1, total // 2), draw.randint(total // 2 + 1, total)
    files = interrupted(job, first)
    files = interrupted(job, second, files, first)
    last = Worker()
    result = run_cell(job, last, keep_weights=True, resumed=files)
    assert last.steps == list(range(second + 1, total + 1))
    assert everything(result) == everything(expected)


def test_checkpoints_do_not_change_what_a_cell_gives(pku_root: Path, tmp_path: Path) -> None:
    job = make(pku_root, tmp_path, load_profile("smoke"), "vpfa")
    often, seldom = Worker(), Worker()
    results = [
        run_cell(job, often, checkpoint_seconds=0.0),
        run_cell(job, seldom, checkpoint_seconds=3600.0),
    ]
    assert everything(results[0]) == everything(results[1])
    assert len(often.files) == len(often.steps) > 6
    assert seldom.files == []


def test_checkpoints_are_data_and_nothing_else(pku_root: Path, tmp_path: Path) -> None:
    files = interrupted(make(pku_root, tmp_path, load_profile("smoke"), "plain"), 2)
    kinds = {name.rpartition(".")[2] for name in files}
    assert kinds == {"json", "safetensors", "curves-drawn"}
    assert all(not content.startswith((b"\x80", b"PK")) for content in files.values())


def test_a_method_without_checkpoints_starts_anew(
    pku_root: Path, tmp_path: Path, plugin: Path
) -> None:
    assert plugin.is_dir()
    job = make(pku_root, tmp_path, load_profile("smoke"), "judea")
    worker = Worker(1)
    result = run_cell(job, worker, checkpoint_seconds=0.0)
    assert worker.files == []
    assert everything(result) == everything(run_cell(job, Worker()))


@pytest.fixture(scope="module")
def job(pku_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Job:
    return make(pku_root, tmp_path_factory.mktemp("cache"), load_profile("smoke"), "plain")


@pytest.fixture(scope="module")
def undisturbed(job: Job) -> CellResult:
    return run_cell(job, Worker())


@pytest.fixture(scope="module")
def sound(job: Job) -> Files:
    return interrupted(job, 2)


def sealed(files: Files, **changes: Any) -> Files:
    """The same checkpoint with other entries in its overview, as if it had been made so."""
    overview = json.loads(files[OVERVIEW])
    del overview["digest"]
    overview |= changes
    overview["digest"] = digest_of(canonical_json(overview))
    return files | {OVERVIEW: canonical_json(overview)}


def damaged(files: Files) -> Iterator[tuple[str, Files, str]]:
    overview = json.loads(files[OVERVIEW])
    tensors = "training-loop0.safetensors"
    yield "nothing", {}, "it has no whole cell.json"
    yield "other files", {"notes.txt": b"x"}, "it has no whole cell.json"
    yield "empty overview", files | {OVERVIEW: b""}, "it has no whole cell.json"
    yield "a list", files | {OVERVIEW: b"[1]"}, "it has no whole cell.json"
    yield "cut overview", files | {OVERVIEW: files[OVERVIEW][:-9]}, "it has no whole cell.json"
    altered = files[OVERVIEW].replace(b'"seconds":', b'"seconds":1')
    yield "altered overview", files | {OVERVIEW: altered}, "it has no whole cell.json"
    yield "of a later version", sealed(files, format=2), "it is of format 2, not 1"
    for name in (tensors, "training-training.json", "curves-recorded.json", "curves-drawn"):
        without = {other: content for other, content in files.items() if other != name}
        yield f"without {name}", without, f"it lacks {name} as it was written"
        yield f"cut {name}", files | {name: files[name][:-1]}, f"it lacks {name} as"
        flipped = bytearray(files[name])
        flipped[len(flipped) // 2] ^= 1
        yield f"a bit of {name}", files | {name: bytes(flipped)}, f"it lacks {name} as"
    for name, value in overview["identity"].items():
        other = sealed(files, identity=overview["identity"] | {name: "another"})
        yield f"other {name}", other, f"it was made with {name} another, which is {value} here"
    less = {name: value for name, value in overview["identity"].items() if name != "code"}
    yield "of no code", sealed(files, identity=less), "it was made with code None, which is"
    yield "other weights", sealed(files, initial={"resnet50": "1"}), "began with other ImageNet"


def test_what_is_no_sound_checkpoint_of_this_cell_is_ignored_with_one_warning(
    job: Job, undisturbed: CellResult, sound: Files, caplog: pytest.LogCaptureFixture
) -> None:
    cases = list(damaged(sound))
    assert len(cases) > 25
    for title, files, words in cases:
        caplog.clear()
        worker = Worker()
        with caplog.at_level(logging.WARNING):
            result = run_cell(job, worker, resumed=files)
        (record,) = caplog.records
        assert words in record.getMessage(), title
        assert "its training starts anew" in record.getMessage()
        assert "\n" not in record.getMessage()
        assert worker.steps == list(range(1, 7)), title
        assert everything(result) == everything(undisturbed), title


def test_a_sound_one_is_not(
    job: Job, undisturbed: CellResult, sound: Files, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker()
    with caplog.at_level(logging.WARNING):
        result = run_cell(job, worker, resumed=sealed(sound))
    assert caplog.records == []
    assert worker.steps == [3, 4, 5, 6]
    assert everything(result) == everything(undisturbed)


def test_that_of_another_cell_is_ignored(
    pku_root: Path, tmp_path: Path, sound: Files, caplog: pytest.LogCaptureFixture
) -> None:
    other = make(pku_root, tmp_path, load_profile("smoke"), "plain", 1)
    expected = run_cell(other, Worker())
    with caplog.at_level(logging.WARNING):
        result = run_cell(other, Worker(), resumed=sound)
    assert [record.getMessage().partition(": it ")[2][:17] for record in caplog.records] == [
        "was made with key"
    ]
    assert everything(result) == everything(expected)


def test_the_seconds_of_the_part_before_the_interruption_count(job: Job, sound: Files) -> None:
    earlier = sealed(sound, seconds=1000.0)
    seconds = run_cell(job, Worker(), resumed=earlier).record.seconds
    assert 1000.0 < seconds["fit"] < seconds["total"] < 1100.0


def test_imagenet_weights_that_changed_since_are_noticed(
    pku_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """The weights of the checkpoint came from others than the record would say."""
    build = Plain.build

    def begin(self: Plain, identities: int, run: Run, pretrained: bool) -> Any:
        resnet50_weights(self.profile.weights_dir)
        return build(self, identities, run, pretrained)

    monkeypatch.setattr(Plain, "build", begin)
    job = make(pku_root, tmp_path, load_profile("smoke"), "plain")
    job = replace(job, profile=replace(job.profile, weights_dir=tmp_path))
    save_file({"conv1.weight": torch.full((2,), 1.0)}, tmp_path / "resnet50.safetensors")
    files = interrupted(job, 3)
    worker = Worker()
    run_cell(job, worker, resumed=files)
    assert worker.steps == [4, 5, 6]
    assert caplog.records == []
    save_file({"conv1.weight": torch.full((2,), 2.0)}, tmp_path / "resnet50.safetensors")
    worker = Worker()
    run_cell(job, worker, resumed=files)
    assert worker.steps == [1, 2, 3, 4, 5, 6]
    assert "it began with other ImageNet weights" in caplog.records[0].getMessage()


def test_changed_code_is_noticed(
    job: Job, sound: Files, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cell_module, "cell_code", lambda _method, _reader: "of today")
    worker = Worker()
    run_cell(job, worker, resumed=sound)
    assert worker.steps == [1, 2, 3, 4, 5, 6]
    assert "which is of today here" in caplog.records[0].getMessage()
