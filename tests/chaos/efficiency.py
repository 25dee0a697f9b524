"""How much of the workers' time the cells get, and where the rest goes."""

import importlib
import io
import os
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any
from unittest.mock import patch

from crossres.benchmark import RunRequest, ray_cluster, run_table
from crossres.benchmark.config.tables import Row, Table
from crossres.benchmark.measures.kernels import kernel_variables
from crossres.benchmark.records.record import read_records
from crossres.benchmark.runs.capacity import Node
from crossres.benchmark.runs.engine import Engine, Event, Finished, Started, Task, each_of
from crossres.benchmark.runs.local_engine import local
from crossres.datasets.base.errors import InputError
from tests.chaos.cluster import QUIET
from tests.chaos.grid import Grid

ENGINES = ("local", "ray")
SHORTEST, LONGEST = 0.2, 6.0  # seconds of training; between them by equal factors
ROWS, DATASETS, SEEDS = 15, ("mlr-viper", "mlr-pku"), (0, 1)
EMPTY_TASKS = 12
ENOUGH, MOST_OVERHEAD = 0.9, 0.050


@dataclass(frozen=True)
class Efficiency:
    """Shares and seconds of a run; the times are means per cell.

    `own`: of the phases of all cells, by their records; `wall`: from the first cell's start to the
    last one's end; `phases`: the mean of each. `start`: an empty task from end to end; `around`: of
    a worker outside of the phases; `between`: from the end of a cell to the start of the next in
    its place. `load`: how many processes wanted a core meanwhile, ours among them.
    """

    cells: int
    workers: int
    own: float
    wall: float
    start: float
    around: float
    between: float
    phases: dict[str, float]
    load: float

    @property
    def share(self) -> float:
        """The share of the workers' time that the cells had."""
        return self.own / (self.workers * self.wall)

    @property
    def overhead(self) -> float:
        """Seconds per cell that are neither its own nor the start of its process."""
        return self.around + self.between - self.start

    def lines(self) -> Iterator[str]:
        """Say it for people, against what is aimed at."""
        yield (
            f"{self.cells} cells on {self.workers} workers: {self.own:.1f} s of their own in "
            f"{self.wall:.1f} s: {self.share:.1%} (aim: {ENOUGH:.0%})"
        )
        yield (
            f"per cell: {1000 * self.overhead:.0f} ms beyond the start of a process "
            f"(aim: {1000 * MOST_OVERHEAD:.0f}), which takes {1000 * self.start:.0f} ms; "
            f"between two cells {1000 * self.between:.0f} ms, around one "
            f"{1000 * self.around:.0f} ms"
        )
        phases = ", ".join(f"{name} {1000 * s:.0f}" for name, s in self.phases.items())
        yield f"inside a cell, ms: {phases}; load of the machine: {self.load:.1f}"


@dataclass
class _Timed:
    """An engine that notes when cells begin and end."""

    engine: Engine
    started: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def __call__(self, *arguments: Any) -> Generator[Event, None, None]:
        self.started, self.ended, self.seconds = [], [], {}  # the last call is that of the cells
        with closing(self.engine(*arguments)) as events:
            for event in events:
                if isinstance(event, Started):
                    self.started.append(time.perf_counter())
                if isinstance(event, Finished):
                    self.ended.append(time.perf_counter())
                    self.seconds[event.key] = event.seconds
                yield event


@contextmanager
def engine_named(name: str) -> Iterator[tuple[Engine, Sequence[Node]]]:
    """Yield an engine, and the nodes of its cluster. Raises InputError for an unknown one."""
    if name not in ENGINES:
        raise InputError(f"no engine {name!r}; there are: {', '.join(ENGINES)}")
    if name == "local":
        yield local, ()
        return
    with (
        tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as own,
        patch.dict(os.environ, QUIET | {"RAY_TMPDIR": own}),  # not another cluster of this machine
        ray_cluster() as cluster,
    ):
        yield cluster, cluster.nodes


def measure(folder: Path, name: str, workers: int = 2, rows: int = ROWS) -> Efficiency:
    """Run cells of mixed length in a folder, on an engine."""
    grid = Grid(folder).make()
    sys.path.insert(0, str(grid.folder / "plugin"))  # workers find what this process finds
    importlib.invalidate_caches()
    request = RunRequest(_table(rows), grid.out, profile="smoke", jobs=workers, cache=grid.cache)
    with engine_named(name) as (engine, nodes):
        timed = _Timed(engine)
        summary = run_table(request, engine=timed, nodes=nodes, stream=io.StringIO())
        assert summary.complete, summary.lines()
        start = _empty_task(engine)
    records = {record.key: record.seconds for record in read_records(grid.out)}
    own = {key: sum(seconds.values()) - seconds["total"] for key, seconds in records.items()}
    phases = sorted({name for seconds in records.values() for name in seconds} - {"total"})
    spent = {name: fmean(seconds[name] for seconds in records.values()) for name in phases}
    follow = zip(timed.ended, timed.started[workers:], strict=False)
    return Efficiency(
        cells=len(records),
        workers=workers,
        own=sum(own.values()),
        wall=timed.ended[-1] - timed.started[0],
        start=start,
        around=fmean(timed.seconds[key] - own[key] for key in own),
        between=fmean(after - before for before, after in follow),
        phases=spent,
        load=os.getloadavg()[0],
    )


def _table(rows: int) -> Table:
    factor = (LONGEST / SHORTEST) ** (1 / max(1, rows - 1))
    lengths = [round(SHORTEST * factor**k, 3) for k in range(rows)]
    return Table(
        id="efficiency",
        title="Cells of mixed length",
        caption="",
        gallery="single-shot",
        datasets=DATASETS,
        metrics=("rank1",),
        seeds=SEEDS,
        rows=tuple(Row(f"{s} s", "patient", options={"seconds": s}) for s in lengths),
    )


def nothing(argument: None, progress: Any) -> None:
    """Do nothing: what is left is the start and the end of a process."""
    del argument, progress


def _empty_task(engine: Engine) -> float:
    variables = kernel_variables("portable")
    tasks: Sequence[Task] = [Task(str(k), nothing, None, variables) for k in range(EMPTY_TASKS)]
    start = time.perf_counter()
    with closing(engine(each_of(tasks), 1)) as events:
        for _ in events:
            pass
    return (time.perf_counter() - start) / EMPTY_TASKS
