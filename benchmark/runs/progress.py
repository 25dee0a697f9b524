"""Showing a run: bars with the time left on a terminal, one plain line per cell elsewhere."""

import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

from rich.progress import TaskID

from crossres.benchmark.runs.engine import (
    Event,
    Failed,
    Finished,
    Progressed,
    Started,
    Told,
    Warned,
)
from crossres.benchmark.runs.time_left import corrected, wall_left
from crossres.datasets.base.progress import bars, duration


@dataclass(frozen=True)
class Again:
    """The worker of the task died; the task is run once more."""

    key: str
    reason: str


@dataclass(frozen=True)
class Elsewhere:
    """Another run has ended the task: `outcome` says how."""

    key: str
    outcome: str


Shown = Event | Again | Elsewhere
"""What is shown of a run: what engines yield, and what comes of several runs and of deaths."""


@dataclass
class Clock:
    """Estimates the time left of tasks, given what each is expected to take alone, in seconds.

    What has ended corrects the others, its group first (`corrected`).
    """

    expected: Mapping[str, float]
    groups: Mapping[str, Hashable]
    jobs: int
    now: Callable[[], float] = time.monotonic
    started: dict[str, float] = field(default_factory=dict)
    measured: dict[str, float] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)

    @property
    def ended(self) -> int:
        """How many tasks nobody waits for any more."""
        return len(self.measured) + len(self.dropped)

    def start(self, key: str) -> None:
        """Note that the task begins."""
        self.started[key] = self.now()

    def end(self, key: str) -> None:
        """Note that the task has ended."""
        self.measured[key] = self.now() - self.started[key]

    def begin_again(self, key: str) -> None:
        """Note that the task waits once more."""
        self.started.pop(key, None)

    def drop(self, key: str) -> None:
        """Note that nobody waits for the task any more."""
        self.dropped.add(key)

    def left(self) -> float:
        """Return the seconds until all tasks have ended."""
        over = self.measured.keys() | self.dropped
        seconds = corrected(self.expected, self.measured, self.groups)
        left = [self._left_of(key, seconds[key]) for key in self.expected if key not in over]
        return wall_left(left, self.jobs)

    def _left_of(self, key: str, total: float) -> float:
        elapsed = self.now() - self.started[key] if key in self.started else 0.0
        return max(total - elapsed, 0.0)


@contextmanager
def watched(
    title: str,
    titles: Mapping[str, str],
    clock: Clock,
    stream: TextIO,
    describe: Callable[[Finished], str],
) -> Iterator[Callable[[Shown], None]]:
    """Yield a function that shows an event; `describe` says in words what a finished task gave.

    On a terminal there is a bar for the whole and one for each running task, else only lines.
    """
    board = bars(stream) if stream.isatty() else None
    total = board.add_task(title, total=len(titles)) if board else None
    tasks: dict[str, TaskID] = {}

    def show(event: Shown) -> None:
        match event:
            case Started():
                clock.start(event.key)
                if board:
                    tasks[event.key] = board.add_task(titles[event.key], total=None)
            case Progressed() if board:
                text = f"{titles[event.key]} · {event.phase}"
                board.update(
                    tasks[event.key], description=text, total=event.total, completed=event.done
                )
            case Warned():
                say(f"warning: {event.text}")
            case Told():
                say(event.text)
            case Finished() | Failed():
                clock.end(event.key)
                if board:
                    board.remove_task(tasks.pop(event.key))
                say(_line(event, titles, clock.ended, describe) + ("" if board else _left(clock)))
            case Again():
                clock.begin_again(event.key)
                if board:
                    board.remove_task(tasks.pop(event.key))
                say(f"{titles[event.key]}: {event.reason}; it is run once more")
            case Elsewhere():
                clock.drop(event.key)
                say(_line(event, titles, clock.ended, describe) + ("" if board else _left(clock)))
        if board and total is not None:
            left = f"{title} · about {duration(clock.left())} left"
            board.update(total, completed=clock.ended, description=left)

    def say(line: str) -> None:
        if board:
            board.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            print(line, file=stream, flush=True)

    if board is None:
        yield show
        return
    with board:
        yield show


def _line(
    event: Finished | Failed | Elsewhere,
    titles: Mapping[str, str],
    done: int,
    describe: Callable[[Finished], str],
) -> str:
    if isinstance(event, Failed):
        outcome = f"failed: {event.reason}"
    elif isinstance(event, Elsewhere):
        outcome = event.outcome
    else:
        outcome = f"{describe(event)} in {event.seconds:.0f} s"
    return f"[{done} of {len(titles)}] {titles[event.key]}: {outcome}"


def _left(clock: Clock) -> str:
    """Return ", about 3:20 left" for lines, which have no bar above them that says so."""
    seconds = clock.left()
    return f", about {duration(seconds)} left" if round(seconds) else ""
