"""`crossres view` and `crossres report --index` as commands."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from crossres.benchmark import load_table
from crossres.benchmark.records.record import write_record
from crossres.cli import run
from tests.reports.conftest import make_record

TABLE = load_table("table2")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write_record(tmp_path / "results", make_record(TABLE, 0, "caviar", 0))
    return tmp_path / "results"


def _hears_ctrl_c() -> None:
    """Undo what a shell does to jobs in the background, of which these tests may be one."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_it_serves_until_ctrl_c_which_is_how_it_ends(results: Path) -> None:
    command = [sys.executable, "-m", "crossres", "view", str(results)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_hears_ctrl_c,
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split(" ")[0]
        page = b"being written"
        while b"being written" in page:
            time.sleep(0.1)
            with urllib.request.urlopen(address, timeout=60) as answer:
                page = answer.read()
        assert b"1 done" in page
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "ended\n", "")


def test_it_has_no_json(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["view", str(results), "--json"]) == 2
    captured = capsys.readouterr()
    assert "--json" in captured.out + captured.err


def test_the_index_of_a_folder_of_results(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["report", "--index", str(results.parent), "--json"]) == 0
    (written,) = json.loads(capsys.readouterr().out)["written"]
    assert Path(written) == results.parent / "index.html"
    assert "1 results folder" in Path(written).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["report", "{}", "{}"], "2 folders"),
        (["report", "--index", "{}", "--against", "{}"], "not allowed with"),
        (["report", "--index", "{}", "--single-file"], "leave out --single-file"),
        (["report", "--index", "{}", "--table", "table2"], "leave out --table"),
        (["report", "--index", "{}/nothing"], "not a folder that can be read"),
    ],
)
def test_what_does_not_fit_together_is_one_line(
    results: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    assert run([argument.format(results) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1
