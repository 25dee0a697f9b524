"""What ends a command from outside: Ctrl-C, and the signals that end it in the same way."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SWALLOWED_SECONDS = 0.05  # by then Python has left the destructor that swallowed an interrupt


@contextmanager
def ended_like_control_c() -> Iterator[None]:
    """End on SIGTERM and SIGHUP as on Ctrl-C: no worker and no half-written file is left behind.

    A signal that is ignored (`nohup`) stays ignored. Only the main thread may set handlers. Where a
    signal comes while Python runs a destructor (of a worker's connection, say), Python prints its
    KeyboardInterrupt and goes on as if nothing had been; here it is raised once more.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP")]
    default = [n for n in numbers if n is not None and signal.getsignal(n) is signal.SIG_DFL]
    for number in default:
        signal.signal(number, _interrupt)
    tell = sys.unraisablehook

    def raise_again(unraisable: Any) -> None:
        interrupt = unraisable.exc_value
        if not isinstance(interrupt, KeyboardInterrupt):
            tell(unraisable)
            return
        number = interrupt.args[0] if interrupt.args else signal.SIGINT
        timer = threading.Timer(SWALLOWED_SECONDS, _send_to_main_thread, [number])
        timer.daemon = True
        timer.start()

    sys.unraisablehook = raise_again
    try:
        yield
    finally:
        sys.unraisablehook = tell
        for number in default:
            signal.signal(number, signal.SIG_DFL)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del frame
    raise KeyboardInterrupt(number)


def _send_to_main_thread(number: int) -> None:
    """Send a signal so that it also ends a wait there, where the system can do that."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)
