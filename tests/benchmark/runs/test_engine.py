"""The local engine: a worker that raises or dies is one failed task; the rest comes through."""

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing import forkserver
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from crossres.benchmark.measures.kernels import kernel_variables
from crossres.benchmark.runs import local_engine
from crossres.benchmark.runs.engine import (
    Event,
    Failed,
    Finished,
    Progressed,
    Started,
    Task,
    Warned,
    each_of,
)
from crossres.benchmark.runs.local_engine import local
from tests.benchmark.runs.written_module import written_module

VARIABLES = kernel_variables("portable")
"""Those of cells: the fork server keeps to the first that it is asked for."""

CALLS = """
import logging
import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from crossres.datasets.base.errors import InputError


def square(x, progress):
    return x * x


def is_loaded(name, progress):
    return name in sys.modules


def raises(x, progress):
    print("printed before")
    raise KeyError("the reason")


def memory(x, progress):
    print("λ² of a console that lacks them")
    np.zeros(1 << 50)


def unusable(x, progress):
    raise InputError("a.jpg: truncated; copy it again")


def killed(x, progress):
    os.system("echo from a child process")
    os.kill(os.getpid(), signal.SIGKILL)


def real_time(x, progress):
    os.kill(os.getpid(), signal.SIGRTMIN + 3)


def kills_its_fork_server(x, progress):
    os.kill(os.getppid(), signal.SIGKILL)
    os._exit(0)


def leaves(x, progress):
    os._exit(3)


def large(x, progress):
    return np.arange(x, dtype=np.float64)


def unpicklable(x, progress):
    return lambda: x


def steps(x, progress):
    for done in range(x + 1):
        progress("counting", done, x)
    logging.getLogger("anything").warning("mind the %s", "gap")
    return x


def environment(x, progress):
    main = getattr(sys.modules["__main__"], "__file__", None)
    return {name: os.environ.get(name) for name in x} | {"main": main}


def sleeps(folder, progress):
    Path(folder, str(os.getpid())).touch()
    try:
        time.sleep(60)
    finally:
        Path(folder, "left").touch()


def grandchild(x, progress):
    if os.fork() == 0:
        time.sleep(20)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    with written_module(tmp_path, "engine_calls", CALLS, monkeypatch) as module:
        yield module


def task(key: str, function: Callable[..., Any], argument: Any, **more: str) -> Task:
    return Task(key, function, argument, {**VARIABLES, **more})


def outcomes(tasks: list[Task], jobs: int) -> dict[str, Any]:
    events: list[Event] = list(local(each_of(tasks), jobs))
    assert sum(isinstance(event, Started) for event in events) == len(tasks)
    return {e.key: e for e in events if isinstance(e, Finished | Failed)}


def test_values_come_back_whatever_the_number_of_jobs(calls: ModuleType) -> None:
    tasks = [task(str(n), calls.square, n) for n in range(7)]
    for jobs in (1, 3):
        outcome = outcomes(tasks, jobs)
        assert {key: event.value for key, event in outcome.items()} == {
            str(n): n * n for n in range(7)
        }
    assert list(local(each_of([]), 2)) == []


def test_one_worker_starts_tasks_in_order(calls: ModuleType) -> None:
    tasks = [task(key, calls.square, 1) for key in "cab"]
    assert [e.key for e in local(each_of(tasks), 1)] == ["c", "c", "a", "a", "b", "b"]


def test_failures_are_one_event_each_with_their_reason(calls: ModuleType) -> None:
    names = ["raises", "unusable", "killed", "real_time", "leaves", "unpicklable", "memory"]
    names.append("square")
    outcome = outcomes([task(name, getattr(calls, name), 2) for name in names], 2)
    reasons = {key: event.reason for key, event in outcome.items() if isinstance(event, Failed)}
    assert reasons["raises"] == "KeyError: 'the reason'"
    assert reasons["unusable"] == "a.jpg: truncated; copy it again"
    assert reasons["killed"].startswith("the worker was killed by SIGKILL; the system does that")
    assert reasons["real_time"] == f"the worker was killed by signal {signal.SIGRTMIN + 3}"
    assert reasons["leaves"] == "the worker left with exit code 3 without a result"
    assert "pickle" in reasons["unpicklable"]
    assert reasons["memory"].startswith("memory ran out; try fewer --jobs")
    assert "λ² of a console" in outcome["memory"].log
    assert outcome["square"].value == 4
    assert [key for key, e in outcome.items() if getattr(e, "unusable_input", False)] == [
        "unusable"
    ]
    assert "printed before" in outcome["raises"].log
    assert "Traceback" in outcome["raises"].log
    assert "from a child process" in outcome["killed"].log


def test_a_dead_worker_is_noticed_although_its_child_lives_on(calls: ModuleType) -> None:
    start = time.monotonic()
    outcome = outcomes([task("a", calls.grandchild, 0)], 1)
    assert isinstance(outcome["a"], Failed)
    assert time.monotonic() - start < 15


def test_large_results_fit_through(calls: ModuleType) -> None:
    outcome = outcomes([task(str(n), calls.large, 3_000_000) for n in range(2)], 2)
    assert [float(event.value[-1]) for event in outcome.values()] == [2_999_999.0] * 2


def test_progress_and_warnings_reach_the_driver(calls: ModuleType) -> None:
    events = list(local(each_of([task("a", calls.steps, 1000)]), 1))
    steps = [(e.done, e.total) for e in events if isinstance(e, Progressed)]
    assert (steps[0], steps[-1]) == ((0, 1000), (1000, 1000))
    assert len(steps) < 100
    assert [e.text for e in events if isinstance(e, Warned)] == ["mind the gap"]


def test_workers_have_one_thread_and_do_not_run_the_callers_script(calls: ModuleType) -> None:
    names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]
    before = {name: os.environ.get(name) for name in names}
    script = sys.modules["__main__"]
    outcome = outcomes([task("a", calls.environment, names)], 1)
    assert outcome["a"].value == dict.fromkeys(names, "1") | {"main": None}
    assert {name: os.environ.get(name) for name in names} == before
    assert sys.modules["__main__"] is script


def test_closing_ends_all_workers_through_their_finally_blocks(
    calls: ModuleType, tmp_path: Path
) -> None:
    folder = tmp_path / "pids"
    folder.mkdir()
    start = time.monotonic()
    with closing(
        local(each_of([task(str(n), calls.sleeps, str(folder)) for n in range(3)]), 2)
    ) as events:
        assert isinstance(next(events), Started)
        assert isinstance(next(events), Started)
        while len(list(folder.iterdir())) < 2:
            assert time.monotonic() - start < 30
            time.sleep(0.05)
    names = {path.name for path in folder.iterdir()}
    assert "left" in names
    assert len(names) == 3
    for pid in names - {"left"}:
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)
    assert time.monotonic() - start < 40


def test_workers_start_with_the_variables_of_their_tasks(calls: ModuleType) -> None:
    names = ["CROSSRES_TRIAL"]
    tasks = [
        task("none", calls.environment, names),
        task("first", calls.environment, names, CROSSRES_TRIAL="first"),
        task("second", calls.environment, names, CROSSRES_TRIAL="second"),
    ]
    outcome = outcomes(tasks, 2)
    values = {key: event.value["CROSSRES_TRIAL"] for key, event in outcome.items()}
    assert values == {"none": None, "first": "first", "second": "second"}
    assert "CROSSRES_TRIAL" not in os.environ


@pytest.mark.skipif(
    "forkserver" not in multiprocessing.get_all_start_methods(), reason="there is no fork server"
)
@pytest.mark.parametrize("is_changed", [False, True])
def test_no_worker_has_our_rooms_from_before_a_change_of_their_files(
    calls: ModuleType, monkeypatch: pytest.MonkeyPatch, *, is_changed: bool
) -> None:
    outcomes([task("first", calls.square, 1)], 1)  # the fork server is there, with our rooms
    if is_changed:
        state = local_engine.state_of_files() | {("msifla.py", 1, 2)}
        monkeypatch.setattr(local_engine, "state_of_files", lambda: state)
    (event,) = outcomes(
        [task("second", calls.is_loaded, "crossres.benchmark.runs.cell")], 1
    ).values()
    assert isinstance(event, Finished)
    assert event.value is not is_changed


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are read from /proc")
def test_a_fork_server_that_is_killed_is_replaced(
    calls: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    process_class = multiprocessing.get_context("forkserver").Process
    start, starts = process_class.start, []

    def killed_first(process: Any) -> None:
        starts.append(process)
        server = forkserver._forkserver
        if len(starts) == 1:
            server.ensure_running()
            os.kill(server._forkserver_pid, signal.SIGSTOP)  # so that it takes the request first
            threading.Timer(0.3, os.kill, (server._forkserver_pid, signal.SIGKILL)).start()
        start(process)

    monkeypatch.setattr(process_class, "start", killed_first)
    with closing(local(each_of([task("a", calls.square, 6)]), 1)) as events:
        last = list(events)[-1]
    assert isinstance(last, Finished)
    assert last.value == 36
    assert len(starts) == 2


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are read from /proc")
def test_a_worker_whose_fork_server_is_killed_says_so(calls: ModuleType) -> None:
    outcome = outcomes([task("a", calls.kills_its_fork_server, 1), task("b", calls.square, 3)], 1)
    assert isinstance(failed := outcome["a"], Failed)
    assert failed.reason.startswith("the worker ended itself, or its fork server was killed; ")
    assert failed.reason.endswith("so try fewer --jobs")
    assert isinstance(outcome["b"], Finished)


def test_threads_that_start_workers_at_once_leave_the_process_as_it_was(
    calls: ModuleType,
) -> None:
    def state() -> tuple[str, dict[str, str], ModuleType]:
        return tempfile.gettempdir(), dict(os.environ), sys.modules["__main__"]

    def run() -> None:
        outcomes([task(str(n), calls.square, n) for n in range(4)], 2)

    run()  # the fork server is there
    before = state()
    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state() == before
