"""Planning a run: which cells a table has on the given data, which are done, how long it takes.

The plan is the same whatever the engine and the number of jobs; `--dry-run` shows it.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from importlib.machinery import ModuleSpec
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import Literal, TextIO

from crossres.benchmark.config.cell_sets import CellSets
from crossres.benchmark.config.post_processing import post_processing_from
from crossres.benchmark.config.profiles import profile_names, stated_seconds, typical_seconds
from crossres.benchmark.config.tables import Row, Table, with_files_as_now
from crossres.benchmark.measures.kernels import Kernels, kernel_variables, made_with_other_kernels
from crossres.benchmark.records.cell import Cell, Job, make_job, make_transfer, merge_equal
from crossres.benchmark.records.failures import failure_log, read_failure
from crossres.benchmark.records.record import (
    Record,
    RecordFolder,
    read_record,
    record_path,
    scan_records,
)
from crossres.benchmark.records.weights import has_weights
from crossres.benchmark.runs.capacity import Node, in_words, wall_seconds
from crossres.benchmark.runs.code_digest import cell_code
from crossres.benchmark.runs.data import Opener, Progress, Survey, SurveyRequest, survey
from crossres.benchmark.runs.engine import (
    Failed,
    Finished,
    Task,
    each_of,
    in_this_process,
)
from crossres.benchmark.runs.local_engine import local
from crossres.benchmark.runs.outline import resolved_options
from crossres.benchmark.runs.progress import Clock, watched
from crossres.benchmark.runs.request import RunRequest
from crossres.datasets.base.arguments import as_a, as_path
from crossres.datasets.base.cores import usable_cores
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.garbage import few_collections
from crossres.datasets.base.progress import duration
from crossres.datasets.cards import Card
from crossres.datasets.protocols.applicable import applies
from crossres.datasets.raw.source import Source, open_admitted, raw_folder, twin_folder
from crossres.datasets.raw.source_name import is_twin, source_words
from crossres.datasets.raw.twin_marker import drawn_as
from crossres.datasets.readers import Names
from crossres.methods.interface.method_files import MethodSources
from crossres.methods.interface.needs import Needs
from crossres.methods.interface.profile import Profile
from crossres.methods.interface.registry import declaration, method_sources

SMALL_TWINS = ("tiny", "quick")
State = Literal[
    "done",
    "new",
    "failed before",
    "code changed",
    "weights changed",
    "other kernels",
    "no weights",
]


@dataclass(frozen=True)
class PlannedCell:
    """A cell of the plan: what is known of it, its expected seconds, what it takes of a machine.

    `reason`: why it failed before; "" in any other state.
    """

    job: Job
    state: State
    seconds: float
    needs: Needs = field(default_factory=Needs)
    reason: str = ""

    @property
    def title(self) -> str:
        """Row, data set (its protocol, when not the default) and seed, as progress lines show."""
        cell = self.job.cell
        data = "" if cell.data_seed is None else f" on data {cell.data_seed}"
        return f"{' = '.join(self.job.labels)} · {self.job.where} · seed {cell.seed}{data}"


@dataclass(frozen=True)
class Wanted:
    """What a record must be for its cell to be done; `codes` and `initial` as they are now.

    `codes`: the digest of the code by method and data set (or transfer); `initial`: of the ImageNet
    weights of each network, where the run has a folder of them.
    """

    out: Path
    codes: Mapping[tuple[str, str], str]
    initial: Mapping[str, str]
    kernels: Kernels
    save_weights: bool

    def state(self, job: Job, record: Record | None) -> State:
        """Say whether the record of a job will do, or why not."""
        if record is None:
            return "failed before" if failure_log(self.out, job.key).exists() else "new"
        if record.digests["code"] != self.codes[job.cell.method, job.cell.dataset]:
            return "code changed"
        if any(self.initial.get(name, begun) != begun for name, begun in record.initial.items()):
            return "weights changed"
        if made_with_other_kernels(record.environment, self.kernels):
            return "other kernels"
        lacks_weights = self.save_weights and not has_weights(self.out, record)
        return "no weights" if lacks_weights else "done"


@dataclass(frozen=True)
class Plan:
    """All cells of a run in the order in which they start, and warnings for people.

    `nodes` are the machines of a cluster; () is this machine with `jobs` workers. `sources`: of the
    methods in files, as they were read for this plan: all its cells run these. `names` are
    those of identities and cameras by data set, for users' own sets where these are no numbers.
    """

    table: Table
    jobs: int | None
    cells: tuple[PlannedCell, ...]
    wanted: Wanted
    warnings: tuple[str, ...] = ()
    nodes: tuple[Node, ...] = ()
    sources: Mapping[str, MethodSources] = field(default_factory=dict)
    names: Mapping[str, Names] = field(default_factory=dict)

    @property
    def out(self) -> Path:
        """The results folder."""
        return self.wanted.out

    @property
    def save_weights(self) -> bool:
        """Whether the trained methods are kept, too."""
        return self.wanted.save_weights

    @property
    def kernels(self) -> Kernels:
        """The kernels of cells on a CPU."""
        return self.wanted.kernels

    @property
    def todo(self) -> tuple[PlannedCell, ...]:
        """The cells that are to be run."""
        return tuple(cell for cell in self.cells if cell.state != "done")

    @property
    def seconds(self) -> float:
        """The wall time that the cells to be run are expected to take; infinite: they never can."""
        cells = ((cell.seconds, cell.needs) for cell in self.todo)
        return wall_seconds(cells, self.nodes or (Node(),), self.jobs)

    @property
    def at_once(self) -> int:
        """How many of its cells run at once, at most."""
        needs = [cell.needs for cell in self.todo] or [Needs()]
        room = sum(max(node.slots(needed) for needed in needs) for node in self.nodes)
        return max(1, min(self.jobs or room, room or self.jobs or 1))

    @property
    def workers(self) -> str:
        """What runs the cells, in words."""
        return in_words(self.nodes, self.jobs)

    def log(self, cell: PlannedCell) -> Path:
        """Return where the log of a cell lies, if it has failed."""
        return failure_log(self.out, cell.job.key)

    def is_done(self, cell: PlannedCell) -> bool:
        """Say whether a cell has its record by now: another run may have made it."""
        path = record_path(self.out, cell.job.key)
        try:
            return path.exists() and self.wanted.state(cell.job, read_record(path)) == "done"
        except InputError:
            return False

    def lines(self) -> list[str]:
        """Show the plan to people: one line per cell, why it failed before, and a sum."""
        cells = []
        for cell in self.cells:
            cells.append(f"{cell.state:15} {duration(cell.seconds):>8}  {cell.title}")
            if cell.reason:
                cells.append(f"{'':15} {'':8}  {cell.reason} (see {self.log(cell)})")
        total = f"{len(self.cells)} cells, {len(self.todo)} to run"
        return [
            *cells,
            f"{total}, about {duration(self.seconds)} with {self.workers}",
        ]


@few_collections()
def plan_table(
    request: RunRequest, *, nodes: Sequence[Node] = (), stream: TextIO | None = None
) -> Plan:
    """Plan what `run_table` would do for the request. Draws missing twins, as keys need them.

    `nodes` are the machines of a cluster that runs the cells; () stands for this one. Raises
    InputError for any unknown name, for a raw folder that is missing or wrong, and for a cell that
    no node has room for.
    """
    request = as_a(RunRequest, request, "request")
    rows, profile = request.chosen_rows(), request.whole_profile()
    table = with_files_as_now(request.whole_table(), rows)
    in_files = {file.name for file in table.method_files} & {row.method for row in rows}
    read = {name: method_sources(name) for name in sorted(in_files)}
    files = {name: sources for name, sources in read.items() if sources is not None}
    chosen_sets, seeds = request.chosen_sets(), request.chosen_seeds()
    out, cache = as_path(request.out, "out"), as_path(request.cache, "cache")
    options = [resolved_options(table, row, profile) for row in rows]
    _check_post_processing(rows)
    sources = request.sources()
    tested = [sets.tested for sets in chosen_sets]
    protocols = _protocols(table, rows, request.protocol, tested, sources, cache)
    surveyed = [
        (sets, view, its_rows)
        for sets in chosen_sets
        for protocol, its_rows in protocols.items()
        for view in _views(request, sets.tested, request.protocol_on(sets.tested, protocol), cache)
    ]
    trained_on = dict.fromkeys(sets.trained_on for sets in chosen_sets if sets.trained_on)
    of_training = [view for card in trained_on for view in _views(request, card, None, cache)]
    to_survey = [*(view for _, view, _ in surveyed), *of_training]
    folder = scan_records(out)
    here = request.jobs or default_jobs(profile)
    jobs = request.jobs if nodes else here
    of_oracle = {view for _, view, its_rows in surveyed if table.oracle in its_rows}
    surveys = _surveys(
        to_survey,
        of_oracle,
        loads_of(row.method for row in rows),
        min(here, usable_cores()) if nodes else here,
        request.kernels,
        stream or sys.stderr,
    )
    known = dict(zip(to_survey, surveys, strict=True))
    jobs_on = _Jobs(profile, cache, known, of_training)
    cells_to_plan = merge_equal(
        jobs_on.job(row, resolved, sets, view, (seed, data_seed))
        for sets, view, its_rows in surveyed
        for labels in [{row.label for row in its_rows}]
        for data_seed in view.seeds
        if data_seed in known[view].manifests
        for seed in ((data_seed,) if request.data_seed is None else seeds)
        for row, resolved in zip(rows, options, strict=True)
        if row.label in labels
    )
    if request.keys is not None:
        cells_to_plan = [job for job in cells_to_plan if job.key in request.keys]
    expected = _estimates(folder, _profile_of_estimates(request.profile))
    wanted = Wanted(
        out,
        _codes(cells_to_plan),
        _initial(cells_to_plan, folder, profile.weights_dir),
        request.kernels,
        request.save_weights,
    )
    needs = {row.method: profile.needs_of(row.method) for row in rows}
    states = {job.key: wanted.state(job, folder.records.get(job.key)) for job in cells_to_plan}
    cells = [
        PlannedCell(
            job,
            states[job.key],
            expected(job.cell),
            needs[job.cell.method],
            _reason(out, job.key) if states[job.key] == "failed before" else "",
        )
        for job in cells_to_plan
    ]
    turns = {seed: turn for turn, seed in enumerate(seeds)}
    cells.sort(key=lambda c: (turns[c.job.cell.seed], -c.seconds))
    _check_room(cells, nodes)
    names = {view.dataset: view.names for view in surveys if view.names != Names()}
    return Plan(table, jobs, tuple(cells), wanted, folder.broken, tuple(nodes), files, names)


def loads_of(methods: Iterable[str]) -> tuple[str, ...]:
    """Return the modules that workers for cells of these methods load once."""
    return tuple(sorted({module for method in methods for module in declaration(method).loads}))


def _check_post_processing(rows: Sequence[Row]) -> None:
    """Raise InputError for a row whose method cannot be post-processed in its way."""
    for row in rows:
        how = post_processing_from(row.post_processing, f"row {row.label}: post_processing")
        if how.expansion or how.restorations:  # what only the method itself tells, not its names
            from crossres.benchmark.runs.post_processed import check_applicable
            from crossres.methods.interface.registry import method_class

            check_applicable(method_class(row.method), how)


def _reason(out: Path, key: str) -> str:
    """Return why a cell failed; "" where another run has run it meanwhile."""
    try:
        return read_failure(failure_log(out, key)).reason
    except OSError:
        return ""


def _check_room(cells: Sequence[PlannedCell], nodes: Sequence[Node]) -> None:
    """Raise InputError for a cell that would wait for ever."""
    for cell in cells:
        needs = cell.needs
        if nodes and not any(node.has_room(needs) for node in nodes):
            raise InputError(
                f"no node of the cluster has room for {cell.title}, which takes "
                f"{needs.in_words()}; add such a node, or ask for less in [needs] of the profile"
            )


def default_jobs(profile: Profile) -> int:
    """Return one job per core that this process may use; one in all where cells need the GPU."""
    return usable_cores() if profile.device == "cpu" else 1


def _views(
    request: RunRequest, chosen: Card, protocol: str | None, cache: Path
) -> list[SurveyRequest]:
    """Return what to look at of a data set under a protocol (None: its default)."""
    own = chosen if chosen.own else None
    return [
        SurveyRequest(chosen.id, source, cache, data_seeds, protocol, own)
        for source, data_seeds in _seeds_by_source(request.sources_of(chosen)).items()
    ]


def _protocols(
    table: Table,
    rows: Sequence[Row],
    protocol: str | None,
    datasets: Sequence[Card],
    sources: Mapping[int, Source],
    cache: Path,
) -> dict[str | None, tuple[Row, ...]]:
    """Return the protocols to run, with the rows of each; None: the default of each data set."""
    if not table.is_by_row:
        names: list[str | None] = [protocol] if protocol else [*table.protocols] or [None]
        of_table = tuple(row for row in rows if row != table.oracle)
        by_name = dict.fromkeys(names, of_table) if of_table else {}
        return by_name | {row.protocol: (row,) for row in rows if row == table.oracle}
    if protocol:
        raise InputError(
            f"the rows of {table.id} have protocols of their own; leave --protocol out"
        )
    source = next(iter(sources.values()))
    twin = all(
        chosen.own is None and drawn_as(raw_folder(chosen, source, cache)) for chosen in datasets
    )
    by_protocol: dict[str | None, tuple[Row, ...]] = {}
    for row in rows:
        name = row.protocol_on(twin=twin)
        by_protocol[name] = (*by_protocol.get(name, ()), row)
    return by_protocol


def _surveys(
    requests: Sequence[SurveyRequest],
    of_oracle: Container[SurveyRequest],
    loads: tuple[str, ...],
    jobs: int,
    kernels: Kernels,
    stream: TextIO,
) -> list[Survey]:
    """Return what is known of each data set; of one that has no oracle, no manifests of it."""
    surveys: dict[str, Survey] = {}
    variables = kernel_variables(kernels)
    opened = lru_cache(None)(open_admitted)  # a folder once for all its protocols
    here: list[Task] = []
    elsewhere: list[Task] = []
    for request in dict.fromkeys(requests):
        function = survey_of_oracle if request in of_oracle else survey
        if _is_read_at_once(request):
            here.append(Task(request.title, partial(function, opened=opened), request))
        else:
            elsewhere.append(Task(request.title, function, request, variables, loads=loads))
    titles = {task.key: task.key for task in (*here, *elsewhere)}
    clock = Clock(dict.fromkeys(titles, 1.0), dict.fromkeys(titles, 0), jobs)
    with (
        watched("data sets", titles, clock, stream, _surveyed) as show,
        closing(in_this_process(each_of(here))) as first,
        closing(local(each_of(elsewhere), jobs)) as then,
    ):
        for event in chain(first, then):
            if isinstance(event, Failed):
                raise InputError(event.reason)
            if isinstance(event, Finished):
                surveys[event.key] = event.value
            show(event)
    return [surveys[request.title] for request in requests]


def _is_read_at_once(request: SurveyRequest) -> bool:
    """Say whether a survey is over before a worker would have started: of a small twin there."""
    source = request.source
    return (
        source.root is None
        and source.size in SMALL_TWINS
        and twin_folder(request.card, source, request.cache).is_dir()
    )


def survey_of_oracle(
    request: SurveyRequest, progress: Progress, opened: Opener = open_admitted
) -> Survey:
    """Survey a data set, without manifests where its raw folder cannot be split by the protocol.

    Of a natively LR set, for one, there are no queries before down-sampling.
    """
    raw = opened(request.card, request.source, request.cache)
    protocol = request.protocol or request.card.protocol
    if applies(raw, protocol):
        return survey(request, progress, opened)
    return Survey(request.dataset, raw.source, protocol, {}, raw.names)


def _surveyed(event: Finished) -> str:
    if not event.value.manifests:
        return "protocol does not apply, seen"
    source = event.value.source
    return f"{'twin' if is_twin(source) else source_words(source)} ready"


def _cell(
    row: Row,
    options: Mapping[str, object],
    view: Survey,
    seed: int,
    data_seed: int,
    profile: Profile,
) -> Cell:
    names = view.dataset, view.protocol, view.source
    apart = None if data_seed == seed else data_seed
    processing = row.post_processing or None
    return Cell(row.method, options, *names, seed, profile.name, apart, processing)


class _Jobs:
    """Makes the jobs of a plan of what is known of its data sets."""

    def __init__(
        self,
        profile: Profile,
        cache: Path,
        known: Mapping[SurveyRequest, Survey],
        of_training: Sequence[SurveyRequest],
    ) -> None:
        """`of_training`: those of `known` that transfers are trained on."""
        self._profile, self._cache, self._known = profile, cache, known
        self._of_training = {
            (view.dataset, seed): view for view in of_training for seed in view.seeds
        }

    def job(
        self,
        row: Row,
        options: Mapping[str, object],
        sets: CellSets,
        view: SurveyRequest,
        seeds: tuple[int, int],
    ) -> Job:
        """Return the job of a row on these sets; `view` is of the tested one, `seeds` those of
        training and data.
        """
        cell = _cell(row, options, self._known[view], *seeds, self._profile)
        job = self._made(cell, row, view, seeds[1])
        if sets.trained_on is None:
            return job
        of_set = self._of_training[sets.trained_on.id, seeds[1]]
        trained = _cell(row, options, self._known[of_set], *seeds, self._profile)
        alone = replace(trained, post_processing=None)
        return make_transfer(job, self._made(alone, row, of_set, seeds[1]))

    def _made(self, cell: Cell, row: Row, view: SurveyRequest, data_seed: int) -> Job:
        return make_job(
            cell,
            row.label,
            self._profile,
            view.source,
            self._cache,
            self._known[view].manifests[data_seed],
            view.own,
        )


def _seeds_by_source(sources: Mapping[int, Source]) -> dict[Source, tuple[int, ...]]:
    seeds: dict[Source, tuple[int, ...]] = {}
    for seed, source in sources.items():
        seeds[source] = (*seeds.get(source, ()), seed)
    return seeds


def _codes(jobs: Sequence[Job]) -> dict[tuple[str, str], str]:
    """Return the digest of the code as it is now, by method and data set (or transfer)."""
    readers = {(job.cell.method, job.cell.dataset): job.readers for job in jobs}
    specs: dict[str, ModuleSpec | None] = {}
    return {
        (method, dataset): cell_code(method, *readers[method, dataset], specs=specs)
        for method, dataset in sorted(readers)
    }


def _initial(jobs: Sequence[Job], folder: RecordFolder, weights_dir: Path | None) -> dict[str, str]:
    """Return the digests of networks in `weights_dir`, for all that a record here began with."""
    if weights_dir is None:
        return {}
    from crossres.methods.shared.networks.imagenet_weights import folder_weights, state_digest

    records = [folder.records[job.key] for job in jobs if job.key in folder.records]
    networks = sorted({network for record in records for network in record.initial})
    return {name: state_digest(folder_weights(name, weights_dir)) for name in networks}


def _estimates(folder: RecordFolder, typical: str | Path | None) -> Callable[[Cell], float]:
    """Return what tells the seconds that a cell will take.

    Those that equal cells of other seeds took here, else those of the profile.
    """
    measured: dict[tuple[bytes, str, str], list[float]] = defaultdict(list)
    for record in folder.records.values():
        measured[_alike(record.cell)].append(record.seconds["total"])
    stated = None if typical is None else stated_seconds(typical)

    def estimate(cell: Cell) -> float:
        if like := measured.get(_alike(cell)):
            return fmean(like)
        return 60.0 if stated is None else typical_seconds(stated, cell.method, cell.options)

    return estimate


def _alike(cell: Cell) -> tuple[bytes, str, str]:
    """Return what cells have in common that are expected to take as long."""
    return cell.way, cell.dataset, cell.profile


def _profile_of_estimates(profile: Profile | str | Path) -> str | Path | None:
    if not isinstance(profile, Profile):
        return profile
    return profile.name if profile.name in profile_names() else None
