"""`crossres merge` and `crossres clean` on folders that runs have filled."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from crossres.benchmark.records.record import read_record, write_record
from tests.command_line import Answered

Run = Callable[..., Answered]


def files(folder: Path) -> dict[str, bytes]:
    """All files but those of the report."""
    paths = (p for p in folder.rglob("*") if p.is_file() and "report" not in p.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_two_halves_are_the_whole(command: Run, folder_run: Run, tmp_path: Path) -> None:
    assert folder_run("a", "--seeds", "0", "--save-weights").returncode == 0
    assert folder_run("b", "--seeds", "1").returncode == 0
    answered = command("merge", "a", "b", "--out", "whole")
    assert answered.returncode == 0
    written = "4 records, 4 artifacts, 2 folders of weights, 2 files of thumbnails, 1 table and 2"
    assert answered.stdout == f"wrote {written} kept runs into whole\n"
    whole = files(tmp_path / "whole")
    assert whole == files(tmp_path / "a") | files(tmp_path / "b")
    # Nothing is left to run, and nothing is stale.
    assert command("status", "whole").returncode == 0
    again = json.loads(folder_run("whole", "--json").stdout)
    assert (again["run_now"], again["complete"]) == ([], True)

    into_one = command("merge", "a", "b", "--out", "a")
    assert into_one.returncode == 0
    assert files(tmp_path / "a") == whole
    assert command("report", "a", "--against", "whole").returncode == 0


def test_two_results_of_one_cell(command: Run, folder_run: Run, tmp_path: Path) -> None:
    assert folder_run("a", "--seeds", "0", "--rows", "2").returncode == 0
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    (path,) = (tmp_path / "b" / "records").iterdir()
    record = read_record(path)
    record.digests["embeddings"] = "0" * 64  # type: ignore[index]
    write_record(tmp_path / "b", record)
    before = files(tmp_path / "a")
    answered = command("merge", "a", "b", "--out", "a")
    assert answered.returncode == 1
    assert f"not merged: {record.key} (colour on mlr-viper" in answered.stdout
    assert f"a/records/{path.name} and b/records/{path.name}" in answered.stdout
    assert "which differ in embeddings" in answered.stdout
    assert files(tmp_path / "a") == before
    content = json.loads(command("merge", "b", "a", "--out", "new", "--json").stdout)
    assert content["disputes"][0]["name"] == record.key
    assert not (tmp_path / "new" / "records").exists()


def test_what_clean_takes_it_says(command: Run, folder_run: Run, tmp_path: Path) -> None:
    assert folder_run("a", "--seeds", "0", "--save-weights").returncode == 0
    first, second = sorted((tmp_path / "a" / "records").iterdir())
    first.unlink()
    (tmp_path / "a" / "failures").mkdir()
    (tmp_path / "a" / "failures" / f"{second.stem}.log").write_text("T\n{}\n")
    before = files(tmp_path / "a")
    dry = command("clean", "a", "--dry-run")
    assert dry.returncode == 0
    assert files(tmp_path / "a") == before
    answered = command("clean", "a")
    expected = "1 log of a failed cell, 1 artifact without a record and 1 folder of weights"
    assert f"would remove {expected} without a record, " in dry.stdout
    assert f"removed {expected} without a record, " in answered.stdout
    gone = {
        f"artifacts/{first.stem}.npz",
        f"failures/{second.stem}.log",
        f"weights/{first.stem}/method.json",
        f"weights/{first.stem}/weights.safetensors",
    }
    assert set(before) - set(files(tmp_path / "a")) == gone
    assert command("clean", "a").stdout == "removed nothing from a\n"
