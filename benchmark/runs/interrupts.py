"""Interrupts that wait where Python must not be stopped in the middle."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# What the command line acts on as on Ctrl-C; Windows has only some of them.
INTERRUPTS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


@contextmanager
def postponed_interrupts() -> Iterator[None]:
    """Act on what interrupts in the block when it has ended. Only the main thread ever sees it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in INTERRUPTS}
    callables = {number: handler for number, handler in handlers.items() if callable(handler)}
    arrived: list[int] = []
    for number in callables:
        signal.signal(number, lambda number, _: arrived.append(number))
    try:
        yield
    finally:
        for number, handler in callables.items():
            signal.signal(number, handler)
        if arrived:
            signal.raise_signal(arrived[0])
