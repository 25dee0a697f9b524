"""Failing file operations, one after the other, of a run whose cells are done in this process."""

import contextlib
import importlib
import io
import os
import re
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

import crossres
from crossres.benchmark.runs import driver, local_engine, plan
from crossres.benchmark.runs.cell import CellResult
from crossres.benchmark.runs.engine import (
    Checkpointed,
    Event,
    Failed,
    Finished,
    Started,
    Take,
)
from crossres.benchmark.runs.worker import _reason
from crossres.datasets.base.errors import InputError
from crossres.reports import write
from crossres.reports.charts import pdf
from tests.chaos.faults import ERRORS, TORN, Fault, Operation, faulty, target
from tests.chaos.grid import HERE, Grid
from tests.chaos.outcome import differences, half_done, remains

KEY = re.compile("[0-9a-f]{20,32}|[0-9]+")
Room = Literal["out", "cache"]
WAYS = tuple((what, on) for on in (False, True) for what in (*ERRORS, TORN))


@dataclass(frozen=True)
class Trial:
    """One operation that was made to fail, and what was wrong with what followed."""

    room: Room
    number: int
    what: str
    from_then_on: bool
    operation: Operation
    code: int
    line: str
    faults: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """Say each fault, with what led to it."""
        always = " and all that follow" if self.from_then_on else ""
        how = f"{self.what} at {self.room} {self.number}, {self.operation.name}{always}"
        yield from (f"{how}: {fault}" for fault in self.faults)


@dataclass
class Bench:
    """A grid whose cells are run in this process, and the same one undisturbed."""

    grid: Grid
    reference: Grid

    def run(self) -> tuple[int, str]:
        """Run the command; return its exit code, and what it wrote to standard error."""
        error = io.StringIO()
        with (
            patch.dict(os.environ, self.grid.environment()),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(error),
            contextlib.chdir(self.grid.folder),
        ):
            try:
                code = crossres.main(self.grid.arguments())
            except Exception:
                traceback.print_exc()
                code = -1
        return code, error.getvalue()

    def fresh(self, room: Room) -> None:
        """Take away the results, and the cache where operations there are to fail."""
        shutil.rmtree(self.grid.out, ignore_errors=True)
        if room == "cache":
            shutil.rmtree(self.grid.cache, ignore_errors=True)

    def operations(self, room: Room) -> list[Operation]:
        """Return all operations in a folder of a run that begins from nothing there."""
        self.fresh(room)
        with faulty(Fault(str(self.folder(room)), 0)) as faults:
            code, text = self.run()
        assert code == 0, text
        return faults.operations

    def trial(self, room: Room, number: int, what: str, from_then_on: bool) -> Trial | None:
        """Fail an operation, then run once more without; None where there are fewer operations."""
        self.fresh(room)
        with faulty(Fault(str(self.folder(room)), number, what, from_then_on)) as faults:
            code, text = self.run()
        operation = faults.failed
        if operation is None:
            return None
        line = (text.strip().splitlines() or [""])[-1]
        after = faults.operations[number - 1 :] if from_then_on else [operation]
        wrong = [*faults_of_answer(code, text, after), *half_done(self.grid)]
        if code == 0:  # what failed was not needed
            wrong.extend(
                line
                for line in differences(self.grid, self.reference)
                if not line.startswith("left behind")
            )
        again, text_again = self.run()
        if again != 0:
            wrong.append(f"the same command again: exit code {again}: {text_again.strip()[-300:]}")
        wrong.extend(differences(self.grid, self.reference))
        for name in remains(self.grid):
            _remove(self.grid.folder / name)
        return Trial(room, number, what, from_then_on, operation, code, line, tuple(wrong))

    def folder(self, room: Room) -> Path:
        """Return the results or the cache."""
        return self.grid.out if room == "out" else self.grid.cache


def faults_of_answer(code: int, text: str, failed: list[Operation]) -> Iterator[str]:
    """Yield what is wrong with the end of a command, some of whose operations failed."""
    if "Traceback" in text:
        yield f"a traceback: {text.strip().splitlines()[-1]}"
    elif code not in (0, 1, 2):
        yield f"exit code {code}"
    elif code and not any(_names(text, operation) for operation in failed):
        yield f"no line names {failed[0].path} and a remedy: {text.strip()[-300:]}"
    if ".partial" in text:
        yield f"it names a temporary file: {text.strip().splitlines()[-1]}"


def _names(text: str, operation: Operation) -> bool:
    """Say whether a line names what failed, or a folder or file of which that is a part."""
    place = target(operation.path)
    for line in text.splitlines():
        named = re.findall(r"(/[^:;()]+)(?:[:;()]|$)", line)
        if "; " in line and any(_related(place, target(path.strip())) for path in named):
            return True
    return False


def _related(place: str, named: str) -> bool:
    return (place + os.sep).startswith(named + os.sep) or (named + os.sep).startswith(
        place + os.sep
    )


@contextlib.contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """Make a bench in a folder: the plug-in is found, and cells are run in this process."""
    reference = Grid(folder / "undisturbed", table=HERE / "small.toml", jobs=1).make()
    grid = Grid(folder / "disturbed", table=HERE / "small.toml", jobs=1).make()
    path = [str(grid.folder / "plugin"), *sys.path]
    with (
        patch.object(sys, "path", path),
        patch.object(local_engine, "local", here),
        patch.object(driver, "local", here),
        patch.object(plan, "local", here),
        patch.object(pdf, "pdf_figures", _once(pdf.pdf_figures)),
        patch.object(write, "to_html", _once(write.to_html)),
    ):
        importlib.invalidate_caches()
        code, text = Bench(reference, reference).run()
        assert code == 0, text
        yield Bench(grid, reference)
        sys.modules.pop("patient", None)


def _once(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make what a function gives only once: pages and figures take longer than all else here."""
    made: list[Any] = []

    def once(*arguments: Any) -> Any:
        if not made:
            made.append(function(*arguments))
        return made[0]

    return once


class _Report:
    """What tasks tell is dropped here; that cells hand over checkpoints is known."""

    def __call__(self, phase: str, done: int, total: int) -> None:
        del phase, done, total

    def checkpoint(self, files: Mapping[str, bytes]) -> None:
        del files


def here(take: Take, jobs: int | None) -> Generator[Event, None, None]:
    """Run the tasks in this process, as an engine: what a task raises is its failure.

    Every cell has a checkpoint, which nobody can go on from.
    """
    del jobs
    while (task := take()) is not None:
        start = time.monotonic()
        yield Started(task.key)
        try:
            value = task.function(task.argument, _Report())
        except Exception as error:
            spent, unusable = time.monotonic() - start, isinstance(error, InputError)
            yield Failed(task.key, _reason(error), traceback.format_exc(), spent, unusable)
        else:
            if isinstance(value, CellResult):
                yield Checkpointed(task.key, {"state": b"0" * 64})
            yield Finished(task.key, value, time.monotonic() - start)


def trials(folder: Path, rooms: tuple[Room, ...], *, all_ways: bool) -> Iterator[Trial]:
    """Fail operations, those of each kind in one way, the ways taking turns.

    `all_ways`: the first of a kind in all of them, and every other operation in one, too. One
    image, or cell, is written like another.
    """
    with bench(folder) as ours:
        for room in rooms:
            kinds = set()
            for number, operation in enumerate(ours.operations(room), start=1):
                kind = operation.name, KEY.sub("0", target(operation.path))
                is_first = kind not in kinds
                kinds.add(kind)
                if not (is_first or all_ways):
                    continue
                ways = WAYS if is_first and all_ways else (WAYS[number % len(WAYS)],)
                for what, from_then_on in ways:
                    trial = ours.trial(room, number, what, from_then_on)
                    if trial is not None:
                        yield trial


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
