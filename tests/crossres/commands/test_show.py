"""`crossres show`: one cell, and the command that it gives makes the same cell again."""

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark import read_records
from crossres.benchmark.records.planned import read_runs
from crossres.reports.wording import run_words
from tests.command_line import Answered

Run = Callable[..., Answered]


def keys(out: Path) -> list[str]:
    return [record.key for record in read_records(out)]


def shown(command: Run, key: str, *more: str) -> dict[str, Any]:
    answered = command("show", key, "--json", *more)
    assert answered.returncode == 0, answered.stderr
    content: dict[str, Any] = json.loads(answered.stdout)
    return content


def run_again(command: Run, folder: Path, text: str) -> list[Any]:
    """Run the command that `show` gave into a fresh folder; return the records."""
    program, *words = shlex.split(text)
    assert program == "crossres"
    shutil.rmtree(folder / "again", ignore_errors=True)
    answered = command(*words, "--json")
    assert answered.returncode == 0, answered.stderr
    return read_records(folder / "again")


@pytest.mark.parametrize(
    "more",
    [
        (),
        ("--data-seed", "3"),
        ("--validation",),
        ("--protocol", "mlr-perid"),
        ("--kernels", "native", "--rows", "1"),  # a worker from scratch for each cell
    ],
    ids=" ".join,
)
def test_the_command_makes_the_same_cell_again(
    command: Run, folder_run: Run, tmp_path: Path, more: tuple[str, ...]
) -> None:
    assert folder_run("results/mine", "--seeds", "0", *more).returncode == 0
    for record in read_records(tmp_path / "results" / "mine"):
        content = shown(command, record.key)
        (again,) = run_again(command, tmp_path, content["command"])
        assert (again.key, again.digests) == (record.key, record.digests)
        assert content["cautions"] == []


def test_the_command_names_the_data(
    command: Run, folder_run: Run, tmp_path: Path, pku_root: Path
) -> None:
    real = ["--data", pku_root, "--partial", "--other-sizes", "--datasets", "mlr-pku"]
    assert folder_run("results/mine", "--seeds", "0", "--rows", "2", *real).returncode == 0
    (record,) = read_records(tmp_path / "results" / "mine")
    content = shown(command, record.key)
    (again,) = run_again(command, tmp_path, content["command"])
    assert (again.key, again.digests) == (record.key, record.digests)


def test_an_oracle_and_a_method_with_a_network(command: Run, tmp_path: Path) -> None:
    run = ["run", "table2", "--profile", "smoke", "--datasets", "mlr-viper", "--seeds", "0"]
    assert command(*run, "--rows", "1,oracle", "--out", "results/two").returncode == 0
    for record in read_records(tmp_path / "results" / "two"):
        content = shown(command, record.key[:9])
        (again,) = run_again(command, tmp_path, content["command"])
        assert (again.key, again.digests) == (record.key, record.digests)


def test_what_people_read(command: Run, folder_run: Run, tmp_path: Path) -> None:
    assert folder_run("results/mine", "--seeds", "0", "--rows", "2").returncode == 0
    (record,) = read_records(tmp_path / "results" / "mine")
    answered = command("show", record.key)
    assert answered.returncode == 0
    lines = answered.stdout.splitlines()
    assert lines[0] == f"cell {record.key}"
    texts = {" ".join(line.split()) for line in lines}
    rank1 = f"{100 * record.metrics['single-shot']['rank1']:.1f}"
    assert "row Three stripes (mine)" in texts
    assert "bins 3 (default 2)" in texts
    assert f"embeddings {record.digests['embeddings']}" in texts
    assert any(text.startswith(f"all {rank1} ") for text in texts)
    (run,) = read_runs(tmp_path / "results" / "mine").runs
    assert f"last run {run_words(run)}" in texts
    assert shown(command, record.key)["last_run"] == run.when_json()
    assert any(text.startswith("peak memory ") for text in texts)
    assert any(text.startswith("crossres run ") for text in texts)


def test_what_has_changed_since_is_said(
    command: Run, folder_run: Run, tmp_path: Path, plugin: Path
) -> None:
    assert folder_run("results/mine", "--seeds", "0", "--rows", "2").returncode == 0
    (key,) = keys(tmp_path / "results" / "mine")
    profile = tmp_path / "mini.toml"
    profile.write_text(profile.read_text().replace("height = 16", "height = 24"))
    code = plugin / "colour_plugin.py"
    before = code.read_text()
    try:
        code.write_text(before.replace("% 7", "% 5"))
        cautions = shown(command, key)["cautions"]
    finally:
        code.write_text(before)
    assert [caution for caution in cautions if "the profile mini" in caution]
    assert [caution for caution in cautions if "the code has changed" in caution]


def test_keys_by_their_first_digits(command: Run, folder_run: Run, tmp_path: Path) -> None:
    assert folder_run("results/a").returncode == 0
    shutil.copytree(tmp_path / "results" / "a", tmp_path / "results" / "b")
    first, *_ = keys(tmp_path / "results" / "a")
    content = shown(command, first[:12].upper())
    assert content["record"]["key"] == first
    assert content["results"] == "results/a"
    assert content["also_in"] == ["results/b"]
    assert shown(command, first, "--results", "results/b")["also_in"] == []


def test_what_is_no_key_is_refused(command: Run, folder_run: Run, tmp_path: Path) -> None:
    assert "no results folders there" in command("show", "0").stderr
    assert folder_run("results/a").returncode == 0
    folder = tmp_path / "results" / "a" / "records"
    for name in ("abcd0", "abcd1"):  # empty files: only their names are read
        (folder / f"{name}{'0' * 15}.json").touch()
    for key, text in {
        "abcd": f"several keys begin with abcd: abcd0{'0' * 15}, abcd1{'0' * 15}; give more",
        "xyz": "'xyz' is not a key: give its 20 digits",
        "0" * 21: "is not a key",
        "0" * 20: "no record of a key that begins with 0000",
        "abcd0": "remove it, and its cell is run again",
    }.items():
        answered = command("show", key)
        assert (answered.returncode, answered.stdout) == (2, "")
        assert text in answered.stderr
        assert answered.stderr.count("\n") == 1


def test_a_failed_cell_says_why(command: Run, folder_run: Run, tmp_path: Path) -> None:
    table = tmp_path / "mine.toml"
    table.write_text(table.read_text().replace("bins = 3", 'mood = "raises"'))
    assert folder_run("results/a", "--seeds", "0", "--rows", "2").returncode == 1
    (log,) = (tmp_path / "results" / "a" / "failures").iterdir()
    answered = command("show", log.stem, "--results", "results/a")
    assert answered.returncode == 2
    assert "failed: RuntimeError: no luck today" in answered.stderr
    assert f"crossres retry results/a {log.stem}" in answered.stderr
