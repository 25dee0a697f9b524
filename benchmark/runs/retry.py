"""Running the failed cells of a results folder again, by the runs that it keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from crossres.benchmark.records.failures import read_failures
from crossres.benchmark.records.finding import matching_key
from crossres.benchmark.records.planned import KeptRun, read_runs
from crossres.benchmark.records.record import scan_records
from crossres.benchmark.runs.capacity import Node
from crossres.benchmark.runs.driver import Summary, run_table
from crossres.benchmark.runs.engine import Engine
from crossres.benchmark.runs.kept_plan import request_of
from crossres.benchmark.runs.local_engine import local
from crossres.benchmark.runs.stale import split_records
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.words import few


@dataclass(frozen=True)
class Retried:
    """What became of it: a summary for each run that had asked for the cells.

    `gone`: keys of cells that there are no longer, as the data has changed since.
    """

    summaries: tuple[Summary, ...]
    gone: tuple[str, ...]

    @property
    def finished(self) -> list[str]:
        """The keys of the cells that have their record now, made by the code as it is."""
        keys: list[str] = []
        for summary in self.summaries:
            done = (cell.job.key for cell in summary.plan.cells if cell.state == "done")
            keys += [*done, *summary.finished, *summary.shared]
        return keys


def failed_keys(results: Path, starts: Sequence[str]) -> list[str]:
    """Return the keys of failed cells that begin like these; all of them where none is given.

    Raises InputError for one that is not the beginning of exactly one of them.
    """
    records = scan_records(results).records
    finished, _ = split_records(results, records, read_runs(results).asked)
    keys = [failed.key for failed in read_failures(results, finished)]
    if not starts:
        return keys
    return list(dict.fromkeys(matching_key(start, keys, "failed cell") for start in starts))


def retry(
    results: Path,
    keys: Sequence[str],
    *,
    jobs: int | None = None,
    engine: Engine = local,
    nodes: Sequence[Node] = (),
    stream: TextIO | None = None,
) -> Retried:
    """Run cells of a results folder again, as the latest run that planned them asked for them.

    `engine` and `nodes` are those of `run_table`. Raises InputError where no kept run has planned a
    cell, and as `run_table` does.
    """
    kept = read_runs(results)
    by_run: dict[Path, tuple[KeptRun, list[str]]] = {}
    unknown = []
    for key in keys:
        run = kept.of_key(key)
        if run is None:
            unknown.append(key)
        else:
            by_run.setdefault(run.path, (run, []))[1].append(key)
    if unknown:
        raise InputError(
            f"{results}: no run that is kept there has planned {few(unknown, 'cell')}; run the "
            "command that they are of again"
        )
    changes: dict[str, Any] = {} if jobs is None else {"jobs": jobs}
    summaries: list[Summary] = []
    gone: list[str] = []
    for run, of_run in by_run.values():
        request = request_of(results, run, keys=of_run, **changes)
        summary = run_table(request, engine=engine, nodes=nodes, stream=stream)
        planned = {cell.job.key for cell in summary.plan.cells}
        gone += [key for key in of_run if key not in planned]
        summaries.append(summary)
        if summary.interrupted:
            break
    return Retried(tuple(summaries), tuple(gone))
