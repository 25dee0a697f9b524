"""Showing how far a long task is."""

import io
import re

import pytest

from crossres.datasets.base.progress import Pace, bars, progress


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
    with progress("pixels", stream=stream, pace=Pace(now)) as count:
        for second in range(26):
            now.time = float(second)
            count(second * 4, 100)
    assert stream.getvalue().splitlines() == [
        "pixels: 40 of 100 · about 0:15 left",
        "pixels: 80 of 100 · about 0:05 left",
    ]


def test_on_a_terminal_there_is_a_bar_that_goes_away() -> None:
    now, stream = Now(), Terminal()
    with progress("pixels", stream=stream, pace=Pace(now)) as count:
        count(0, 100)
        now.time = 5.0
        count(50, 100)
    assert "pixels · about 0:05 left" in stream.getvalue()
    assert "50/100" in stream.getvalue()


def test_in_80_columns_a_long_name_loses_its_end_and_no_bar_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    with bars(stream, "images") as board:
        board.add_task("short", total=45, completed=3)
        board.add_task("of a name that goes on and on, " * 4, total=None, completed=20)
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue()).splitlines()
    short, long = (next(line for line in lines if line.startswith(s)) for s in ("short", "of"))
    assert (len(short), len(long)) == (80, 80)
    assert "━" in short
    assert short.rstrip().endswith("3/45 images")
    assert "of a name that…" in long
    assert long.rstrip().endswith("20/?  images")


def test_units_divide_and_an_unknown_total_is_not_said() -> None:
    now, stream = Now(), io.StringIO()
    with progress("fetching", 1 << 20, "MiB", stream, Pace(now)) as report:
        report(0, 0)
        now.time = 11.0
        report(7 << 20, 0)
        now.time = 22.0
        report(8 << 20, 16 << 20)
    assert stream.getvalue().splitlines() == [
        "fetching: 7 MiB",
        "fetching: 8 of 16 MiB · about 0:22 left",
    ]
