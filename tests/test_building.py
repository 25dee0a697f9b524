"""What `crossres datasets build` tells: how far it is, the time left, where the pixels are from."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

from crossres.counting import Pace, counted

REPO = Path(__file__).resolve().parents[1]


class Now:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_time_left_is_that_of_what_was_done_here() -> None:
    now = Now()
    pace = Pace(now)
    assert pace.left(400, 1000) == ""  # 400 were there already
    now.time = 10.0
    assert pace.left(500, 1000) == " · about 0:50 left"
    now.time = 20.0
    assert pace.left(800, 1000) == " · about 0:10 left"
    assert pace.left(1000, 1000) == ""


def test_without_a_terminal_there_is_a_line_now_and_then() -> None:
    now, stream = Now(), io.StringIO()
    with counted("pixels", stream, Pace(now)) as count:
        for second in range(26):
            now.time = float(second)
            count(second * 4, 100)
    assert stream.getvalue().splitlines() == [
        "pixels: 40 of 100 · about 0:15 left",
        "pixels: 80 of 100 · about 0:05 left",
    ]


def test_on_a_terminal_there_is_a_bar_that_goes_away() -> None:
    now, stream = Now(), Terminal()
    with counted("pixels", stream, Pace(now)) as count:
        count(0, 100)
        now.time = 5.0
        count(50, 100)
    assert "pixels · about 0:05 left" in stream.getvalue()
    assert "50/100" in stream.getvalue()


def test_build_says_where_the_pixels_are_from(tmp_path: Path) -> None:
    def build(*more: str) -> str:
        command = [sys.executable, "-m", "crossres", "datasets", "build", "mlr-viper"]
        done = subprocess.run(
            [*command, "--profile", "smoke", "--out", str(tmp_path), *more],
            capture_output=True,
            text=True,
            check=True,
            cwd=REPO,
            env=os.environ | {"CROSSRES_CACHE": str(tmp_path / "cache")},
        )
        return done.stdout

    assert "(built), source twin:tiny:" in build()
    assert "(from cache), source" in build()
    assert json.loads(build("--json"))["built"][0]["origin"] == "cache"
