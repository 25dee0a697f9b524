"""The local engine: one process of this machine per task."""

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import resource_tracker, util
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import Any

from crossres.benchmark.runs.engine import (
    Checkpointed,
    Event,
    Failed,
    Finished,
    Progressed,
    Started,
    Take,
    Task,
    Warned,
)
from crossres.benchmark.runs.interrupts import postponed_interrupts
from crossres.benchmark.runs.source_files import FileState, state_of_files
from crossres.benchmark.runs.worker import Message, work
from crossres.datasets.base import scratch
from crossres.datasets.base.cores import usable_cores
from crossres.datasets.base.errors import InputError

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# torch imports the compiler with the first step of an optimiser, which takes two seconds.
# What is not installed is left out.
PRELOADED = (
    "crossres.benchmark.runs.fork_server",
    "torch", "torch._dynamo", "pandas", "h5py", "PIL.Image", "jsonschema", "safetensors",
    "crossres.benchmark.runs.cell", "crossres.methods.shared.torch_method",
)  # fmt: skip
PATIENCE_SECONDS = 5.0
STARTS = 5  # of a worker, before its fork server counts as one that never lives
LOG_BYTES = 20_000
SERVER_GONE = 255  # multiprocessing gives this exit code to a worker without its fork server
OUT_OF_MEMORY = "; the system does that when memory runs out, so try fewer --jobs"
# Letters: a socket's path has room for 104 (macOS), 36 of them for its name.
LONGEST_TEMPDIR = 68 - 1 - scratch.LETTERS
SHORT_TEMPDIRS = ("/tmp", "/var/tmp", "/dev/shm", "/run/lock")
# While a worker starts, all threads have its environment, its temporary folder and no __main__.
_STARTING = threading.Lock()
_SERVER: "list[_Server]" = []  # the one there is, once it runs


@dataclass(frozen=True)
class _Server:
    """The fork server: the variables of its first task, and our files when it loaded them."""

    variables: Mapping[str, str]
    files: frozenset[FileState]


@dataclass(frozen=True)
class _Worker:
    task: Task
    process: BaseProcess
    connection: Connection
    log: Path
    start: float

    def seconds(self) -> float:
        return time.monotonic() - self.start


def local(take: Take, jobs: int | None) -> Generator[Event, None, None]:
    """Run the tasks on this machine, in order, at most `jobs` at a time, one process each.

    Each worker has one thread; what it prints is kept for its Failed event. Closing the generator
    (or an exception such as KeyboardInterrupt) ends all workers before it returns.
    """
    most = jobs or usable_cores()
    running: list[_Worker] = []
    with _STARTING:
        scratch_folder = _scratch(tempfile.gettempdir())
    with tempfile.TemporaryDirectory(dir=scratch_folder) as logs:
        try:
            while True:
                while len(running) < most and (task := take()) is not None:
                    # Ctrl-C waits until the worker is in the list of those to be ended.
                    with _without_interrupts():
                        running.append(_start(task, Path(logs)))
                    yield Started(task.key)
                if not running:
                    return
                yield from _events(running)
        finally:
            for worker in running:
                worker.process.terminate()
            for worker in running:
                _end(worker)


def _events(running: list[_Worker]) -> Iterator[Event]:
    """Yield what the workers tell until one has ended, and take that from the list."""
    ended = False
    while not ended:
        ready = wait([end for w in running for end in (w.connection, w.process.sentinel)])
        for worker in list(running):
            if worker.connection in ready or worker.process.sentinel in ready:
                event = _next_event(worker)
                if isinstance(event, Finished | Failed):
                    running.remove(worker)
                    _end(worker)
                    ended = True
                yield event


def _start(task: Task, logs: Path) -> _Worker:
    context = _context(task)
    receiver, sender = context.Pipe(duplex=False)
    handle, name = tempfile.mkstemp(".log", dir=logs)  # a key may hold what file names must not
    os.close(handle)
    log = Path(name)
    with _STARTING, _clean_start(task.variables), _short_sockets():
        process = _started(context, (task.function, task.argument, sender, log))
    sender.close()
    return _Worker(task, process, receiver, log, time.monotonic())


def _started(context: BaseContext, arguments: tuple[Any, ...]) -> BaseProcess:
    """Start a process; where the fork server dies under our hands, by another one."""
    for _ in range(STARTS):
        process: BaseProcess = context.Process(target=work, args=arguments, daemon=True)  # type: ignore[attr-defined]
        try:
            process.start()
        except (EOFError, ConnectionError):
            time.sleep(0.1)  # until the system tells that it is dead
        else:
            return process
    raise InputError("workers cannot be started: their fork server is killed each time")


def _context(task: Task) -> BaseContext:
    """Return a fork server with torch and our rooms loaded, where there is one.

    Its children start at once, with the variables of its first task and what that loads. Tasks that
    need other variables get a process from scratch; so do all once a file of our rooms has changed:
    a worker runs the code that is there when its cell starts, as the record has the digest of that.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    now = _Server(dict(task.variables), state_of_files())
    if not _SERVER:
        _SERVER.append(now)
    if _SERVER[0] != now:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED, *task.loads])
    return context


@contextmanager
def _clean_start(variables: Mapping[str, str]) -> Iterator[None]:
    """Start workers with one thread per library, and without running the caller's script again.

    The variables are read by the fork server, which the first worker starts, and by the libraries
    it loads; PYTHONPATH lets it find what this process finds. Tasks are imported by name, so a
    worker has no use for __main__, and a script that runs a table needs no guard for it.
    """
    path, temporary = os.pathsep.join(sys.path), str(_scratch(tempfile.gettempdir()))
    changed = (
        dict.fromkeys(THREADS, "1") | {"PYTHONPATH": path, "TMPDIR": temporary} | {**variables}
    )
    before = {name: os.environ.get(name) for name in changed}
    script = sys.modules["__main__"]
    os.environ.update(changed)
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _short_sockets() -> Iterator[None]:
    """Have the fork server, which the first worker starts, put its socket where its name fits.

    The system takes about a hundred letters; the temporary folder of a batch system may have more.
    """
    before = tempfile.tempdir
    root = tempfile.gettempdir()
    if len(os.fsencode(root)) > LONGEST_TEMPDIR and os.name == "posix":
        root = _short_folder()
    tempfile.tempdir = str(_scratch(root))
    try:
        yield
    finally:
        tempfile.tempdir = before


@lru_cache(None)
def _scratch(root: str) -> Path:
    """Return the folder of this process for its logs and sockets and for what workers leave there.

    It is gone when the process ends; where it was killed, the next one removes it.
    """
    folder = ExitStack()
    # After multiprocessing (at -100) has removed its socket in it.
    util.Finalize(None, folder.close, exitpriority=-200)
    return folder.enter_context(scratch.scratch_folder(Path(root)))


def _short_folder() -> str:
    for folder in SHORT_TEMPDIRS:
        if Path(folder).is_dir() and os.access(folder, os.W_OK | os.X_OK):
            return folder
    raise InputError(
        f"{tempfile.gettempdir()}: a path too long for the sockets of workers; set TMPDIR to one "
        f"of at most {LONGEST_TEMPDIR} letters"
    )


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hide Ctrl-C, which reaches every process of the terminal, from workers that start in here.

    For this process it only waits until the block has ended. The mask alone is not enough for
    that: the system then hands the signal to another thread (every library that computes has some),
    and Python acts on it in this one.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # its first start would lift the block again
    with postponed_interrupts():
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _next_event(worker: _Worker) -> Event:
    key = worker.task.key
    try:
        message: Message = worker.connection.recv() if worker.connection.poll() else ("died",)
    except (EOFError, OSError):
        message = ("died",)
    match message:
        case ("progress", phase, done, total):
            return Progressed(key, phase, done, total)
        case ("warning", text):
            return Warned(key, text)
        case ("checkpoint", files):
            return Checkpointed(key, files)
        case ("value", value):
            return Finished(key, value, worker.seconds())
        case ("failed", reason, unusable_input):
            return Failed(key, reason, _log_text(worker), worker.seconds(), unusable_input)
        case _:
            reason = _cause_of_death(worker.process)
            return Failed(key, reason, _log_text(worker), worker.seconds(), died=True)


def _cause_of_death(process: BaseProcess) -> str:
    process.join(PATIENCE_SECONDS)
    code = process.exitcode
    if code is None:
        return "the worker closed its connection without a result"
    if code == SERVER_GONE:
        return "the worker ended itself, or its fork server was killed" + OUT_OF_MEMORY
    if code >= 0:
        return f"the worker left with exit code {code} without a result"
    hint = OUT_OF_MEMORY if code == -signal.SIGKILL else ""
    names = {int(known): known.name for known in signal.Signals}  # most real-time ones have none
    return f"the worker was killed by {names.get(-code, f'signal {-code}')}{hint}"


def _log_text(worker: _Worker) -> str:
    return worker.log.read_bytes()[-LOG_BYTES:].decode("utf-8", errors="replace")


def _end(worker: _Worker) -> None:
    """Wait for the process to leave; kill it when it does not."""
    worker.process.join(PATIENCE_SECONDS)
    if worker.process.is_alive():
        worker.process.kill()
        worker.process.join()
    worker.connection.close()
    worker.process.close()
