"""Showing a run: bars with the time left on a terminal, one plain line per cell elsewhere.

Also how the time left is estimated: from what is typical, corrected by what has been measured.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from crossres.benchmark.runs.engine import (
    Event,
    Failed,
    Finished,
    Progressed,
    Started,
    Told,
    Warned,
)
from crossres.datasets.base.progress import duration


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

    Tasks of one group take equally long: the first measured one corrects the others, and the ratio
    of all measured to expected corrects groups that nothing is measured of.
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
        expected = sum(self.expected[key] for key in self.measured)
        ratio = sum(self.measured.values()) / expected if expected else 1.0
        by_group: dict[Hashable, list[float]] = defaultdict(list)
        for key, seconds in self.measured.items():
            by_group[self.groups[key]].append(seconds)
        means = {group: sum(like) / len(like) for group, like in by_group.items()}
        left = [
            self._left_of(key, means.get(self.groups[key], seconds * ratio))
            for key, seconds in self.expected.items()
            if key not in over
        ]
        return max(max(left, default=0.0), sum(left) / self.jobs)

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
    board = _bars(stream) if stream.isatty() else None
    total = board.add_task(title, total=len(titles)) if board else None
    bars: dict[str, TaskID] = {}

    def show(event: Shown) -> None:
        match event:
            case Started():
                clock.start(event.key)
                if board:
                    bars[event.key] = board.add_task(titles[event.key], total=None)
            case Progressed() if board:
                text = f"{titles[event.key]} · {event.phase}"
                board.update(
                    bars[event.key], description=text, total=event.total, completed=event.done
                )
            case Warned():
                say(f"warning: {event.text}")
            case Told():
                say(event.text)
            case Finished() | Failed():
                clock.end(event.key)
                if board:
                    board.remove_task(bars.pop(event.key))
                say(_line(event, titles, clock, describe))
            case Again():
                clock.begin_again(event.key)
                if board:
                    board.remove_task(bars.pop(event.key))
                say(f"{titles[event.key]}: {event.reason}; it is run once more")
            case Elsewhere():
                clock.drop(event.key)
                say(_line(event, titles, clock, describe))
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


def _bars(stream: TextIO) -> Progress:
    text = TextColumn("{task.description}", markup=False)
    columns = (text, BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=Console(file=stream), transient=True)


def _line(
    event: Finished | Failed | Elsewhere,
    titles: Mapping[str, str],
    clock: Clock,
    describe: Callable[[Finished], str],
) -> str:
    done = clock.ended
    left = f", about {duration(clock.left())} left" if done < len(titles) else ""
    if isinstance(event, Failed):
        outcome = f"failed: {event.reason}"
    elif isinstance(event, Elsewhere):
        outcome = event.outcome
    else:
        outcome = f"{describe(event)} in {event.seconds:.0f} s"
    return f"[{done} of {len(titles)}] {titles[event.key]}: {outcome}{left}"
