"""`crossres status` and `retry`: how far a folder is, what is stale, failed cells again."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark import read_records
from tests.command_line import Answered

Run = Callable[..., Answered]


def status(command: Run, folder: str = "out") -> dict[str, Any]:
    answered = command("status", folder, "--json")
    content: dict[str, Any] = json.loads(answered.stdout)
    assert answered.returncode == (0 if content["complete"] else 1)
    return content


def counts(content: dict[str, Any]) -> tuple[int, ...]:
    """Cells, and those done, running, failed and to do."""
    parts = ("done", "running", "failed", "todo")
    return (content["cells"], *(len(content[part]) for part in parts))


@contextmanager
def edited(path: Path, old: str, new: str) -> Iterator[None]:
    before = path.read_text()
    assert old in before
    path.write_text(before.replace(old, new))
    try:
        yield
    finally:
        path.write_text(before)


def test_failed_cells_are_told_and_tried_again(
    command: Run, folder_run: Run, tmp_path: Path, plugin: Path
) -> None:
    table = tmp_path / "mine.toml"
    table.write_text(table.read_text().replace("bins = 3", 'mood = "raises"'))
    assert folder_run("out").returncode == 1
    content = status(command)
    assert counts(content) == (4, 2, 0, 2, 0)
    assert content["tables"] == ["mine"]
    assert content["failed"][0]["reason"] == "RuntimeError: no luck today"
    text = command("status", "out").stdout
    assert text.startswith("out (mine): 4 cells: 2 done, 2 failed, about ")
    assert "`crossres retry out` tries the failed ones once more" in text

    # Table, profile and working folder of the run are no longer needed.
    for name in ("mine.toml", "mini.toml"):
        (tmp_path / name).unlink()
    again = command("retry", "out")
    assert again.returncode == 1
    assert "0 of 2 failed cells with a record now" in again.stdout
    first, second = (failed["key"] for failed in content["failed"])
    (kept,) = map(json.loads, (p.read_bytes() for p in (tmp_path / "out" / "runs").iterdir()))
    with edited(plugin / "colour_plugin.py", "raise RuntimeError", "str"):
        one = json.loads(command("retry", "out", first[:8], "--json").stdout)
        assert (one["keys"], one["finished"], one["failures"]) == ([first], [first], [])
        (left,) = status(command)["failed"]
        assert left["key"] == second
        assert command("retry", "out", "--jobs", "1").returncode == 0
        assert command("retry", "out").stdout == "no failed cell in out\n"
    assert not (tmp_path / "out" / "failures").exists() or not any(
        (tmp_path / "out" / "failures").iterdir()
    )
    (now,) = map(json.loads, (p.read_bytes() for p in (tmp_path / "out" / "runs").iterdir()))
    codes = {record.key: record.digests["code"] for record in read_records(tmp_path / "out")}
    for entry in kept["cells"]:
        if entry["key"] in (first, second):  # the others' code was noted when they were run
            assert entry["code"] != codes[entry["key"]]
            entry["code"] = codes[entry["key"]]
    assert now == kept
    assert len(read_records(tmp_path / "out")) == 4


def test_what_is_asked_for_by_several_runs_is_one_whole(command: Run, folder_run: Run) -> None:
    assert folder_run("out", "--seeds", "0").returncode == 0
    assert counts(status(command)) == (2, 2, 0, 0, 0)
    assert folder_run("out", "--rows", "2", "--seeds", "1").returncode == 0
    assert counts(status(command)) == (3, 3, 0, 0, 0)


@pytest.mark.parametrize(
    ("change", "file", "old", "new"),
    [
        ("profile", "mini.toml", "height = 16", "height = 24"),
        ("options", "mine.toml", "bins = 3", "bins = 4"),
        ("code", "colour_plugin.py", "% 7", "% 5"),
        (None, "colour_plugin.py", "stripes = ", "# a remark\n        stripes = "),
    ],
)
def test_what_has_changed_is_told(
    command: Run,
    folder_run: Run,
    tmp_path: Path,
    plugin: Path,
    change: str | None,
    file: str,
    old: str,
    new: str,
) -> None:
    assert folder_run("out", "--seeds", "0").returncode == 0
    before = {record.key for record in read_records(tmp_path / "out")}
    row = {record.key: record.cell.options["bins"] for record in read_records(tmp_path / "out")}
    path = (plugin if file == "colour_plugin.py" else tmp_path) / file
    with edited(path, old, new):
        if change == "code":  # is seen before any run
            assert {s["change"] for s in status(command)["stale"]} == {"code"}
            assert "stale: 2 records made by other code: " in command("status", "out").stdout
        again = folder_run("out", "--seeds", "0")
        assert again.returncode == 0
        content = status(command)
    changed = before if change == "profile" else {key for key in before if row[key] == 3}
    if change in (None, "code"):
        assert content["stale"] == []
        assert {record.key for record in read_records(tmp_path / "out")} == before
    else:
        assert {(s["key"], s["change"]) for s in content["stale"]} == {
            (key, change) for key in changed
        }
        assert again.stderr.count("stale: ") == 1
        (line,) = (line for line in again.stderr.splitlines() if line.startswith("stale: "))
        assert all(key in line for key in changed)
    assert counts(content) == (2, 2, 0, 0, 0)


def test_other_data_is_told(command: Run, folder_run: Run, tmp_path: Path, pku_root: Path) -> None:
    (tmp_path / "raw").mkdir()
    folder = tmp_path / "raw" / "PKUv1a_128x48"
    folder.symlink_to(pku_root / "PKUv1a_128x48")
    real = ["--data", "raw", "--partial", "--other-sizes", "--datasets", "mlr-pku", "--seeds", "0"]
    assert folder_run("out", *real).returncode == 0
    before = {record.key for record in read_records(tmp_path / "out")}
    folder.unlink()
    folder.mkdir()
    for path in sorted((pku_root / "PKUv1a_128x48").iterdir())[4:]:  # without the first person
        (folder / path.name).write_bytes(path.read_bytes())
    again = folder_run("out", *real)
    assert again.returncode == 0
    assert "stale: 2 records of another split or other data than there is now: " in again.stderr
    content = status(command)
    assert {(s["key"], s["change"]) for s in content["stale"]} == {(key, "data") for key in before}


def test_a_run_is_watched_from_outside(
    command: Run, folder_run: Run, tmp_path: Path, plugin: Path, cache: Path
) -> None:
    """Also: what a killed run leaves is no running cell, and `clean` takes it away."""
    table = tmp_path / "mine.toml"
    table.write_text(table.read_text().replace("bins = 3", 'mood = "slow"'))
    assert folder_run("out", "--rows", "1", "--seeds", "0").returncode == 0
    paths = os.pathsep.join([str(plugin), *sys.path])
    words = ["run", "mine.toml", "--profile", "mini.toml", "--out", "out", "--jobs", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "crossres", *words, "--seeds", "0"],
        cwd=tmp_path,
        env=os.environ | {"CROSSRES_CACHE": str(cache), "PYTHONPATH": paths},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 120
        while True:
            content = status(command)
            if content["running"] and content["running"][0]["total"]:
                break
            assert time.monotonic() < deadline
            time.sleep(0.5)
        (running,) = content["running"]
        assert counts(content) == (2, 1, 1, 0, 0)
        assert running["pid"] == process.pid
        assert "Three stripes" in running["title"]
        assert running["total"] == 600
        assert (
            "running: Three stripes · mlr-viper · seed 0 · fit " in command("status", "out").stdout
        )
        cleaned = json.loads(command("clean", "out", "--failures", "--json").stdout)
        assert cleaned["removed"] == []
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert counts(status(command)) == (2, 1, 0, 0, 1)
    cleaned = json.loads(command("clean", "out", "--json").stdout)
    assert {entry["kind"] for entry in cleaned["removed"]} == {"lease"}
    assert not (tmp_path / "out" / "running").exists()


@pytest.mark.parametrize("name", ["status", "retry", "clean"])
def test_a_place_without_results_is_refused(command: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    answered = command(name, "empty")
    assert (answered.returncode, answered.stdout) == (2, "")
    assert "no results there" in answered.stderr


def test_a_damaged_plan_is_named(command: Run, folder_run: Run, tmp_path: Path) -> None:
    assert folder_run("out", "--seeds", "0", "--rows", "1").returncode == 0
    (path,) = (tmp_path / "out" / "runs").iterdir()
    for text in ("{", "[]", '{"version": 1}', path.read_text().replace('"row": 0', '"row": 7')):
        path.write_text(text)
        answered = command("status", "out")
        assert f"damaged: {path.relative_to(tmp_path)}: " in answered.stdout
        assert "1 record of cells that no kept run has planned" in answered.stdout


def test_cells_that_fail_when_they_are_run_again_are_failed_not_done(
    command: Run, folder_run: Run, plugin: Path
) -> None:
    """Their records are of older code: for nobody they are results of the latest run."""
    assert folder_run("out").returncode == 0
    assert command("baseline", "out", "--out", "base.json").returncode == 0
    gate = ("check", "out", "--baseline", "base.json", "--must-find", "100")
    assert command(*gate).returncode == 0
    broken = "stripes = 1 // (self.options.bins != 3) * "
    with edited(plugin / "colour_plugin.py", "stripes = ", broken):
        assert folder_run("out").returncode == 1
        content = status(command)
        assert counts(content) == (4, 2, 0, 2, 0)
        assert content["stale"] == []
        (reason,) = {failed["reason"] for failed in content["failed"]}
        assert reason.startswith("ZeroDivisionError")
        checked = json.loads(command(*gate, "--json").stdout)
        assert (checked["answer"], [f["kind"] for f in checked["findings"]]) == (
            "failed",
            ["missing"],
        )
        assert any("2 records made by other code" in note for note in checked["notes"])
        report = json.loads(command("report", "out", "--json").stdout)
        assert sum("ZeroDivisionError" in line for line in report["remarks"]) == 2
        assert any("2 records made by other code" in line for line in report["remarks"])
        again = command("baseline", "out", "--out", "later.json")
        assert "left out of out, stale: 2 records made by other code" in again.stderr
        assert json.loads(command("retry", "out", "--json").stdout)["finished"] == []
    assert "2 of 2 failed cells with a record now" in command("retry", "out").stdout
    mixed = command(*gate)  # the other cells are of the broken code still
    assert mixed.returncode == 1
    assert "2 records made by other code" in mixed.stdout.replace("\n", " ")
    assert folder_run("out").returncode == 0
    assert command(*gate).returncode == 0


def test_a_check_holds_what_was_asked_for_last_not_what_lies_there(
    command: Run, folder_run: Run, plugin: Path, tmp_path: Path
) -> None:
    assert folder_run("out").returncode == 0
    assert command("baseline", "out", "--out", "base.json").returncode == 0
    gate = ("check", "out", "--baseline", "base.json", "--must-find", "100")
    with edited(tmp_path / "mine.toml", "bins = 3", "bins = 4"):
        assert folder_run("out").returncode == 0
        checked = json.loads(command(*gate, "--json").stdout)
        assert "setup" in {finding["kind"] for finding in checked["findings"]}
        assert any("the options of their row" in note for note in checked["notes"])
    assert folder_run("out").returncode == 0
    with edited(plugin / "colour_plugin.py", "stripes = ", "stripes = 1 * "):
        assert command(*gate).returncode == 0  # the whole folder is of one code, though another
        assert folder_run("out", "--rows", "1").returncode == 0
        checked = json.loads(command(*gate, "--json").stdout)
        assert [finding["kind"] for finding in checked["findings"]] == ["missing"]
        assert any("2 records made by other code" in note for note in checked["notes"])
        assert folder_run("out").returncode == 0
        assert command(*gate).returncode == 0
    with edited(plugin / "colour_plugin.py", "stripes = ", "stripes = 1 // 0 * "):
        assert folder_run("out").returncode == 1
        refused = command(*gate)
    assert refused.returncode == 2
    assert "out: no record of its latest run, whose cells failed or were not run" in refused.stderr


def test_of_other_seeds_each_cell_that_was_asked_for_counts(
    command: Run, folder_run: Run, tmp_path: Path
) -> None:
    assert folder_run("out").returncode == 0
    assert command("baseline", "out", "--out", "base.json").returncode == 0
    assert folder_run("later", "--seeds", "2-4").returncode == 0
    gate = ("check", "later", "--baseline", "base.json", "--must-find", "100", "--other-seeds")
    assert command(*gate).returncode == 0
    lost = next((tmp_path / "later" / "records").iterdir())
    seed = json.loads(lost.read_text())["cell"]["seed"]
    lost.unlink()
    checked = json.loads(command(*gate, "--json").stdout)
    (finding,) = checked["findings"]
    assert (checked["answer"], finding["kind"]) == ("failed", "missing")
    assert finding["text"].endswith(f"was not run, or failed: seeds {seed}")
    for record in (tmp_path / "later" / "records").iterdir():
        if json.loads(record.read_text())["cell"]["options"]["bins"] == 3:
            record.unlink()
    texts = {f["text"] for f in json.loads(command(*gate, "--json").stdout)["findings"]}
    assert any(text.endswith("seeds 2, 3, 4") for text in texts)
    assert not any("seeds 0, 1" in text for text in texts)  # which nobody asked for here
