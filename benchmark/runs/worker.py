"""What runs inside a worker process: one task, its messages to the driver, its output to a log.

Messages are tuples: ("progress", phase, done, total), ("checkpoint", files), ("warning", text),
then ("value", value) or ("failed", reason, unusable_input).
"""

import io
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType
from typing import Any

from crossres.datasets.base.errors import InputError, printable

Message = tuple[Any, ...]
REPORT_EVERY_SECONDS = 0.1
PATIENCE_SECONDS = 2.0  # for a step in a library in C, once the driver is gone


def work(
    function: Callable[[Any, Any], Any],
    argument: Any,
    connection: Connection,
    log: Path,
) -> None:
    """Call function(argument, report) and send what becomes of it."""
    # For systems where it was not blocked from the start: only the driver minds Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    _leave_with_driver()
    try:
        _print_into(log)
    except FileNotFoundError:
        return  # the driver was killed and its folder is gone: nobody waits for this task
    logging.getLogger().handlers = [_Forwarder(connection)]
    try:
        value = function(argument, _Reporter(connection))
        connection.send(("value", value))
    except Exception as error:
        # Before the driver hears of it: it reads the log at once.
        traceback.print_exc()
        _flush()
        connection.send(("failed", _reason(error), isinstance(error, InputError)))
    finally:
        connection.close()


def _leave(number: int, frame: FrameType | None) -> None:
    """Leave through the `finally` blocks, so that no temporary file stays behind."""
    del frame
    sys.exit(128 + number)


def _leave_with_driver() -> None:
    """Leave soon after the driver is gone, also in the midst of a step that tells nothing."""
    driver = multiprocessing.parent_process()
    if driver is not None:
        threading.Thread(target=_outlive, args=(driver.sentinel,), daemon=True).start()


def _outlive(driver: int) -> None:
    wait([driver])
    os.kill(os.getpid(), signal.SIGTERM)  # `_leave`, once the main thread is back in Python
    time.sleep(PATIENCE_SECONDS)
    os._exit(1)


def _print_into(log: Path) -> None:
    """Send this process's output, that of libraries in C too, to the file `log`."""
    _flush()
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None where the driver has closed its own
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


class _Reporter:
    """Sends checkpoints and progress: new phases, ends, and else ten times a second."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._phase, self._time = "", 0.0

    def __call__(self, phase: str, done: int, total: int) -> None:
        now = time.monotonic()
        if phase != self._phase or done >= total or now - self._time >= REPORT_EVERY_SECONDS:
            self._phase, self._time = phase, now
            self._connection.send(("progress", phase, done, total))

    def checkpoint(self, files: Mapping[str, bytes]) -> None:
        self._connection.send(("checkpoint", dict(files)))


def _reason(error: Exception) -> str:
    """Say the error in one line; its type too, unless the text alone was written for people."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's
        return "memory ran out; try fewer --jobs, or a profile with smaller images or batches"
    text = printable(" ".join(str(error).split()))
    if isinstance(error, InputError) or type(error).__name__ == "CellError":
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class _Forwarder(logging.Handler):
    """Sends warnings to the driver, which shows them."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(logging.WARNING)
        self._connection = connection

    def emit(self, record: logging.LogRecord) -> None:
        """Send the text of the log record."""
        self._connection.send(("warning", record.getMessage()))
