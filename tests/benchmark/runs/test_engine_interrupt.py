"""Ctrl-C in the very moment in which a worker starts leaves no worker behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from crossres.benchmark.measures.kernels import kernel_variables
from crossres.benchmark.runs import local_engine
from crossres.benchmark.runs.data import Progress
from crossres.benchmark.runs.engine import Task, each_of
from crossres.benchmark.runs.local_engine import local
from crossres.benchmark.runs.worker import work
from tests.chaos.grid import MARK
from tests.chaos.processes import gone, marked


def sleeps(argument: float, progress: Progress) -> float:
    import time

    progress("sleep", 0, 1)
    time.sleep(argument)
    return argument


def sleeps_in_c(argument: float, progress: Progress) -> None:
    """Never come back to Python, as a long step in a library in C; SIGTERM does not end it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    sleeps(argument, progress)


@pytest.fixture
def another_thread() -> Iterator[None]:
    """A thread that takes the signals that the main thread has blocked, as those of BLAS do."""
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.fixture
def heeded_signals() -> Iterator[None]:
    """SIGINT and SIGTERM as the command line has them, also where one of them is ignored."""
    handlers = {
        number: signal.signal(number, signal.default_int_handler)
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no signal masks here")
@pytest.mark.parametrize("sent_to", ["thread", "process"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.usefixtures("another_thread", "heeded_signals")
def test_a_worker_that_is_just_starting_is_ended_too(
    number: signal.Signals, sent_to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = local_engine._start
    started = []

    def interrupted(*arguments: object) -> object:
        worker = start(*arguments)  # type: ignore[arg-type]
        if sent_to == "thread":
            signal.raise_signal(number)
        else:
            os.kill(os.getpid(), number)
        time.sleep(0.05)  # the other thread takes it, and Python tells the main one
        started.append(worker)
        return worker

    monkeypatch.setattr(local_engine, "_start", interrupted)
    with (
        closing(
            local(each_of([Task("a", sleeps, 60.0, kernel_variables("portable"))]), 1)
        ) as events,
        pytest.raises(KeyboardInterrupt),
    ):
        next(events)
    assert started, "the interrupt came into the start of a worker"
    assert multiprocessing.active_children() == []
    assert signal.getsignal(number) is signal.default_int_handler


def test_a_worker_whose_driver_is_gone_leaves_without_a_word(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    log = tmp_path / "gone" / "a.log"
    process = context.Process(target=work, args=(sleeps, 60.0, sender, log))
    process.start()
    process.join(30)
    assert process.exitcode == 0
    assert capfd.readouterr().err == ""
    receiver.close()


DRIVER = """
from crossres.benchmark.runs.engine import Task, each_of
from crossres.benchmark.runs.local_engine import local
from tests.benchmark.runs.test_engine_interrupt import {function}
for event in local(each_of([Task("a", {function}, 60.0)]), 1):
    print(event, flush=True)
"""


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are read from /proc")
@pytest.mark.parametrize("function", ["sleeps", "sleeps_in_c"])
def test_a_worker_that_says_nothing_leaves_soon_after_its_driver(function: str) -> None:
    mark = uuid.uuid4().hex
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER.format(function=function)],
        env=os.environ | {MARK: mark},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert driver.stdout is not None
    assert "Started" in driver.stdout.readline()
    assert "Progressed" in driver.stdout.readline()
    assert len(marked(mark)) > 1
    driver.kill()
    driver.wait()
    assert gone(lambda: marked(mark), within=8.0) == []


INTERRUPTED_IMPORT = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # who starts the tests may ignore it

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "ray._private.utils":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
from crossres.benchmark.runs.ray_engine import ray_cluster
try:
    with ray_cluster():
        print("connected")
except KeyboardInterrupt:
    print("interrupted", sys.modules["ray"].is_initialized())
"""


def test_ray_is_imported_whole_before_an_interrupt_is_heeded() -> None:
    process = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_IMPORT], capture_output=True, text=True, check=False
    )
    assert (process.stdout, process.stderr) == ("interrupted False\n", "")


READING = """
import os, sys
from multiprocessing import spawn
import crossres.benchmark.runs.fork_server
reading, writing = os.pipe()
os.write(writing, {task!r})
os.close(writing)
try:
    spawn._main(reading, None)
except Exception:
    sys.excepthook(*sys.exc_info())
"""


@pytest.mark.parametrize(
    ("task", "says"),
    [(b"", ""), (b"\x80\x04\x95\x10", ""), (b"cno_module\nname\n.", "ModuleNotFoundError")],
)
def test_half_a_task_is_no_error_of_its_worker(task: bytes, says: str) -> None:
    process = subprocess.run(
        [sys.executable, "-c", READING.format(task=task)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert says in process.stderr
    assert bool(process.stderr) == bool(says)
