"""Showing how far a long command is: a bar with the time left on a terminal, else a line at times.

On standard error, which leaves standard output to the answer.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_PAUSE = 10.0  # seconds between two lines


@contextmanager
def bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Yield what shows `(done, total)` under the title."""
    if not sys.stderr.isatty():
        yield _lines(title)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Left

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, Left(), console=Console(stderr=True), transient=True) as board:
        task = board.add_task(title, total=None)
        yield lambda done, total: board.update(task, completed=done, total=total)


def _lines(title: str) -> Callable[[int, int], None]:
    started = told = time.monotonic()

    def show(done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= _PAUSE:
            told = now
            left = round((now - started) * (total - done) / done)
            text = f"{title}: {done} of {total}, about {left} seconds left"
            print(text, file=sys.stderr, flush=True)

    return show
