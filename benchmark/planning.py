"""Planning a run: which cells a table has on the given data, which are done, how long it takes.

The plan is the same whatever the engine and the number of jobs; `--dry-run` shows it.
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Literal, TextIO

from benchmark.cells import Cell, Job, canonical_json, make_job, merge_equal
from benchmark.code import cell_roots, code_digest
from benchmark.engine import Engine, Failed, Finished, Task, local
from benchmark.preparing import Survey, SurveyRequest, survey
from benchmark.profiles import load_profile, profile_names, typical_seconds
from benchmark.progress import Clock, watched
from benchmark.records import RecordFolder, scan_records
from benchmark.tables import Row, Table, load_table, select_rows
from benchmark.weights import has_weights
from datasets.arguments import (
    as_a,
    as_count,
    as_function,
    as_path,
    as_several,
    as_text,
    as_whole,
    if_given,
)
from datasets.bounds import checked_seeds
from datasets.cards import card
from datasets.cores import usable_cores
from datasets.errors import InputError
from datasets.marker import drawn_as
from datasets.places import default_cache
from datasets.progress import duration
from datasets.source import Source, raw_folder
from methods import method_class, resolve_options
from methods.interface import Profile
from methods.shared.weights import folder_weights, state_digest

State = Literal["done", "new", "code changed", "weights changed", "no weights"]


def workers(count: int) -> str:
    """ "1 worker", "2 workers"."""
    return f"{count} worker{'s' if count != 1 else ''}"


@dataclass(frozen=True)
class PlannedCell:
    """A cell of the plan, what is known of it, and the seconds it is expected to take."""

    job: Job
    state: State
    seconds: float

    @property
    def title(self) -> str:
        """Row, data set (its protocol, when not the default) and seed, as progress lines show."""
        cell = self.job.cell
        usual = cell.protocol == card(cell.dataset).protocol
        where = cell.dataset if usual else f"{cell.dataset} · {cell.protocol}"
        return f"{' = '.join(self.job.labels)} · {where} · seed {cell.seed}"


@dataclass(frozen=True)
class Plan:
    """All cells of a run in the order in which they start, and warnings for people."""

    table: Table
    out: Path
    jobs: int
    cells: tuple[PlannedCell, ...]
    warnings: tuple[str, ...] = ()
    save_weights: bool = False

    @property
    def todo(self) -> tuple[PlannedCell, ...]:
        """The cells that are to be run."""
        return tuple(cell for cell in self.cells if cell.state != "done")

    @property
    def seconds(self) -> float:
        """The wall time that the cells to be run are expected to take with `jobs` workers."""
        longest = max((cell.seconds for cell in self.todo), default=0.0)
        return max(longest, sum(cell.seconds for cell in self.todo) / self.jobs)

    def lines(self) -> list[str]:
        """The plan for people: one line per cell, and a sum."""
        cells = [f"{c.state:15} {duration(c.seconds):>8}  {c.title}" for c in self.cells]
        total = f"{len(self.cells)} cells, {len(self.todo)} to run"
        return [*cells, f"{total}, about {duration(self.seconds)} with {workers(self.jobs)}"]


def plan_table(
    table: Table | str | Path,
    *,
    out: Path | str,
    source: Source | None = None,
    profile: Profile | str | Path = "quick",
    datasets: Sequence[str] | str | None = None,
    protocol: str | None = None,
    rows: Sequence[str] | str | None = None,
    seeds: Sequence[int] | int | None = None,
    jobs: int | None = None,
    cache: Path | str | None = None,
    weights_dir: Path | str | None = None,
    save_weights: bool = False,
    engine: Engine = local,
    stream: TextIO | None = None,
) -> Plan:
    """What `run_table` with the same arguments would do. Draws missing twins, as keys need them.

    `source` None: the twins of the profile's size; `protocol` None: those of the table or its rows,
    else the default of each data set;
    `jobs` None: see `default_jobs`; `save_weights`: a cell whose weights are not there is not done.
    Raises InputError for any unknown name and for a raw folder that is missing or wrong.
    """
    out, engine = as_path(out, "out"), as_function(engine, "engine")
    cache = if_given(cache, "cache", as_path) or default_cache()
    source = None if source is None else as_a(Source, source, "source")
    jobs, protocol = if_given(jobs, "jobs", as_count), if_given(protocol, "protocol", as_text)
    labels = None if rows is None else as_several(rows, "rows", _row_name)
    table = table if isinstance(table, Table) else load_table(table)
    names, numbers = _wanted(table, datasets, seeds)
    found = profile if isinstance(profile, Profile) else load_profile(profile, weights_dir)
    chosen = select_rows(table, labels)
    options = [resolve_options(row.method, found, dict(row.options)) for row in chosen]
    source = source or Source(size=found.twin_size)
    protocols = _protocols(table, chosen, protocol, names, source, cache)
    requests = [
        SurveyRequest(name, source, cache, numbers, own) for name in names for own in protocols
    ]
    folder = scan_records(out)
    jobs = jobs or default_jobs(found)
    surveys = _surveys(requests, jobs, engine, stream or sys.stderr)
    jobs_found = merge_equal(
        make_job(
            _cell(row, resolved, view, seed, found),
            row.label,
            found,
            source,
            request.cache,
            view.manifests[seed],
        )
        for request, view in zip(requests, surveys, strict=True)
        for seed in request.seeds
        for row, resolved in zip(chosen, options, strict=True)
        if row in protocols[request.protocol]
    )
    typical = _profile_of_estimates(profile)
    codes = _codes(jobs_found)
    initial = _initial(jobs_found, folder, found.weights_dir)
    cells = [
        PlannedCell(
            job,
            _state(job, folder, codes, initial, out if save_weights else None),
            _expected(job, folder, typical),
        )
        for job in jobs_found
    ]
    cells.sort(key=lambda c: (requests[0].seeds.index(c.job.cell.seed), -c.seconds))
    return Plan(table, out, jobs, tuple(cells), folder.broken, save_weights)


def default_jobs(profile: Profile) -> int:
    """One job per core that this process may use; one in all where the cells need the GPU."""
    return usable_cores() if profile.device == "cpu" else 1


def _row_name(row: object, what: str) -> str:
    """The label of a row, or its number from 1."""
    return row if isinstance(row, str) else str(as_count(row, what))


def _wanted(
    table: Table, datasets: Sequence[str] | str | None, seeds: Sequence[int] | int | None
) -> tuple[list[str], tuple[int, ...]]:
    """The ids of the data sets and the seeds, each once."""
    asked = table.datasets if datasets is None else as_several(datasets, "datasets", as_text)
    names = tuple(dict.fromkeys(asked))
    if not names:
        raise InputError("nothing to run: name at least one data set")
    numbered = table.seeds if seeds is None else as_several(seeds, "seeds", as_whole)
    numbers = checked_seeds(numbered)
    return [card(name).id for name in names], numbers


def _protocols(
    table: Table,
    rows: Sequence[Row],
    protocol: str | None,
    datasets: Sequence[str],
    source: Source,
    cache: Path,
) -> dict[str | None, tuple[Row, ...]]:
    """The protocols to run on each data set, with the rows of each; None: a data set's default."""
    if not table.is_by_row:
        wanted: list[str | None] = [protocol] if protocol else [*table.protocols] or [None]
        return dict.fromkeys(wanted, tuple(rows))
    if protocol:
        raise InputError(
            f"the rows of {table.id} have protocols of their own; leave --protocol out"
        )
    twin = all(drawn_as(raw_folder(card(name), source, cache)) for name in datasets)
    found: dict[str | None, tuple[Row, ...]] = {}
    for row in rows:
        own = row.protocol_on(twin=twin)
        found[own] = (*found.get(own, ()), row)
    return found


def _surveys(
    requests: Sequence[SurveyRequest], jobs: int, engine: Engine, stream: TextIO
) -> list[Survey]:
    found: dict[str, Survey] = {}
    tasks = [Task(request.title, survey, request) for request in requests]
    titles = {task.key: task.key for task in tasks}
    clock = Clock(dict.fromkeys(titles, 1.0), dict.fromkeys(titles, 0), jobs)
    with (
        watched("data sets", titles, clock, stream, _surveyed) as show,
        closing(engine(tasks, jobs)) as events,
    ):
        for event in events:
            if isinstance(event, Failed):
                raise InputError(event.reason)
            if isinstance(event, Finished):
                found[event.key] = event.value
            show(event)
    return [found[request.title] for request in requests]


def _surveyed(event: Finished) -> str:
    return f"{event.value.source}, {event.value.protocol}"


def _cell(
    row: Row, options: Mapping[str, object], view: Survey, seed: int, profile: Profile
) -> Cell:
    return Cell(row.method, options, view.dataset, view.protocol, view.source, seed, profile.name)


def _codes(jobs: Sequence[Job]) -> dict[tuple[str, str], str]:
    """The digest of the code as it is now, by method and data set."""
    pairs = sorted({(job.cell.method, job.cell.dataset) for job in jobs})
    return {
        (method, dataset): code_digest(cell_roots(method_class(method), card(dataset).reader))
        for method, dataset in pairs
    }


def _initial(jobs: Sequence[Job], folder: RecordFolder, weights_dir: Path | None) -> dict[str, str]:
    """Network -> digest of its weights in `weights_dir`, for all that a record here began with."""
    if weights_dir is None:
        return {}
    records = [folder.records[job.key] for job in jobs if job.key in folder.records]
    networks = sorted({network for record in records for network in record.initial})
    return {name: state_digest(folder_weights(name, weights_dir)) for name in networks}


def _state(
    job: Job,
    folder: RecordFolder,
    codes: Mapping[tuple[str, str], str],
    initial: Mapping[str, str],
    weights_in: Path | None,
) -> State:
    record = folder.records.get(job.key)
    if record is None:
        return "new"
    if record.digests["code"] != codes[job.cell.method, job.cell.dataset]:
        return "code changed"
    if any(initial.get(network, begun) != begun for network, begun in record.initial.items()):
        return "weights changed"
    return "no weights" if weights_in and not has_weights(weights_in, record) else "done"


def _expected(job: Job, folder: RecordFolder, typical: str | Path | None) -> float:
    """What equal cells of other seeds took here, else what the profile says."""
    like = [
        record.seconds["total"] for record in folder.records.values() if _alike(record.cell, job)
    ]
    if like:
        return fmean(like)
    if typical is None:
        return 60.0
    return typical_seconds(typical, job.cell.method, dict(job.cell.options))


def _alike(cell: Cell, job: Job) -> bool:
    mine = job.cell
    same = (cell.method, cell.dataset, cell.profile) == (mine.method, mine.dataset, mine.profile)
    return same and canonical_json(cell.options) == canonical_json(mine.options)


def _profile_of_estimates(profile: Profile | str | Path) -> str | Path | None:
    if not isinstance(profile, Profile):
        return profile
    return profile.name if profile.name in profile_names() else None
