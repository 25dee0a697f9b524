"""How far a long task is, on standard error: a line that renews itself, or now and then a line."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Report = Callable[[int, int], None]

_QUIET = 1.0  # seconds in which nothing is said: most tasks are done by then
_TERMINAL, _FILE = 0.2, 10.0  # seconds between two reports


@contextmanager
def progress(task: str, unit: int = 1, name: str = "") -> Iterator[Report]:
    """Yield `report(done, total)`, which shows "task: 12 of 80 name" at a bearable pace.

    `unit` divides the numbers (1 << 20 with name "MiB" for bytes); total 0 is an unknown one.
    """
    terminal = sys.stderr.isatty()
    pause = _TERMINAL if terminal else _FILE
    said = time.monotonic() + _QUIET - pause
    shown = False

    def report(done: int, total: int) -> None:
        nonlocal said, shown
        now = time.monotonic()
        if now < said + pause:
            return
        said, shown = now, True
        of = f" of {total // unit:,}" if total else ""
        text = f"{task}: {done // unit:,}{of} {name}".rstrip()
        print(
            f"\r{text}\x1b[K" if terminal else text, end="" if terminal else "\n", file=sys.stderr
        )
        sys.stderr.flush()

    try:
        yield report
    finally:
        if shown and terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
