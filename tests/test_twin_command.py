"""`crossres datasets twin`: what it says while it draws, and that it leaves all or nothing."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crossres.command_line import run
from datasets import draw_twin


def test_it_draws_into_a_folder_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["datasets", "twin", "mlr-viper", "--size", "tiny", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"wrote the tiny twin of mlr-viper to {tmp_path}\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["VIPeR"]


def test_an_interrupted_twin_leaves_nothing_and_one_line(tmp_path: Path):
    out = tmp_path / "raw"
    command = [sys.executable, "-m", "crossres", "datasets", "twin", "mlr-market"]
    process = subprocess.Popen(
        [*command, "--size", "full", "--out", str(out)],
        cwd=Path(__file__).parents[1],
        stderr=subprocess.PIPE,
        text=True,
        # A background job of a shell starts with SIGINT ignored, and so do its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not list(out.rglob("*.jpg")):
        time.sleep(0.1)
    assert [entry.name[:7] for entry in out.iterdir()] == [".Market"]
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert said == "crossres: interrupted; nothing half-written is left\n"
    assert process.returncode == 1
    assert list(out.iterdir()) == []


def test_a_drawing_that_fails_leaves_nothing(tmp_path: Path):
    class Stop(Exception):
        pass

    def stop(done: int, _total: int) -> None:
        if done == 5:
            raise Stop

    with pytest.raises(Stop):
        draw_twin("caviar", tmp_path, "tiny", stop)
    assert list(tmp_path.iterdir()) == []


def test_an_unusable_place_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    place = tmp_path / "file"
    place.write_text("")
    assert run(["datasets", "twin", "mlr-viper", "--size", "tiny", "--out", str(place)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert str(place) in said
