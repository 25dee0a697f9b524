"""The estimate of the time left, and the lines of a run that nobody watches on a terminal."""

import io

import pytest

from crossres.benchmark.runs.engine import Failed, Finished, Progressed, Started, Warned
from crossres.benchmark.runs.progress import Clock, watched
from crossres.datasets.base.progress import duration


class Now:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (200, "3:20"), (3725, "1:02:05")]
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_time_left_learns_from_what_was_measured() -> None:
    now = Now()
    expected = {"a1": 10.0, "a2": 10.0, "b1": 20.0, "b2": 20.0}
    clock = Clock(expected, {key: key[0] for key in expected}, jobs=2, now=now)
    assert clock.left() == 30
    clock.start("a1")
    clock.start("b1")
    now.time = 5
    # 5 and 15 of the running ones, 10 and 20 waiting: on two workers.
    assert clock.left() == 25
    clock.end("a1")
    # a takes 5 and not 10: so b may take 10 and not 20, of which 5 have passed.
    assert clock.left() == (5 + 5 + 10) / 2
    clock.start("a2")
    now.time = 30
    clock.end("b1")
    clock.end("a2")
    # One task of 30 seconds is left, and a second worker does not help.
    assert clock.left() == 30


def test_lines_without_a_terminal() -> None:
    now, stream = Now(), io.StringIO()
    titles = {"a": "First", "b": "Second"}
    clock = Clock({"a": 10.0, "b": 10.0}, {"a": 1, "b": 1}, jobs=1, now=now)
    with watched("cells", titles, clock, stream, lambda event: f"got {event.value}") as show:
        show(Started("a"))
        show(Progressed("a", "fit", 1, 2))
        show(Warned("a", "mind the gap"))
        now.time = 200
        show(Finished("a", 7, 200.0))
        show(Started("b"))
        show(Failed("b", "no luck", "", 1.0))
    assert stream.getvalue().splitlines() == [
        "warning: mind the gap",
        "[1 of 2] First: got 7 in 200 s, about 3:20 left",
        "[2 of 2] Second: failed: no luck",
    ]


def test_no_line_says_that_no_time_is_left() -> None:
    now, stream = Now(), io.StringIO()
    clock = Clock({"a": 0.2, "b": 0.2}, {"a": 1, "b": 1}, jobs=1, now=now)
    with watched("cells", {"a": "A", "b": "B"}, clock, stream, lambda _: "ready") as show:
        show(Started("a"))
        show(Finished("a", None, 0.2))
    assert stream.getvalue() == "[1 of 2] A: ready in 0 s\n"


def test_bars_on_a_terminal() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    clock = Clock({"a": 10.0, "b": 10.0}, {"a": 1, "b": 1}, jobs=1)
    titles = {"a": "[First]", "b": "Second"}
    with watched("cells", titles, clock, stream, lambda event: f"done {event.key}") as show:
        show(Started("a"))
        show(Progressed("a", "fit", 1, 2))
        show(Finished("a", 7, 3.0))
    assert "[1 of 2] [First]: done a in 3 s\n" in stream.getvalue().replace("\r", "")
    assert "cells · about 0:" in stream.getvalue()
