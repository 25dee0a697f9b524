"""The driver: runs the cells of a table that have no record yet, and writes their records.

Finished cells are never lost: each is written, whole, as soon as it is done.
"""

import sys
import time
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

from crossres.benchmark.measures.kernels import kernel_variables
from crossres.benchmark.records.artifacts import write_artifact
from crossres.benchmark.records.cell import Job, canonical_json
from crossres.benchmark.records.failures import FailedCell, failure_log, write_failure
from crossres.benchmark.records.kept import keep_table
from crossres.benchmark.records.record import read_record, record_path, write_record
from crossres.benchmark.records.weights import weights_path, write_weights
from crossres.benchmark.runs.cell import CellResult, prepare_cell, run_cell
from crossres.benchmark.runs.engine import Engine, Event, Failed, Finished, Task, local
from crossres.benchmark.runs.plan import Plan, PlannedCell, plan_table
from crossres.benchmark.runs.progress import Clock, watched
from crossres.benchmark.runs.request import RunRequest
from crossres.datasets.base.arguments import as_a, as_function, as_path
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import write_atomically
from crossres.datasets.base.progress import duration
from crossres.datasets.base.words import counted
from crossres.methods.shared.networks.backbones import check_weights


@dataclass(frozen=True)
class Failure:
    """A cell without a result: why, and where all that it printed lies."""

    cell: PlannedCell
    reason: str
    log: Path


@dataclass(frozen=True)
class Summary:
    """What a run did. `complete` when every cell of the plan has its record now."""

    plan: Plan
    finished: tuple[str, ...]
    failures: tuple[Failure, ...]
    interrupted: bool
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether every cell of the plan has its record."""
        return len(self.finished) == len(self.plan.todo)

    def lines(self) -> list[str]:
        """Say the outcome for people, with what to do next."""
        recorded = len(self.plan.cells) - len(self.plan.todo) + len(self.finished)
        records = self.plan.out / "records"
        lines = [f"failed: {f.cell.title}: {f.reason} (see {f.log})" for f in self.failures]
        total = f"{recorded} of {len(self.plan.cells)} cells have their record in {records}"
        if self.plan.save_weights:
            total += f" and their weights in {records.with_name('weights')}"
        if self.interrupted:
            return [*lines, f"interrupted: {total}; run the same command again to go on"]
        if self.failures:
            remedy = "run the same command again to try the failed ones once more"
            return [*lines, f"{total}, {len(self.failures)} failed; {remedy}"]
        return [*lines, f"{total}; {len(self.finished)} run now in {duration(self.seconds)}"]


def run_table(
    request: RunRequest, *, engine: Engine = local, stream: TextIO | None = None
) -> Summary:
    """Run every cell that has no record in `out` made by the same code from the same weights.

    `stream`, where progress goes, is standard error by default. Writes out/tables (the whole table,
    whatever was chosen of it), out/records, out/artifacts, with `save_weights` out/weights (a cell
    that has a record but no weights is run again), and for failed cells out/failures. Ctrl-C ends
    the run with `interrupted` set. Raises InputError for unusable input, before any cell is run.
    """
    stream = sys.stderr if stream is None else stream
    as_function(getattr(stream, "write", None), "stream")
    start = time.monotonic()
    request, out = as_a(RunRequest, request, "request"), as_path(request.out, "out")
    _check_writable(out)
    if request.save_weights:
        _check_writable(out / "weights")
    plan = plan_table(request, engine=engine, stream=stream)
    run = _Driver(plan, engine, stream)
    interrupted = run.all()
    seconds = time.monotonic() - start
    summary = Summary(plan, tuple(run.finished), tuple(run.failures), interrupted, seconds)
    print(*summary.lines(), sep="\n", file=stream, flush=True)
    return summary


def _check_writable(out: Path) -> None:
    trial = out / ".writable"
    write_atomically(trial, "")
    trial.unlink(missing_ok=True)


class _Driver:
    """Feeds an engine and keeps what it yields; an object because Ctrl-C can come at any point."""

    def __init__(self, plan: Plan, engine: Engine, stream: TextIO) -> None:
        self.plan, self.engine, self.stream = plan, engine, stream
        self.variables = kernel_variables(plan.kernels)
        self.finished: list[str] = []
        self.failures: list[Failure] = []

    def all(self) -> bool:
        """Do everything that is to be done; whether Ctrl-C came in between."""
        self.announce()
        try:
            self.prepare()
            keep_table(self.plan.out, self.plan.table)
            self.cells()
        except KeyboardInterrupt:
            return True
        return False

    def announce(self) -> None:
        """Say what is about to happen, and what is odd about the results folder."""
        todo = self.plan.todo
        recorded = len(self.plan.cells) - len(todo)
        estimate = f", about {duration(self.plan.seconds)} with {counted(self.plan.jobs, 'worker')}"
        count = f"{len(self.plan.cells)} cells: {recorded} done, {len(todo)} to run"
        lines = [f"warning: {text}" for text in self.plan.warnings]
        lines.append(f"{self.plan.table.id}: {count}{estimate if todo else ''}")
        old = sum(cell.state == "code changed" for cell in todo)
        if old:
            lines.append(f"{old} of them have a record made by other code, and are run again")
        begun = sum(cell.state == "weights changed" for cell in todo)
        if begun:
            lines.append(f"{begun} of them began with other ImageNet weights, and are run again")
        others = sum(cell.state == "other kernels" for cell in todo)
        if others:
            lines.append(
                f"{others} of them have a record made with other kernels than the "
                f"{self.plan.kernels} ones, and are run again"
            )
        bare = sum(cell.state == "no weights" for cell in todo)
        if bare:
            lines.append(f"{bare} of them have a record but no weights, and are run again")
        print(*lines, sep="\n", file=self.stream, flush=True)

    def prepare(self) -> None:
        """Build the pixels of each data set and seed once. InputError when one cannot be built."""
        if self.plan.todo:
            profile = self.plan.todo[0].job.profile
            check_weights(profile.backbone_spec, profile.weights_dir)
        first: dict[str, Job] = {}
        for cell in self.plan.todo:
            first.setdefault(cell.job.manifest_digest, cell.job)
        titles = {j.key: f"{j.cell.dataset} · seed {j.cell.seed}" for j in first.values()}
        tasks = [Task(job.key, prepare_cell, job, self.variables) for job in first.values()]
        clock = Clock(dict.fromkeys(titles, 1.0), dict.fromkeys(titles, 0), self.plan.jobs)
        with (
            watched("preparing pixels", titles, clock, self.stream, _ready) as show,
            closing(self.engine(tasks, self.plan.jobs)) as events,
        ):
            for event in events:
                if isinstance(event, Failed) and event.unusable_input:
                    raise InputError(event.reason)
                show(event)

    def cells(self) -> None:
        """Run the cells, longest first within each seed, and write what they give."""
        cells = {cell.job.key: cell for cell in self.plan.todo}
        tasks = [
            Task(
                key,
                partial(run_cell, keep_weights=self._keeps_weights(key)),
                cell.job,
                self.variables,
            )
            for key, cell in cells.items()
        ]
        titles = {key: cell.title for key, cell in cells.items()}
        with (
            watched("cells", titles, _clock(self.plan), self.stream, _outcome) as show,
            closing(self.engine(tasks, self.plan.jobs)) as events,
        ):
            for event in events:
                outcome = self._compared(event, cells)
                self._keep(outcome, cells)
                show(outcome)

    def _keeps_weights(self, key: str) -> bool:
        """Say whether to keep weights: older ones are replaced, too, as no record has them."""
        return self.plan.save_weights or weights_path(self.plan.out, key).exists()

    def _compared(self, event: Event, cells: dict[str, PlannedCell]) -> Event:
        """Make a failure of a cell run again for its weights alone that gave another result."""
        if not isinstance(event, Finished) or cells[event.key].state != "no weights":
            return event
        record = read_record(record_path(self.plan.out, event.key))
        if event.value.record.digests == record.digests:
            return event
        reason = (
            "running it again gave another result than its record (which another kind of machine "
            "or another torch may have made), so its weights are not kept; remove the record to "
            "have it made anew"
        )
        return Failed(event.key, reason, "", event.seconds)

    def _keep(self, event: Event, cells: dict[str, PlannedCell]) -> None:
        log = failure_log(self.plan.out, event.key)
        if isinstance(event, Finished):
            result: CellResult = event.value
            # The record comes last: where it is, the artifact is, and what else was asked for.
            write_artifact(self.plan.out, event.key, result.artifact)
            if result.weights:
                write_weights(self.plan.out, event.key, result.weights)
            write_record(self.plan.out, result.record)
            log.unlink(missing_ok=True)
            self.finished.append(event.key)
        elif isinstance(event, Failed):
            cell = cells[event.key]
            write_failure(log, FailedCell(event.key, cell.title, event.reason), event.log)
            self.failures.append(Failure(cell, event.reason, log))


def _clock(plan: Plan) -> Clock:
    expected = {cell.job.key: cell.seconds for cell in plan.todo}
    groups = {
        cell.job.key: (cell.job.cell.method, canonical_json(cell.job.cell.options))
        for cell in plan.todo
    }
    return Clock(expected, groups, plan.jobs)


def _ready(event: Finished) -> str:
    del event
    return "ready"


def _outcome(event: Finished) -> str:
    metrics = event.value.record.metrics["single-shot"]
    return f"rank-1 {metrics['rank1']:.1%}, mAP {metrics['mAP']:.1%}"
