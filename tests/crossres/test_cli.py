"""The command line as a user meets it: exit codes, one clear line for bad input.

A run, a list, a refusal and Ctrl-C are tried in processes of their own (`process`).
"""

import errno
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
IDS = ("pids", "camids")
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
    ("tables", "list"),
    ("tables", "show"),
    ("methods", "list"),
    ("methods", "show"),
    ("methods", "check"),
    ("run",),
    ("report",),
    ("evaluate",),
    ("embed",),
    ("doctor",),
    ("completion",),
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
        assert content["notes"] == []
        assert content.items() >= crossres.evaluate(**arrays, metric="cosine").items()
    assert {"rank1", "rank5", "rank10", "rank20", "mAP", "mINP", "valid_queries"} < set(content)
    text = command("evaluate", path, "--metric", "cosine").stdout
    assert f"{100 * content['mAP']:.2f} %" in text


def test_evaluate_says_what_it_did(command: Command, tmp_path: Path) -> None:
    path = features(tmp_path)
    arguments = ("evaluate", path, "--gallery", "shared", "--repetitions", "7", "--seed", "2")
    files = ("--out", "new/a.json", "--per-query", "q.csv")
    process = command(*arguments, *files, "--json")
    content = answer(process)
    assert process.stderr.splitlines() == ["wrote new/a.json", "wrote q.csv"]
    assert json.loads((tmp_path / "new" / "a.json").read_text(encoding="utf-8")) == content
    assert content["features"] == str(path)
    assert content["rules"]["gallery"] == "shared"
    printed = command(*arguments).stdout
    assert max(map(len, printed.splitlines())) <= 80
    whole = printed.replace("\n" + 21 * " ", " ")
    text = dict(line.split(None, 1) for line in whole.splitlines())
    low, high = (100 * bound for bound in content["intervals"]["mAP"])
    assert text["mAP"] == f"{100 * content['mAP']:.2f} %  [{low:.2f}, {high:.2f}]"
    assert text["query_images"] == "6"
    assert "gallery shared, same_camera drop, separate_cameras false" in text["rules"]
    assert "repetitions 7, seed 2" in text["rules"]
    header, *lines = (tmp_path / "q.csv").read_text(encoding="utf-8").splitlines()
    assert header == (
        "query,pid,camid,valid,rank1,rank5,rank10,rank20,AP,INP,true_matches,ranked_images"
    )
    assert len(lines) == 6


def test_evaluate_reads_a_folder(command: Command, tmp_path: Path) -> None:
    path = features(tmp_path)
    (tmp_path / "arrays").mkdir()
    with np.load(path) as arrays:
        for name, array in arrays.items():
            np.save(tmp_path / "arrays" / f"{name}.npy", array)
    from_file, from_folder = (answer(command("evaluate", p, "--json")) for p in (path, "arrays"))
    assert from_folder == {**from_file, "features": "arrays"}


def test_evaluate_refuses_a_place_before_it_begins(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for option in ("--out", "--per-query"):
        assert_refused(command("evaluate", "none.npz", option, "a.txt"), "a.txt", ".json or .csv")
        assert_refused(command("evaluate", "none.npz", option, "file/a.csv"), "file/a.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_answer_is_printed_where_its_file_cannot_be_written(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = features(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        process = command("evaluate", path, "--out", "a.json", "--per-query", "q.csv")
        as_json = command("evaluate", path, "--out", "a.json", "--json")
    assert process.returncode == 2
    assert [line.partition(" (")[0] for line in process.stderr.splitlines()] == [
        "crossres: a.json: cannot be written",
        "crossres: q.csv: cannot be written",
    ]
    assert process.stdout == command("evaluate", path).stdout
    content = json.loads(as_json.stdout)
    assert (as_json.returncode, content["exit_code"]) == (2, 2)
    assert content["error"].startswith("a.json: cannot be written")
    assert content["rank1"] >= 0
    assert [file.name for file in tmp_path.iterdir()] == ["features.npz"]


def test_evaluate_ends_with_one_line_on_ctrl_c(tmp_path: Path) -> None:
    """While it ranks: a true process, which says so by a line of progress."""
    rng = np.random.default_rng(0)
    few = {f"{side}_{kind}": np.arange(4000) % 50 for side in ("query", "gallery") for kind in IDS}
    path = features(
        tmp_path,
        query_features=rng.normal(size=(4000, 64)),
        gallery_features=rng.normal(size=(4000, 64)),
        **few,
    )
    program = "from crossres.datasets.base import progress; progress.QUIET_SECONDS = 0\n"
    program += "import sys, crossres; sys.exit(crossres.main(sys.argv[1:]))"
    arguments = ("evaluate", str(path), "--gallery", "single-shot", "--same-camera", "keep")
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments, "--out", str(tmp_path / "a.json")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A background job of a shell starts with SIGINT ignored, and so do its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("evaluating: 0 of 4,000 queries")
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert stdout == ""
    assert "Traceback" not in stderr
    assert stderr.splitlines()[-1] == "crossres: interrupted; nothing half-written is left"
    assert [file.name for file in tmp_path.iterdir()] == ["features.npz"]


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
