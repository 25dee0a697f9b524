"""Engines: functions that take tasks, one whenever a worker is free, and yield events.

An engine writes nothing. A task that raises, or whose worker dies, is one Failed event.
"""

import time
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from crossres.methods.interface.needs import Needs


@dataclass(frozen=True)
class Supplies:
    """Folders and files that a task reads, by their places in a folder of another machine.

    `moved(argument, folder)` is the task's argument for a machine where they lie in `folder`.
    """

    folders: Mapping[str, Path]
    moved: Callable[[Any, Path], Any]


@dataclass(frozen=True)
class Task:
    """A call for a worker: function(argument, report), both picklable, under a unique key.

    `variables` are environment variables that the process of the worker must start with, `needs`
    what of a machine it takes, `supplies` what another machine must have (None: nothing), `loads`
    modules that workers had better load once for all tasks, which is no more than advice.
    """

    key: str
    function: Callable[[Any, Any], Any]
    argument: Any
    variables: Mapping[str, str] = field(default_factory=dict)
    needs: Needs = field(default_factory=Needs)
    supplies: Supplies | None = None
    loads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Started:
    """A worker has taken up the task."""

    key: str


@dataclass(frozen=True)
class Progressed:
    """The task tells how far it is: done of total steps of a phase."""

    key: str
    phase: str
    done: int
    total: int


@dataclass(frozen=True)
class Warned:
    """Something logged a warning in the worker."""

    key: str
    text: str


@dataclass(frozen=True)
class Told:
    """The engine has something to tell of the machine that runs the task."""

    key: str
    text: str


@dataclass(frozen=True)
class Checkpointed:
    """The task can go on from here, with these files (name -> content), should it be broken off."""

    key: str
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Finished:
    """The task returned `value`."""

    key: str
    value: Any
    seconds: float


@dataclass(frozen=True)
class Failed:
    """The task raised, or its worker died: the reason in one line, and all that was printed.

    `unusable_input` says that it raised an InputError, `died` that its worker or the machine of
    this did, so that the task may well succeed elsewhere.
    """

    key: str
    reason: str
    log: str
    seconds: float
    unusable_input: bool = False
    died: bool = False


Event = Started | Progressed | Warned | Told | Checkpointed | Finished | Failed
Take = Callable[[], Task | None]
"""Gives the next task, or None where there is none now: it is asked again when one has ended."""

Engine = Callable[[Take, int | None], Generator[Event, None, None]]
"""engine(take, jobs): at most `jobs` tasks at once, None: as many as there is room for."""


def each_of(tasks: Iterable[Task]) -> Take:
    """Give the tasks in their order."""
    return partial(next, iter(tasks), None)


def in_this_process(take: Take) -> Generator[Event, None, None]:
    """Run the tasks here, one after the other: for those shorter than the start of a worker.

    Their `variables` are not set, and errors are raised, not turned into events.
    """
    while (task := take()) is not None:
        start = time.monotonic()
        yield Started(task.key)
        value = task.function(task.argument, _Silent())
        yield Finished(task.key, value, time.monotonic() - start)


class _Silent:
    """A Report that nobody reads."""

    def __call__(self, phase: str, done: int, total: int) -> None:
        del phase, done, total

    def checkpoint(self, files: Mapping[str, bytes]) -> None:
        del files
