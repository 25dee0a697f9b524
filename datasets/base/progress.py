"""How far one long task is, on standard error: a bar that goes away, or a line now and then.

Both tell the time left, and say nothing of what takes no longer than a moment.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress

Report = Callable[[int, int], None]
"""report(done, total); total 0 is an unknown one."""

QUIET_SECONDS = 10.0  # between two lines


def silent(_done: int, _total: int) -> None:
    """Report nothing: for a task that nobody watches."""


def duration(seconds: float) -> str:
    """Return "3:20" for 200 seconds, "1:02:05" for 3725."""
    total = round(seconds)
    hours, minutes = divmod(total // 60, 60)
    return f"{hours}:{minutes:02}:{total % 60:02}" if hours else f"{minutes}:{total % 60:02}"


@dataclass
class Pace:
    """Estimates the time left of a task from what has been done since its first call."""

    now: Callable[[], float] = time.monotonic
    first: tuple[int, float] | None = None

    def left(self, done: int, total: int) -> str:
        """Return " · about 1:20 left", or nothing while that is not known."""
        if self.first is None:
            self.first = (done, self.now())
        before, start = self.first
        if not before < done < total:
            return ""
        seconds = (self.now() - start) * (total - done) / (done - before)
        return f" · about {duration(seconds)} left"


@contextmanager
def progress(
    task: str,
    unit: int = 1,
    name: str = "",
    stream: TextIO | None = None,
    pace: Pace | None = None,
) -> Iterator[Report]:
    """Yield `report(done, total)`, which shows "task: 12 of 80 name · about 1:20 left".

    `unit` divides the numbers (1 << 20 with name "MiB" for bytes).
    """
    shown, estimate = stream or sys.stderr, pace or Pace()
    if not shown.isatty():
        yield _lines(task, unit, name, shown, estimate)
        return
    with bars(shown, name) as board:
        bar = board.add_task(task, total=None)

        def report(done: int, total: int) -> None:
            text = task + estimate.left(done, total)
            board.update(bar, description=text, completed=done // unit, total=total // unit or None)

        yield report


def bars(stream: TextIO, name: str = "") -> "Progress":
    """Return bars on a terminal: what is done, a bar, "3/45 name". A long text loses its end."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.table import Column

    cut = Column(ratio=1, no_wrap=True, overflow="ellipsis")
    text = TextColumn("{task.description}", markup=False, table_column=cut)
    columns = (text, BarColumn(20), MofNCompleteColumn(), TextColumn(name, markup=False))
    return Progress(*columns, console=Console(file=stream), transient=True, expand=True)


def _lines(task: str, unit: int, name: str, stream: TextIO, pace: Pace) -> Report:
    printed_at = pace.now()

    def report(done: int, total: int) -> None:
        nonlocal printed_at
        left = pace.left(done, total)
        if pace.now() - printed_at >= QUIET_SECONDS:
            printed_at = pace.now()
            of = f" of {total // unit:,}" if total else ""
            text = f"{task}: {done // unit:,}{of} {name}".rstrip()
            print(f"{text}{left}", file=stream, flush=True)

    return report
