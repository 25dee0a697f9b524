"""The driver: runs the cells of a table that have no record yet, and writes their records.

Finished cells are never lost: each is written, whole, as soon as it is done.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

from crossres.benchmark.measures.kernels import kernel_variables
from crossres.benchmark.records.artifacts import write_artifact
from crossres.benchmark.records.cell import Job
from crossres.benchmark.records.checkpoints import (
    read_checkpoint,
    remove_checkpoint,
    write_checkpoint,
)
from crossres.benchmark.records.commit import commit_at
from crossres.benchmark.records.failures import (
    FailedCell,
    failure_log,
    write_failure,
)
from crossres.benchmark.records.images import ImageFolder
from crossres.benchmark.records.kept import keep_table
from crossres.benchmark.records.leases import Leases, running_cells
from crossres.benchmark.records.planned import read_runs
from crossres.benchmark.records.record import read_record, record_path, write_record
from crossres.benchmark.records.weights import weights_path, write_weights
from crossres.benchmark.runs import cell_tasks
from crossres.benchmark.runs.capacity import Node
from crossres.benchmark.runs.code_digest import known_modules
from crossres.benchmark.runs.engine import (
    Checkpointed,
    Engine,
    Event,
    Failed,
    Finished,
    Progressed,
    Supplies,
    Task,
    each_of,
)
from crossres.benchmark.runs.kept_plan import keep_plan
from crossres.benchmark.runs.leftovers import remove_leftovers, remove_of_finished
from crossres.benchmark.runs.local_engine import local
from crossres.benchmark.runs.plan import Plan, PlannedCell, State, loads_of, plan_table
from crossres.benchmark.runs.progress import Again, Clock, Elsewhere, Shown, watched
from crossres.benchmark.runs.request import RunRequest
from crossres.benchmark.runs.stale import lines_at_start
from crossres.benchmark.runs.supplies import of_transfer, supplies_of
from crossres.benchmark.runs.work import Work
from crossres.datasets.base.arguments import as_a, as_function, as_path
from crossres.datasets.base.cores import usable_cores
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import check_place
from crossres.datasets.base.progress import duration
from crossres.datasets.base.words import counted, listed
from crossres.methods.interface.registry import declaration
from crossres.methods.shared.networks.weights_there import check_weights

ASK_AGAIN_SECONDS = 1.0  # whether other runs have ended the cells that they are at work on
AGAIN: dict[State, str] = {  # why a cell that has a record, or a log, is run
    "failed before": "failed before",
    "code changed": "made by other code",
    "weights changed": "began with other ImageNet weights",
    "other kernels": "made with other kernels than the {kernels} ones",
    "no weights": "has a record, but its weights were not kept",
}


@dataclass(frozen=True)
class Failure:
    """A cell without a result: why, and where all that it printed lies."""

    cell: PlannedCell
    reason: str
    log: Path

    def as_json(self) -> dict[str, str]:
        """Return it as JSON values."""
        key, title = self.cell.job.key, self.cell.title
        return {"key": key, "title": title, "reason": self.reason, "log": str(self.log)}


@dataclass(frozen=True)
class Summary:
    """What a run did. `complete` when every cell of the plan has its record now.

    `shared`: the cells that another run into the same folder finished meanwhile.
    """

    plan: Plan
    finished: tuple[str, ...]
    failures: tuple[Failure, ...]
    interrupted: bool
    seconds: float
    shared: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every cell of the plan has its record."""
        return len(self.finished) + len(self.shared) == len(self.plan.todo)

    @property
    def recorded(self) -> int:
        """How many cells of the plan have their record."""
        ended = len(self.finished) + len(self.shared)
        return len(self.plan.cells) - len(self.plan.todo) + ended

    def lines(self) -> list[str]:
        """Say the outcome for people, with what to do next."""
        records = self.plan.out / "records"
        lines = [f"failed: {f.cell.title}: {f.reason} (see {f.log})" for f in self.failures]
        total = f"{self.recorded} of {len(self.plan.cells)} cells have their record in {records}"
        if self.plan.save_weights:
            total += f" and their weights in {records.with_name('weights')}"
        if self.interrupted:
            return [*lines, f"interrupted: {total}; run the same command again to go on"]
        if self.failures:
            remedy = "run the same command again to try the failed ones once more"
            return [*lines, f"{total}, {len(self.failures)} failed; {remedy}"]
        others = f", {len(self.shared)} by another run" if self.shared else ""
        return [
            *lines,
            f"{total}; {len(self.finished)} run now in {duration(self.seconds)}{others}",
        ]


def run_table(
    request: RunRequest,
    *,
    engine: Engine = local,
    nodes: Sequence[Node] = (),
    stream: TextIO | None = None,
) -> Summary:
    """Run every cell that has no record in `out` made by the same code from the same weights.

    `engine` runs the cells, on `nodes` where it is that of a cluster (`ray_cluster`). Other runs
    into the same folder at the same time share the cells.
    `stream`, where progress goes, is standard error by default. Writes out/tables (the whole table,
    whatever was chosen of it), out/records, out/artifacts, with `save_weights` out/weights (a cell
    that has a record but no weights is run again), and for failed cells out/failures. Ctrl-C ends
    the run with `interrupted` set. Raises InputError for unusable input, before any cell is run.
    """
    stream = sys.stderr if stream is None else stream
    as_function(getattr(stream, "write", None), "stream")
    start = time.monotonic()
    request, out = as_a(RunRequest, request, "request"), as_path(request.out, "out")
    check_place(out / "result")
    if request.save_weights:
        check_place(out / "weights" / "result")
    remove_leftovers(out, as_path(request.cache, "cache"))
    plan = plan_table(request, nodes=nodes, stream=stream)
    remove_of_finished(out, {cell.job.key for cell in plan.cells if cell.state == "done"})
    run = _Driver(plan, request, engine, stream)
    interrupted = run.all()
    seconds = time.monotonic() - start
    finished, shared = tuple(run.finished), tuple(run.shared)
    summary = Summary(plan, finished, tuple(run.failures), interrupted, seconds, shared)
    print(*summary.lines(), sep="\n", file=stream, flush=True)
    return summary


class _Driver:
    """Feeds an engine and keeps what it yields; an object because Ctrl-C can come at any point."""

    def __init__(self, plan: Plan, request: RunRequest, engine: Engine, stream: TextIO) -> None:
        self.plan, self.request, self.engine, self.stream = plan, request, engine, stream
        self.commit = commit_at(Path())  # as of now: preparing pixels may take long
        self.variables = kernel_variables(plan.kernels)
        self.loads = loads_of(cell.job.cell.method for cell in plan.todo)
        self.finished: list[str] = []
        self.shared: list[str] = []
        self.failures: list[Failure] = []
        self.supplies: dict[tuple[str, ...], Supplies] = {}  # by the manifests of a cell
        self.pixels: dict[str, str] = {}  # their digests, by manifest
        self.images = ImageFolder(plan.out)
        self.planned = {cell.job.key: cell for cell in plan.todo}
        self.told_of_others = False

    def all(self) -> bool:
        """Do everything that is to be done; whether Ctrl-C came in between."""
        self.announce()
        try:
            self.prepare()
            self.keep()
            self.cells()
        except KeyboardInterrupt:
            return True
        return False

    def announce(self) -> None:
        """Say what is about to happen, and what is odd about the results folder."""
        todo = self.plan.todo
        recorded = len(self.plan.cells) - len(todo)
        estimate = f", about {duration(self.plan.seconds)} with {self.plan.workers}"
        count = f"{len(self.plan.cells)} cells: {recorded} done, {len(todo)} to run"
        lines = [f"warning: {text}" for text in self.plan.warnings]
        lines.append(f"{self.plan.table.id}: {count}{estimate if todo else ''}")
        counts = Counter(cell.state for cell in todo)
        for state in filter(counts.get, AGAIN):
            reason = AGAIN[state].format(kernels=self.plan.kernels)
            lines.append(f"{counted(counts[state], 'cell')} to run again: {reason}")
        print(*lines, sep="\n", file=self.stream, flush=True)

    def keep(self) -> None:
        """Keep what is asked for in the folder, and say which of its records nothing asks for."""
        keep_table(self.plan.out, self.plan.table)
        keep_plan(self.plan.out, self.request, self.plan, self.commit)
        for line in lines_at_start(self.plan.out, read_runs(self.plan.out).asked):
            print(line, file=self.stream, flush=True)

    def prepare(self) -> None:
        """Build the pixels of each data set and seed once. InputError when one cannot be built."""
        methods = {cell.job.cell.method for cell in self.plan.todo}
        if any(declaration(method).uses_backbone for method in methods):
            profile = self.plan.todo[0].job.profile
            check_weights(profile.backbone_spec, profile.weights_dir)
        first: dict[str, Job] = {}  # of those with one manifest
        for cell in self.plan.todo:
            for job in cell.job.sets:
                first.setdefault(job.manifest_digest, job)
        jobs = {job.key: job for job in first.values()}
        titles = {k: f"{j.tested} · data seed {j.cell.drawn_with}" for k, j in jobs.items()}
        function = partial(cell_tasks.prepared, here=not self.plan.nodes)
        tasks = [Task(k, function, j, self.variables, loads=self.loads) for k, j in jobs.items()]
        workers = min(self.plan.at_once, usable_cores()) if self.plan.nodes else self.plan.at_once
        clock = Clock(dict.fromkeys(titles, 1.0), dict.fromkeys(titles, 0), workers)
        with (
            watched("preparing pixels", titles, clock, self.stream, _ready) as show,
            closing(local(each_of(tasks), workers)) as events,
        ):
            for event in events:
                if isinstance(event, Failed) and event.unusable_input:
                    raise InputError(event.reason)
                if isinstance(event, Finished):
                    job = jobs[event.key]
                    self.supplies[job.manifest_digest,] = supplies_of(job, event.value)
                    self.pixels[job.manifest_digest] = event.value.pixels
                show(event)

    def cells(self) -> None:
        """Run the cells, longest first within each seed, and write what they give."""
        titles = {cell.job.key: cell.title for cell in self.plan.todo}
        with (
            watched("cells", titles, _clock(self.plan), self.stream, _outcome) as show,
            Leases(self.plan.out) as leases,
        ):
            work = Work(self.plan, leases, self._task)
            self._run(work, leases, show)
            while work.waiting:
                self._tell_of_others(work)
                time.sleep(ASK_AGAIN_SECONDS)
                self._run(work, leases, show)

    def _run(self, work: Work, leases: Leases, show: Callable[[Shown], None]) -> None:
        """Run what can be had now."""
        with closing(self.engine(work.take, self.plan.jobs)) as events:
            for event in events:
                self._show_ended(work, show)
                outcome = self._outcome_of(event, work)
                self._keep(outcome, leases)
                show(outcome)
        self._show_ended(work, show)

    def _task(self, cell: PlannedCell) -> Task:
        key = cell.job.key
        function = partial(
            cell_tasks.finished,
            keep_weights=self._keeps_weights(key),
            images_there=self._images_there(cell.job.manifest_digest),
            resumed=read_checkpoint(self.plan.out, key),
            checkpoint_seconds=60.0 * self.request.checkpoint_minutes,
            modules=known_modules(),
            sources=self.plan.sources.get(cell.job.cell.method),
        )
        return Task(
            key,
            function,
            cell.job,
            self.variables,
            cell.needs,
            self._supplies(cell.job),
            self.loads,
        )

    def _images_there(self, manifest: str) -> list[int]:
        """Return the numbers of the thumbnails that no cell of a manifest needs to make."""
        pixels = self.pixels.get(manifest)  # None where a worker died that prepared them
        return [] if pixels is None else self.images.numbers(pixels).tolist()

    def _supplies(self, job: Job) -> Supplies | None:
        """Return what a cell reads: the same object for cells of the same data."""
        manifests = tuple(one_set.manifest_digest for one_set in job.sets)
        if len(manifests) > 1 and manifests not in self.supplies:
            alone = [self.supplies.get((manifest,)) for manifest in manifests]
            if alone[0] is not None and alone[1] is not None:
                self.supplies[manifests] = of_transfer(alone[0], alone[1])
        return self.supplies.get(manifests)

    def _keeps_weights(self, key: str) -> bool:
        """Say whether to keep weights: older ones are replaced, too, as no record has them."""
        return self.plan.save_weights or weights_path(self.plan.out, key).exists()

    def _show_ended(self, work: Work, show: Callable[[Shown], None]) -> None:
        """Note the cells that other runs have ended."""
        for cell, failed in work.ended_elsewhere():
            key = cell.job.key
            if failed is None:
                self.shared.append(key)
                show(Elsewhere(key, "done by another run"))
            else:
                self.failures.append(Failure(cell, failed.reason, failure_log(self.plan.out, key)))
                show(Elsewhere(key, f"failed in another run: {failed.reason}"))

    def _tell_of_others(self, work: Work) -> None:
        """Say once whose cells this run waits for."""
        if not self.told_of_others:
            leases = running_cells(self.plan.out)
            runs = sorted({f"process {lease.pid} on {lease.host}" for lease in leases})
            names = f" ({listed(runs)})" if runs else ""
            count = counted(len(work.waiting), "cell")
            text = f"waiting for {count} that another run{names} is at work on"
            print(text, file=self.stream, flush=True)
            self.told_of_others = True

    def _outcome_of(self, event: Event, work: Work) -> Event | Again:
        cell = self.planned[event.key]
        if isinstance(event, Failed) and event.died and work.again(cell):
            return Again(event.key, event.reason)
        if isinstance(event, Finished) and cell.state == "no weights":
            return self._compared(event)
        return event

    def _compared(self, event: Finished) -> Event:
        """Make a failure of a cell run again for its weights alone that gave another result."""
        record = read_record(record_path(self.plan.out, event.key))
        if event.value.record.digests == record.digests:
            return event
        reason = (
            "running it again gave another result than its record (which another kind of machine "
            "or another torch may have made), so its weights are not kept; remove the record to "
            "have it made anew"
        )
        return Failed(event.key, reason, "", event.seconds)

    def _keep(self, event: Event | Again, leases: Leases) -> None:
        key = event.key
        match event:
            case Progressed():
                leases.tell(key, event.phase, event.done, event.total)
            case Checkpointed():
                write_checkpoint(self.plan.out, key, event.files)
            case Finished():
                self._keep_result(key, event.value)
                leases.give_back(key)
            case Failed():
                self._keep_failure(key, event)
                leases.give_back(key)
            case Again():
                leases.give_back(key)

    def _keep_result(self, key: str, result: cell_tasks.CellResult) -> None:
        # The record comes last: where it is, the artifact is, and what else was asked for. So that
        # of an earlier run goes first, or a kill in between would leave it with another's artifact.
        record_path(self.plan.out, key).unlink(missing_ok=True)
        self.images.add(result.record.digests["pixels"], result.images)
        write_artifact(self.plan.out, key, result.artifact)
        if result.weights:
            write_weights(self.plan.out, key, result.weights)
        write_record(self.plan.out, result.record)
        failure_log(self.plan.out, key).unlink(missing_ok=True)
        remove_checkpoint(self.plan.out, key)
        self.finished.append(key)

    def _keep_failure(self, key: str, failed: Failed) -> None:
        """Note why a cell failed; training from its checkpoint would lead to the same again."""
        cell, log = self.planned[key], failure_log(self.plan.out, key)
        write_failure(log, FailedCell(key, cell.title, failed.reason), failed.log)
        remove_checkpoint(self.plan.out, key)
        self.failures.append(Failure(cell, failed.reason, log))


def _clock(plan: Plan) -> Clock:
    expected = {cell.job.key: cell.seconds for cell in plan.todo}
    groups = {cell.job.key: cell.job.cell.way for cell in plan.todo}
    return Clock(expected, groups, plan.at_once)


def _ready(event: Finished) -> str:
    del event
    return "pixels ready"


def _outcome(event: Finished) -> str:
    metrics = event.value.record.metrics["single-shot"]
    return f"rank-1 {metrics['rank1']:.1%}, mAP {metrics['mAP']:.1%}"
