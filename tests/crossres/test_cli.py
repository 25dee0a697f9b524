"""The command line as a user meets it: exit codes, one clear line for bad input.

A run, a list, a refusal and Ctrl-C are tried in processes of their own (`process`).
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import crossres
from tests.command_line import Answered

Command = Callable[..., Answered]
SMOKE = ("--profile", "smoke")
TABLE2_ROWS = 3
ORACLE = 1  # on sets that are not natively LR


def answer(process: Answered) -> dict[str, Any]:
    """The one JSON object that a command with --json prints on standard output."""
    assert process.returncode == 0, process.stderr
    content: dict[str, Any] = json.loads(process.stdout)
    return content


def assert_refused(process: Answered, *words: str) -> None:
    """Exit code 2, and after any progress one line on standard error that has the words."""
    assert process.returncode == 2, (process.returncode, process.stderr)
    assert "Traceback" not in process.stderr
    *progress, last = process.stderr.strip().splitlines()
    assert last.startswith("crossres: ")
    assert not any(line.startswith("crossres: ") for line in progress)
    for word in words:
        assert word in last


def record_digests(out: Path) -> dict[str, dict[str, str]]:
    """The digests of every record, by key."""
    digests = {}
    for path in sorted((out / "records").glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        digests[record["key"]] = record["digests"] | {"metrics": json.dumps(record["metrics"])}
    return digests


COMMANDS = [
    ("datasets", "list"),
    ("datasets", "show"),
    ("datasets", "fetch"),
    ("datasets", "verify"),
    ("datasets", "build"),
    ("datasets", "digests"),
    ("datasets", "diff"),
    ("datasets", "export"),
    ("datasets", "verify-export"),
    ("datasets", "twin"),
    ("methods", "list"),
    ("methods", "check"),
    ("run",),
    ("report",),
    ("evaluate",),
    ("embed",),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(words: tuple[str, ...], command: Command) -> None:
    process = command(*words, "--help")
    assert process.returncode == 0
    assert "example:" in process.stdout
    assert "--json" in process.stdout


def test_lists_as_text_and_as_json(process: Command) -> None:
    ids = [card["id"] for card in answer(process("datasets", "list", "--json"))["datasets"]]
    assert {"caviar", "mlr-market", "mlr-cuhk03", "mlr-viper", "mlr-sysu", "mlr-pku"} <= set(ids)
    assert "mlr-market" in process("datasets", "list").stdout
    methods = answer(process("methods", "list", "--json"))["methods"]
    assert {"msifla", "plain"} <= {method["name"] for method in methods}
    assert all(method["grade"] and method["reference"] for method in methods)


def test_a_method_that_conforms(command: Command) -> None:
    content = answer(command("methods", "check", "plain", "--json"))
    assert content["passed"]
    assert content["checks"]


def test_twin_then_build_from_it_as_if_it_were_real(command: Command, tmp_path: Path) -> None:
    process = command("datasets", "twin", "mlr-viper", "--size", "tiny", "--out", tmp_path / "raw")
    assert process.returncode == 0, process.stderr
    arguments = ("datasets", "build", "mlr-viper", *SMOKE, "--seeds", "0-1", "--json")
    drawn = answer(command(*arguments, "--out", "a"))["built"]
    from_folder = answer(command(*arguments, "--out", "b", "--data", tmp_path / "raw"))["built"]
    assert [entry["digest"] for entry in drawn] == [entry["digest"] for entry in from_folder]
    assert [entry["pixels"] for entry in drawn] == [entry["pixels"] for entry in from_folder]
    assert {entry["source"] for entry in from_folder} == {drawn[0]["source"]}
    assert from_folder[0]["source"].startswith("twin:tiny:")
    assert from_folder[0]["digest"] != from_folder[1]["digest"]
    manifest = crossres.Manifest.read(tmp_path / from_folder[0]["manifest"])
    assert manifest.digest == from_folder[0]["digest"]


def test_run_writes_records_and_report_and_resumes(process: Command, tmp_path: Path) -> None:
    arguments = ("run", "table2", *SMOKE, "--datasets", "mlr-viper,caviar", "--seeds", "0")
    first = process(*arguments)
    assert first.returncode == 0, first.stderr
    assert "TWIN DATA" in first.stdout
    assert "left" in first.stderr
    out = tmp_path / "results" / "table2"
    assert len(record_digests(out)) == 2 * TABLE2_ROWS + ORACLE
    for name in ("index.html", "table2.tex", "table2.csv", "table2.md"):
        assert (out / "report" / name).stat().st_size > 100
        assert str(Path("results/table2/report") / name) in first.stdout
    before = {path: path.stat().st_mtime_ns for path in (out / "records").iterdir()}
    resumed = answer(process(*arguments, "--json"))
    assert resumed["complete"]
    assert resumed["run_now"] == []
    assert before == {path: path.stat().st_mtime_ns for path in (out / "records").iterdir()}


def test_the_number_of_jobs_changes_nothing(command: Command, tmp_path: Path) -> None:
    arguments = ("run", "table2", *SMOKE, "--datasets", "mlr-viper", "--seeds", "0,1", "--rows")
    for jobs, rows in (("1", "1,2,3"), ("2", "3,2,1"), ("3", "2,3,1")):
        process = command(*arguments, rows, "--jobs", jobs, "--out", jobs)
        assert process.returncode == 0, process.stderr
    with_one, with_two, with_three = (record_digests(tmp_path / jobs) for jobs in "123")
    assert len(with_one) == 2 * TABLE2_ROWS
    assert with_one == with_two == with_three


def test_two_folders_of_records_copied_together_are_one(command: Command, tmp_path: Path) -> None:
    arguments = ("run", "table2", *SMOKE, "--datasets", "mlr-viper", "--seeds", "0", "--rows")
    assert command(*arguments, "1", "--out", "a").returncode == 0
    assert command(*arguments, "2", "--out", "b").returncode == 0
    for folder in ("records", "artifacts"):
        for path in (tmp_path / "b" / folder).iterdir():
            path.rename(tmp_path / "a" / folder / path.name)
    joined = answer(command(*arguments, "1,2", "--out", "a", "--json"))
    assert joined["run_now"] == []
    assert command("report", "a").returncode == 0
    assert "CMSR" in (tmp_path / "a" / "report" / "table2.csv").read_text(encoding="utf-8")


def test_dry_run_shows_cells_and_time_and_runs_nothing(command: Command, tmp_path: Path) -> None:
    arguments = ("run", "table2", *SMOKE, "--datasets", "mlr-viper", "--dry-run", "--out", "dry")
    plan = answer(command(*arguments, "--json"))
    assert len(plan["cells"]) == 3 * (TABLE2_ROWS + ORACLE)
    assert {cell["state"] for cell in plan["cells"]} == {"new"}
    assert plan["seconds"] > 0
    assert "12 to run, about" in command(*arguments).stdout
    assert not (tmp_path / "dry" / "records").exists()


def test_control_c_keeps_finished_cells_and_the_next_run_goes_on(
    command: Command, cache: Path, tmp_path: Path
) -> None:
    arguments = ("run", "table2", *SMOKE, "--datasets", "mlr-viper", "--jobs", "1")
    process = subprocess.Popen(
        [sys.executable, "-m", "crossres", *arguments, "--out", str(tmp_path / "out")],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"CROSSRES_CACHE": str(cache)},
        # A background job of a shell starts with SIGINT ignored, and so do its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    records = tmp_path / "out" / "records"
    end = time.monotonic() + 120
    while time.monotonic() < end and len(list(records.glob("*.json"))) < 2:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1, stderr
    assert "Traceback" not in stderr
    assert "run the same command again to go on" in stderr
    finished = record_digests(tmp_path / "out")
    assert 2 <= len(finished) < 3 * (TABLE2_ROWS + ORACLE)
    assert all(path.suffix == ".json" for path in records.iterdir())
    resumed = answer(command(*arguments, "--out", tmp_path / "out", "--json"))
    assert resumed["complete"]
    assert not set(finished) & set(resumed["run_now"])
    assert len(resumed["run_now"]) == 3 * (TABLE2_ROWS + ORACLE) - len(finished)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "table9"), ("table9", "table2")),
        (("run", "table2", "--rows", "Baselin"), ("Baselin", "Baseline")),
        (("run", "table2", "--datasets", "mlr-markt"), ("mlr-markt", "mlr-market")),
        (("run", "table2", "--profile", "qick"), ("qick", "quick")),
        (("run", "table2", "--data", "nowhere"), ("nowhere", "no such folder")),
        (("run", "table2", "--profile", "paper", "--datasets", "mlr-viper"), ("GPU", "quick")),
        (("methods", "check", "msiflaa"), ("msiflaa", "msifla")),
        (("report", "nothing-here"), ("nothing-here", "crossres run")),
        (("evaluate", "features.npz"), ("features.npz",)),
        (("datasets", "build", "mlr-viper", "--protocol", "mlr-sting"), ("mlr-sting", "mlr-sing")),
        (("datasets", "twin", "mlr-viper", "--size", "vast", "--out", "x"), ("vast", "tiny")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_unusable_input_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], words: tuple[str, ...], command: Command
) -> None:
    if arguments[0] == "run" and "--profile" not in arguments:
        arguments = (*arguments, *SMOKE)
    assert_refused(command(*arguments), *words)


def test_a_refusal_is_the_exit_code_of_the_process(process: Command) -> None:
    assert_refused(process("run", "table9"), "table9", "table2")


def test_a_wrong_raw_folder_says_what_was_expected(command: Command, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").write_bytes(b"not a data set")
    process = command("run", "table2", *SMOKE, "--datasets", "mlr-market", "--data", "photos")
    assert_refused(process, "photos", "bounding_box_train")


def test_a_truncated_image_is_named(command: Command, tmp_path: Path) -> None:
    assert (
        command("datasets", "twin", "mlr-viper", "--size", "tiny", "--out", "raw").returncode == 0
    )
    victim = next(path for path in sorted((tmp_path / "raw").rglob("*.bmp")))
    victim.write_bytes(victim.read_bytes()[:1000])
    process = command("run", "table2", *SMOKE, "--datasets", "mlr-viper", "--data", "raw")
    assert process.returncode == 2
    assert "Traceback" not in process.stderr
    assert victim.name in process.stderr.splitlines()[-1]


def test_a_name_outside_the_grammar_is_named(command: Command, tmp_path: Path) -> None:
    assert (
        command("datasets", "twin", "mlr-viper", "--size", "tiny", "--out", "raw").returncode == 0
    )
    folder = next(path for path in (tmp_path / "raw").rglob("cam_a"))
    (folder / "person one.bmp").write_bytes(b"")
    process = command("run", "table2", *SMOKE, "--datasets", "mlr-viper", "--data", "raw")
    assert_refused(process, "person one.bmp")


def test_a_half_written_record_is_run_again(command: Command, tmp_path: Path) -> None:
    arguments = ("run", "table2", *SMOKE, "--datasets", "mlr-viper", "--seeds", "0", "--rows", "1")
    assert command(*arguments).returncode == 0
    (path,) = (tmp_path / "results" / "table2" / "records").iterdir()
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(path.read_text(encoding="utf-8")[:200], encoding="utf-8")
    process = command(*arguments)
    assert process.returncode == 0
    assert path.name in process.stderr
    mended = json.loads(path.read_text(encoding="utf-8"))
    assert mended["digests"] == record["digests"]


def features(tmp_path: Path, **changed: Any) -> Path:
    """A features file of six queries and nine gallery images, with some arrays replaced."""
    rng = np.random.default_rng(0)
    arrays = {
        "query_features": rng.normal(size=(6, 8)),
        "gallery_features": rng.normal(size=(9, 8)),
        "query_pids": np.arange(6) % 3,
        "gallery_pids": np.array([0, 1, 2, 0, 1, 2, 0, 1, -1]),
        "query_camids": np.zeros(6, int),
        "gallery_camids": np.ones(9, int),
    } | changed
    path = tmp_path / "features.npz"
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def test_evaluate_agrees_with_the_public_door(command: Command, tmp_path: Path) -> None:
    path = features(tmp_path)
    content = answer(command("evaluate", path, "--metric", "cosine", "--json"))
    with np.load(path) as arrays:
        assert content == {**crossres.evaluate(**arrays, metric="cosine"), "notes": []}
    assert {"rank1", "rank5", "rank10", "rank20", "mAP", "mINP", "valid_queries"} < set(content)
    text = command("evaluate", path, "--metric", "cosine").stdout
    assert f"{100 * content['mAP']:.2f} %" in text


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"query_features": np.full((6, 8), np.nan)}, "query_features"),
        ({"gallery_features": np.zeros((9, 7))}, "wide"),
        ({"gallery_pids": None}, "gallery_pids"),
        ({"query_camids": np.zeros(5, int)}, "query_camids"),
        ({"query_pids": np.array([object()] * 6)}, "query_pids"),
    ],
    ids=["NaN", "unequal width", "missing array", "wrong length", "pickled objects"],
)
def test_evaluate_names_what_is_wrong(
    changed: dict[str, Any], word: str, command: Command, tmp_path: Path
) -> None:
    assert_refused(command("evaluate", features(tmp_path, **changed)), "features.npz", word)
