"""The driver: resuming, failing cells, what is in the way, and Ctrl-C."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from crossres.benchmark import (
    load_table,
    read_records,
)
from crossres.benchmark.records.artifacts import artifact_path
from crossres.benchmark.records.commit import Commit
from crossres.benchmark.records.images import images_path
from crossres.benchmark.records.kept import kept_tables
from crossres.benchmark.records.planned import read_runs
from crossres.benchmark.records.record import record_path
from crossres.benchmark.runs import driver
from crossres.datasets.base.errors import InputError
from crossres.datasets.raw.source import Source
from crossres.datasets.twins import TWIN_VERSION
from crossres.methods.shared.networks.imagenet_weights import recorded_weights, resnet50_weights
from tests.benchmark.runs.bench import FOLDERS, Bench


def test_a_run_writes_a_record_and_an_artifact_per_cell(bench: Bench) -> None:
    summary = bench.run()
    assert summary.complete
    assert not summary.failures
    keys = {cell.job.key for cell in summary.plan.cells}
    assert len(keys) == 4
    assert {record.key for record in read_records(bench.out)} == keys
    assert {path.stem for path in (bench.out / "artifacts").iterdir()} == keys
    assert sorted(path.name for path in bench.out.iterdir()) == FOLDERS
    assert kept_tables(bench.out) == [load_table(bench.table)]
    assert bench.lines[0].startswith("[1 of 1] mlr-pku: partial data ready in ")
    assert bench.lines[1].startswith("mine: 4 cells: 0 done, 4 to run, about 0:01 with 2 workers")
    assert sum("rank-1" in line and "mAP" in line for line in bench.lines) == 4
    assert bench.lines[-1].startswith(f"4 of 4 cells have their record in {bench.out / 'records'}")


def test_thumbnails_are_kept_once_for_all_cells_of_a_test_set(bench: Bench) -> None:
    bench.run(seeds=[0])
    records = read_records(bench.out)
    assert len(records) == 2
    (pixels,) = {record.digests["pixels"] for record in records}
    numbers = np.concatenate([f["numbers"] for f in map(np.load, _images(bench, pixels))])
    assert len(set(numbers.tolist())) == len(numbers)
    named = set()
    for record in records:
        arrays = np.load(artifact_path(bench.out, record.key))
        total = len(arrays["scored_names"])
        gallery = np.concatenate([arrays["ranked_rows"].ravel(), arrays["first_rows"]])
        named |= {*arrays["ranked_queries"].tolist(), *(gallery[gallery >= 0] + total).tolist()}
    assert named == set(numbers.tolist())

    before = _images(bench, pixels)
    record_path(bench.out, records[0].key).unlink()  # run again, it has nothing new to show
    assert bench.run(seeds=[0]).complete
    assert _images(bench, pixels) == before


def _images(bench: Bench, pixels: str) -> list[Path]:
    return sorted(images_path(bench.out, pixels).iterdir())


def test_a_second_run_finds_everything_done(bench: Bench) -> None:
    bench.run()
    before = {path: path.stat().st_mtime_ns for path in bench.out.glob("records/*")}
    assert len(before) == 4
    summary = bench.run()
    assert (summary.complete, summary.finished) == (True, ())
    assert bench.lines[1] == "mine: 4 cells: 4 done, 0 to run"
    assert before == {path: path.stat().st_mtime_ns for path in bench.out.glob("records/*")}


def test_a_run_names_the_commit_that_it_was_started_at_and_no_record_does(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def commit() -> str:
        author = ["-c", "user.name=A", "-c", "user.email=a@b"]
        arguments = ["commit", "--quiet", "--allow-empty", "--message", "more"]
        subprocess.run(["git", *author, *arguments], check=True)
        asked = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, check=True)
        return asked.stdout.decode().strip()

    def kept() -> Commit | None:
        (run,) = read_runs(bench.out).runs
        return run.commit

    repository = tmp_path / "repository"
    repository.mkdir()
    monkeypatch.chdir(repository)
    bench.run(seeds=[0])
    assert kept() is None
    made = {path: path.read_bytes() for path in (bench.out / "records").iterdir()}
    subprocess.run(["git", "init", "--quiet"], check=True)
    for _ in range(2):
        head = commit()
        assert bench.run(seeds=[0]).finished == ()  # what is there is as of the code of now
        assert kept() == Commit(head, changed=False)
    assert {path: path.read_bytes() for path in made} == made


def test_more_seeds_or_rows_run_only_what_is_new(bench: Bench) -> None:
    assert len(bench.run(seeds=[0], rows=["1"]).finished) == 1
    assert len(bench.run(seeds=[0, 2]).finished) == 3
    assert len(bench.run(seeds=[2, 0]).finished) == 0


def test_a_protocol_of_ones_own_makes_cells_of_its_own(bench: Bench) -> None:
    usual = bench.run(seeds=[0], rows=["1"])
    balanced = bench.run(seeds=[0], rows=["1"], protocol="mlr-sing[balanced=true]")
    assert (len(usual.finished), len(balanced.finished)) == (1, 1)
    protocols = {record.cell.protocol for record in read_records(bench.out)}
    assert protocols == {"mlr-sing", "mlr-sing[balanced=true]"}
    assert bench.run(seeds=[0], rows=["1"], protocol="mlr-sing").finished == ()


def results(folder: Path) -> dict[str, Any]:
    return {r.key: (r.cell, r.digests, r.metrics, r.cmc) for r in read_records(folder)}


def test_jobs_interruption_and_order_change_no_result(bench: Bench, tmp_path: Path) -> None:
    bench.run(jobs=1)
    second = tmp_path / "other"
    bench.run(second, jobs=3, seeds=[1])
    bench.run(second, jobs=2, seeds=[1, 0])
    assert results(second) == results(bench.out)


def test_broken_and_outdated_records_are_run_again(bench: Bench) -> None:
    plan = bench.run().plan
    half, old, intact = (record_path(bench.out, cell.job.key) for cell in plan.cells[:3])
    text = old.read_text()
    half.write_text(text[:100])
    content = json.loads(text)
    content["digests"]["code"] = "0" * 64
    old.write_text(json.dumps(content))
    states = {cell.job.key: cell.state for cell in bench.plan().cells}
    assert (states[half.stem], states[old.stem], states[intact.stem]) == (
        "new",
        "code changed",
        "done",
    )
    summary = bench.run()
    assert set(summary.finished) == {half.stem, old.stem}
    assert any(line.startswith(f"warning: {half}: not a readable record") for line in bench.lines)
    assert "1 cell to run again: made by other code" in bench.lines
    assert old.read_text() != json.dumps(content)
    assert len(read_records(bench.out)) == 4


def test_records_made_with_other_kernels_are_run_again(bench: Bench) -> None:
    bench.run()
    assert {cell.state for cell in bench.plan().cells} == {"done"}
    assert {cell.state for cell in bench.plan(kernels="native").cells} == {"other kernels"}
    summary = bench.run(kernels="native", seeds=[0], rows=["1"])
    assert [
        record.environment["kernels"].split(",")[0] for record in read_records(bench.out)
    ].count("native") == len(summary.finished)
    assert any("made with other kernels than the native ones" in line for line in bench.lines)
    with pytest.raises(InputError, match="kernels must be portable or native, not 'fast'"):
        bench.plan(kernels="fast")


def test_data_may_have_one_seed_for_all_trainings(bench: Bench) -> None:
    fresh = {cell.job.cell.seed: cell.job for cell in bench.plan(seeds=[0, 1], rows=["1"]).cells}
    shared = {
        cell.job.cell.seed: cell.job
        for cell in bench.plan(seeds=[0, 1], rows=["1"], data_seed=1).cells
    }
    assert shared[1] == fresh[1]  # the same cell, whatever way it is asked for
    assert shared[0].manifest_digest == fresh[1].manifest_digest != fresh[0].manifest_digest
    assert shared[0].key not in {job.key for job in fresh.values()}
    bench.run(seeds=[0, 1], rows=["1"], data_seed=1)
    record = next(r for r in read_records(bench.out) if r.key == shared[0].key)
    assert (record.cell.seed, record.cell.data_seed) == (0, 1)
    assert {cell.state for cell in bench.plan(seeds=[0], rows=["1"], data_seed=1).cells} == {"done"}


def test_each_seed_has_a_twin_of_its_own(bench: Bench) -> None:
    twins = {"source": Source(size="tiny"), "datasets": ["mlr-market"], "rows": ["1"]}
    cells = bench.plan(seeds=[0, 1], **twins).cells
    assert [cell.job.source.seed for cell in cells] == [0, 1]
    assert {cell.job.cell.source for cell in cells} == {f"twin:tiny:{TWIN_VERSION}"}
    shared = bench.plan(seeds=[0, 1], data_seed=0, **twins).cells
    assert [cell.job.source.seed for cell in shared] == [0, 0]


def test_records_that_began_with_other_weights_are_planned_again(bench: Bench) -> None:
    plan = bench.run().plan
    begun, unchanged = (record_path(bench.out, cell.job.key) for cell in plan.cells[:2])
    folders = {value: bench.out / f"weights-{value}" for value in (1.0, 2.0)}
    for value, folder in folders.items():
        folder.mkdir()
        save_file({"conv1.weight": torch.full((2,), value)}, folder / "resnet50.safetensors")
    with recorded_weights() as noted:
        resnet50_weights(folders[1.0])
    content = json.loads(begun.read_text())
    content["digests"]["initial resnet50"] = noted["resnet50"]
    begun.write_text(json.dumps(content))

    def states(folder: Path | None) -> tuple[str, str]:
        by_key = {c.job.key: c.state for c in bench.plan(weights_dir=folder).cells}
        return by_key[begun.stem], by_key[unchanged.stem]

    assert states(folders[1.0]) == ("done", "done")
    assert states(folders[2.0]) == ("weights changed", "done")
    assert states(None) == ("done", "done")
    (folders[2.0] / "resnet50.safetensors").unlink()
    with pytest.raises(InputError, match="no resnet50 weights there"):
        states(folders[2.0])


@pytest.mark.parametrize(
    ("mood", "reason"),
    [
        ("raises", "RuntimeError: no luck today"),
        ("dies", "the worker was killed by SIGKILL"),
        ("unusable", "weights.pth: not there; download it"),
        ("nan", "method colour: NaN or infinity in 1 of 10 query embeddings"),
    ],
)
def test_a_failing_cell_costs_no_other(bench: Bench, mood: str, reason: str) -> None:
    bench.edit("options = { bins = 3 }", f'options = {{ mood = "{mood}" }}')
    summary = bench.run()
    assert not summary.complete
    assert [len(summary.finished), len(summary.failures)] == [2, 2]
    for failure in summary.failures:
        assert failure.reason.startswith(reason)
        assert failure.cell.job.labels == ("Three stripes",)
        text = failure.log.read_text()
        assert failure.cell.job.key == failure.log.stem
        assert reason in text
        assert ("a line on standard output" in text) == (mood == "raises")
    failures = [line for line in bench.lines if line.startswith("failed: Three stripes · mlr-pku")]
    assert len(failures) == 2
    assert "2 of 4 cells have their record" in bench.lines[-1]
    assert {r.cell.options["mood"] for r in read_records(bench.out)} == {"well"}


def test_the_log_of_a_failure_goes_when_the_cell_succeeds(bench: Bench) -> None:
    key = bench.plan(seeds=[0], rows=["1"]).cells[0].job.key
    log = bench.out / "failures" / f"{key}.log"
    log.parent.mkdir(parents=True)
    log.write_text("an earlier failure")
    assert bench.run(seeds=[0], rows=["1"]).complete
    assert not log.exists()


def test_unusable_input_is_said_before_anything_runs(bench: Bench, tmp_path: Path) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"datasets": ["mlr-nothing"]}, "unknown data set 'mlr-nothing'"),
        ({"rows": ["No such row"]}, "no row 'No such row'"),
        ({"profile": "fast"}, "unknown profile 'fast'"),
        ({"protocol": "mlr-sinc"}, "unknown protocol 'mlr-sinc'"),
        ({"seeds": [-1]}, "seeds: give a whole number from 0, not -1"),
        ({"seeds": []}, "0 seeds; give from 1 to 1000"),
        ({"source": Source(tmp_path / "nowhere")}, "nowhere"),
        ({"source": Source(tmp_path)}, "no raw folder of mlr-pku"),
    ]
    for changes, words in cases:
        with pytest.raises(InputError, match=words):
            bench.run(**changes)
    bench.edit("bins = 3", "bons = 3")
    with pytest.raises(InputError, match="no option 'bons'"):
        bench.run()
    assert not list(bench.out.glob("*/*"))


def test_a_truncated_image_is_named(bench: Bench, pku_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "damaged"
    shutil.copytree(pku_root, root)
    image = root / "PKUv1a_128x48" / "003_01_1.png"
    image.write_bytes(image.read_bytes()[:60])
    with pytest.raises(InputError, match=r"003_01_1\.png"):
        bench.run(source=Source(root, partial=True, other_sizes=True))
    assert not list(bench.out.glob("*/*"))


def test_an_unwritable_place_is_said_first(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        bench.run(tmp_path / "file" / "out")


def wait_until_gone(group: int) -> None:
    """No process of the group is left; the fork server needs a moment to see that it is alone."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail(f"a process of group {group} is still there")


SCRIPT = """
import sys
from pathlib import Path
from crossres.benchmark import RunRequest, run_table
from crossres.datasets.raw.source import Source

out, table, root, profile, cache = map(Path, sys.argv[1:])
source = Source(root, partial=True, other_sizes=True)
summary = run_table(RunRequest(table, out, source, profile, cache=cache, jobs=2))
sys.exit(40 if summary.interrupted else 0)
"""


def heed_control_c() -> None:
    """A background job of a shell starts with SIGINT ignored, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_keeps_what_is_finished_and_leaves_nothing_behind(
    bench: Bench, tmp_path: Path, plugin: Path
) -> None:
    marker = tmp_path / "marker"
    bench.edit("options = { bins = 3 }", f'options = {{ mood = "slow", marker = "{marker}" }}')
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    rooms = Path(__file__).parents[3]
    paths = os.pathsep.join([str(rooms), str(plugin), *sys.path])
    arguments = [bench.out, bench.table, bench.arguments["source"].root]
    arguments += [bench.arguments["profile"], bench.arguments["cache"]]
    process = subprocess.Popen(
        [sys.executable, str(script), *map(str, arguments)],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
        start_new_session=True,
        preexec_fn=heed_control_c,
    )
    start = time.monotonic()
    # Until a slow cell runs and at least one quick cell is done.
    while not (marker.exists() and list(bench.out.glob("records/*.json"))):
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() - start < 60
        time.sleep(0.05)
    # As a terminal does it: to every process of the group.
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 40, errors
    assert "Traceback" not in errors
    assert errors.splitlines()[-1].startswith("interrupted: ")
    assert errors.splitlines()[-1].endswith("run the same command again to go on")
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".partial")]
    wait_until_gone(process.pid)
    keys = {record.key for record in read_records(bench.out)}
    assert keys
    bench.edit('mood = "slow"', 'mood = "raises"')
    assert not keys & set(bench.run().finished)


def test_a_kill_before_the_new_record_leaves_no_old_one_with_the_new_artifact(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.run(seeds=[0], rows=["1"])
    (path,) = (bench.out / "records").iterdir()
    before = path.read_bytes()
    content = json.loads(before)
    content["digests"]["code"] = "0" * 64
    path.write_text(json.dumps(content), encoding="utf-8")  # as one of older code

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(driver, "write_record", killed)
        assert bench.run(seeds=[0], rows=["1"]).interrupted
    assert not path.exists()
    assert artifact_path(bench.out, path.stem).exists()
    assert bench.run(seeds=[0], rows=["1"]).complete
    assert json.loads(path.read_bytes())["digests"] == json.loads(before)["digests"]
