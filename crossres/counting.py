"""Showing how far one long count is: a bar with the time left on a terminal, a line now and then
elsewhere.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from benchmark.progress import duration

QUIET_SECONDS = 10.0


@dataclass
class Pace:
    """Estimates the time left of a count from what has been counted since its first call."""

    now: Callable[[], float] = time.monotonic
    first: tuple[int, float] | None = None

    def left(self, done: int, total: int) -> str:
        """ " · about 1:20 left", or nothing while that is not known."""
        if self.first is None:
            self.first = (done, self.now())
        before, start = self.first
        if not before < done < total:
            return ""
        seconds = (self.now() - start) * (total - done) / (done - before)
        return f" · about {duration(seconds)} left"


@contextmanager
def counted(
    title: str, stream: TextIO, pace: Pace | None = None
) -> Iterator[Callable[[int, int], None]]:
    """Yield count(done, total), which shows the count under a title on the stream."""
    estimate = pace or Pace()
    if not stream.isatty():
        yield _lines(title, stream, estimate)
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(file=stream), transient=True) as board:
        bar = board.add_task(title, total=None)

        def count(done: int, total: int) -> None:
            text = title + estimate.left(done, total)
            board.update(bar, description=text, completed=done, total=total)

        yield count


def _lines(title: str, stream: TextIO, pace: Pace) -> Callable[[int, int], None]:
    """A count that says nothing of what takes no longer than a moment."""
    said = pace.now()

    def count(done: int, total: int) -> None:
        nonlocal said
        left = pace.left(done, total)
        if pace.now() - said >= QUIET_SECONDS:
            said = pace.now()
            print(f"{title}: {done} of {total}{left}", file=stream, flush=True)

    return count
