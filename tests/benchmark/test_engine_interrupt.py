"""Ctrl-C in the very moment in which a worker starts leaves no worker behind."""

import multiprocessing
import signal
from contextlib import closing

import pytest

from benchmark import engine
from benchmark.engine import Task, local
from benchmark.preparing import Progress


def sleeps(argument: float, progress: Progress) -> float:
    import time

    progress("sleep", 0, 1)
    time.sleep(argument)
    return argument


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no signal masks here")
def test_a_worker_that_is_just_starting_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    start = engine._start

    def interrupted(*arguments: object) -> object:
        worker = start(*arguments)  # type: ignore[arg-type]
        signal.raise_signal(signal.SIGINT)
        return worker

    monkeypatch.setattr(engine, "_start", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with (
            closing(local([Task("a", sleeps, 60.0)], 1)) as events,
            pytest.raises(KeyboardInterrupt),
        ):
            next(events)
    finally:
        signal.signal(signal.SIGINT, before)
    assert multiprocessing.active_children() == []
