"""A second process for what can be made while something else is."""

import multiprocessing
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from multiprocessing.connection import Connection
from typing import TypeVar

from crossres.datasets.base.cores import usable_cores

T = TypeVar("T")


@contextmanager
def beside(make: Callable[[], T], *, worthwhile: bool) -> Iterator[Callable[[], T]]:
    """Make something in a fork of this process while the block goes on; yields what waits for it.

    It is made here, once it is asked for, where that is not `worthwhile` or not possible, and where
    the second process ends without it, be it killed or by an error, which then happens again. The
    value is pickled on its way. Nobody waits for the process where the block ends early.
    """
    if not (worthwhile and _may_fork()):
        yield cache(make)
        return
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(make, sender), daemon=True)
    with warnings.catch_warnings():
        # Of threads that are not Python's own: those of the libraries for algebra, which allow it.
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    sender.close()

    def value() -> T:
        try:
            made: T = receiver.recv()
        except (EOFError, OSError):
            made = make()
        return made

    try:
        yield cache(value)
    finally:
        receiver.close()
        process.kill()
        process.join()
        process.close()


def _may_fork() -> bool:
    """Say whether a fork is possible, finds a core and leaves no thread amid anything."""
    return (
        sys.platform == "linux"  # elsewhere there is no fork, or the system's libraries mind it
        and usable_cores() > 1
        and threading.active_count() == 1
        and not multiprocessing.current_process().daemon
    )


def _send(make: Callable[[], T], sender: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of which the first process is told, too
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with suppress(Exception):  # the first process makes it again, and sees why not
        sender.send(make())
