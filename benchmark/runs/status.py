"""How far a results folder is, also while a run in another process fills it.

What is to be done stands in its kept runs, what is done in its records, what is being done in the
leases.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from crossres.benchmark.records.failures import FailedCell, failure_log, read_failures
from crossres.benchmark.records.kept import kept_tables
from crossres.benchmark.records.leases import Lease, running_cells
from crossres.benchmark.records.planned import Asked, ExpectedCell, read_runs
from crossres.benchmark.records.record import Record, scan_records
from crossres.benchmark.runs.stale import CodeNow, Stale, stale_lines, stale_records
from crossres.benchmark.runs.time_left import corrected, wall_left
from crossres.datasets.base.progress import duration
from crossres.datasets.base.words import counted
from crossres.methods.interface.registry import file_gone


@dataclass(frozen=True)
class Status:
    """The cells that a folder is asked for, by what has become of them: keys, and more of some.

    `todo` are those that nobody has begun; `stale` are records, of these cells or of none that is
    asked for; `others` counts sound records that no kept run has planned. `seconds_left` is None
    where nothing is known of what is asked for; `workers` says for how many at once. `gone`: a line
    for each method whose file is no longer there.
    """

    results: Path
    tables: tuple[str, ...]
    done: tuple[str, ...]
    running: tuple[Lease, ...]
    failed: tuple[FailedCell, ...]
    todo: tuple[ExpectedCell, ...]
    stale: tuple[Stale, ...]
    others: int
    damaged: tuple[str, ...]
    gone: tuple[str, ...]
    workers: int
    seconds_left: float | None

    @property
    def is_complete(self) -> bool:
        """Whether all that is asked for is done, by the code as it is."""
        return not (self.running or self.failed or self.todo or self.stale)

    @property
    def cells(self) -> int:
        """How many cells are asked for, or being run."""
        parts = (self.done, self.running, self.failed, self.todo, self.to_run_again)
        return sum(map(len, parts))

    @property
    def to_run_again(self) -> list[Stale]:
        """The stale records that the next run makes anew, under the same key."""
        return [entry for entry in self.stale if entry.change in ("code", "kernels")]


def status_of(results: Path, code: CodeNow | None = None) -> Status:
    """Return how far a results folder is; nothing in it is written or changed."""
    kept = read_runs(results)
    asked = kept.asked
    tables = kept_tables(results)
    running = {lease.key: lease for lease in running_cells(results)}
    scan = scan_records(results)
    records = scan.records
    is_of_code = (CodeNow() if code is None else code).is_of
    stale = stale_records(records.values(), asked, tables, is_of_code)
    current = records.keys() - {entry.key for entry in stale}
    failed = [f for f in read_failures(results, current) if f.key not in running]
    # The next run makes these again, unless one does already, or did and they failed.
    begun = {*running, *(failure.key for failure in failed)}
    stale = [entry for entry in stale if entry.key not in begun]
    old = {entry.key for entry in stale}
    without = {*records, *begun}
    todo = [cell for key, cell in asked.cells.items() if key not in without]
    done = [key for key in asked.cells if key in current and key not in begun]
    again = [asked.cells[key] for key in old if key in asked.cells]
    again += [asked.cells[failure.key] for failure in failed if failure.key in asked.cells]
    workers = max(1, len(running), *(run.workers for run in kept.runs[-1:]))
    known = bool(kept.runs) or bool(running)
    left = _left_of(asked, records, running.values(), (*todo, *again))
    return Status(
        results=results,
        tables=tuple(dict.fromkeys(run.table for run in kept.runs)),
        done=tuple(done),
        running=tuple(running.values()),
        failed=tuple(failed),
        todo=tuple(todo),
        stale=tuple(stale),
        others=sum(key not in asked.cells and key not in old for key in records),
        damaged=(*kept.broken, *scan.broken),
        gone=tuple(_gone(sorted({file.name for table in tables for file in table.method_files}))),
        workers=workers,
        seconds_left=wall_left(left, workers) if known else None,
    )


def _gone(methods: Iterable[str]) -> Iterator[str]:
    """Name those of these methods whose file is no longer there."""
    for name in methods:
        path = file_gone(name)
        if path is not None:
            yield (
                f"{path}, the file of method {name}, is no longer there: whether its records are "
                "of its code cannot be told, and none can be run again"
            )


def _left_of(
    asked: Asked,
    records: Mapping[str, Record],
    running: Iterable[Lease],
    waiting: Iterable[ExpectedCell],
) -> list[float]:
    """Return the seconds that running and waiting cells still take, by what their like took."""
    seconds = corrected(
        {key: cell.seconds for key, cell in asked.cells.items()},
        {key: records[key].seconds["total"] for key in asked.cells if key in records},
        {key: _like(cell) for key, cell in asked.cells.items()},
    )
    now = time.time()
    left = [max(seconds.get(r.key, r.expected) - (now - r.started), 0.0) for r in running]
    return [*left, *(seconds[cell.key] for cell in waiting)]


def _like(cell: ExpectedCell) -> tuple[Any, ...]:
    """Return what cells have in common that take equally long."""
    return cell.cell.way, cell.cell.dataset, cell.profile


# --- for people and programs ----------------------------------------------------------------------


def status_json(status: Status) -> dict[str, Any]:
    """Return a status as JSON values."""
    left = status.seconds_left
    return {
        "results": str(status.results),
        "tables": list(status.tables),
        "cells": status.cells,
        "complete": status.is_complete,
        "done": list(status.done),
        "running": [asdict(lease) for lease in status.running],
        "failed": [
            {**asdict(failed), "log": str(failure_log(status.results, failed.key))}
            for failed in status.failed
        ],
        "todo": [{"key": c.key, "title": c.title, "seconds": c.seconds} for c in status.todo],
        "stale": [asdict(entry) for entry in status.stale],
        "others": status.others,
        "damaged": list(status.damaged),
        "gone": list(status.gone),
        "workers": status.workers,
        "seconds_left": None if left is None else round(left, 1),
    }


def status_lines(status: Status) -> Iterator[str]:
    """Tell people how far a folder is: a sum, then what is not as it should be."""
    names = ", ".join(status.tables) or "no kept run"
    yield f"{status.results} ({names}): {_sum(status)}{_left(status)}"
    for lease in status.running:
        steps = f" {lease.done} of {lease.total}" if lease.total else ""
        phase = f" · {lease.phase}{steps}" if lease.phase else ""
        since = duration(max(time.time() - lease.started, 0.0))
        where = f"process {lease.pid} on {lease.host}" if lease.host else "a run"
        yield f"running: {lease.title}{phase} · since {since} ({where})"
    for failed in status.failed:
        log = failure_log(status.results, failed.key)
        yield f"failed: {failed.title}: {failed.reason} (see {log})"
    yield from stale_lines(status.stale)
    yield from (f"damaged: {line}" for line in status.damaged)
    yield from (f"gone: {line}" for line in status.gone)
    if status.others:
        yield f"{counted(status.others, 'record')} of cells that no kept run has planned"
    yield from _advice(status)


def _sum(status: Status) -> str:
    again = len(status.to_run_again)
    counts = {
        "done": len(status.done),
        "running": len(status.running),
        "failed": len(status.failed),
        "to run again": again,
        "to do": len(status.todo),
    }
    shown = [f"{number} {name}" for name, number in counts.items() if number or name == "done"]
    return f"{counted(status.cells, 'cell')}: {', '.join(shown)}"


def _left(status: Status) -> str:
    if not status.seconds_left:
        return ""
    verb = "left" if status.running else "of work"
    return (
        f", about {duration(status.seconds_left)} {verb} with {counted(status.workers, 'worker')}"
    )


def _advice(status: Status) -> Iterator[str]:
    if status.running or status.is_complete:
        return
    if status.failed:
        yield f"`crossres retry {status.results}` tries the failed ones once more"
    if status.todo or status.to_run_again:
        yield "run the same command again to go on"
