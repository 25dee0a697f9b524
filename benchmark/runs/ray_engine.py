"""The Ray engine: cells as tasks of a cluster, each in a process of its own as on one machine.

A node that sees the folders of the data under the same paths reads them there; another one gets
them through the object store, once for all of its cells, into the run's folder on this node. What
processes need while they run lies there, too. It vanishes with the run, or when a later one finds
that nobody holds it.
"""

import os
import pickle
import re
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from crossres.benchmark.runs.capacity import Node
from crossres.benchmark.runs.engine import (
    Event,
    Failed,
    Finished,
    Progressed,
    Started,
    Supplies,
    Take,
    Task,
    Told,
    each_of,
)
from crossres.benchmark.runs.interrupts import postponed_interrupts
from crossres.benchmark.runs.local_engine import local
from crossres.benchmark.runs.supplies import fingerprint, packed, unpack
from crossres.datasets.base.errors import InputError, printable
from crossres.datasets.base.files import hold_for_life, remove_unless_held, replace_folder
from crossres.datasets.base.version import own_version
from crossres.datasets.pixels.lock import locked

CHUNK_BYTES = 64 * 2**20  # of one object in the store
GIB = 2**30
AHEAD = 1  # tasks more than there is room for, so that a worker that gets free finds one
CONNECT_SECONDS = 10.0
WAIT_SECONDS = 1.0  # then nodes are counted anew
REPORT_EVERY_SECONDS = 1.0
END_SECONDS = 10.0  # for the nodes to tidy up; else the next run does
RUN_DIGITS, NODE_DIGITS = 8, 6  # of the name of a run's folder on a node
_NODE_FOLDER = re.compile(f"crossres-[0-9a-f]{{{RUN_DIGITS}}}-[0-9a-f]{{{NODE_DIGITS}}}")
OF_DEVICES = "CUDA_VISIBLE_DEVICES"  # set by Ray for a task; our fork server would keep the first

Chunks = Mapping[str, Sequence[Any]]
"""The object references of the packed files of each place."""


@contextmanager
def ray_cluster(address: str | None = None) -> Iterator["RayCluster"]:
    """Connect to the Ray cluster at `address`, as `ray.init` takes it, and leave it in the end.

    None: the cluster that the environment names (RAY_ADDRESS) or that runs on this machine, else
    one of this machine alone, which ends with the block. Raises InputError where Ray is missing or
    there is no such cluster.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would ask, and send, by itself
    with postponed_interrupts():  # half of Ray cannot do what it does as Python ends
        ray = _ray()
    _check_address(address)
    # Where nodes are on this machine, they find what this process finds.
    environment = {"env_vars": {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}}
    quiet = {"log_to_driver": False, "configure_logging": False, "include_dashboard": False}
    try:
        with _own_signals():
            ray.init(address, runtime_env=environment, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = address or os.environ.get("RAY_ADDRESS", "ray")
        if "Authentication" in f"{error!r} {error.__cause__!r} {error.__context__!r}":
            raise InputError(
                f"{where}: the Ray cluster asks for a token; set RAY_AUTH_MODE=token here, too "
                "(its token is in ~/.ray/auth_token of the machine that started it)"
            ) from error
        raise _unreachable(where, str(error)) from error
    try:
        cluster = RayCluster()
        with redirect_stdout(sys.stderr):  # where Ray prints, in a thread, that a node has died
            try:
                yield cluster
            finally:
                with suppress(Exception):  # the cluster may be gone
                    cluster.clear()
    finally:
        ray.shutdown()


def _check_address(address: str | None) -> None:
    """Raise InputError where nobody listens, which Ray would try for minutes to find out."""
    address = address or os.environ.get("RAY_ADDRESS", "")
    parts = urlsplit(address if "://" in address else f"//{address}")
    try:
        if parts.hostname and parts.port:
            socket.create_connection((parts.hostname, parts.port), CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        raise _unreachable(address, str(error)) from error


def _unreachable(address: str, why: str) -> InputError:
    first = next(iter(why.splitlines()), "")
    return InputError(
        f"{address}: no Ray cluster can be reached there ({printable(first)}); `ray start --head` "
        "starts one and says its address"
    )


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep what SIGTERM does here, which Ray changes."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


class RayCluster:
    """The cluster that this process is connected to: an engine, and the nodes of it."""

    def __init__(self) -> None:
        self._id = uuid.uuid4().hex[:RUN_DIGITS]
        self._used: set[str] = set()  # the nodes that have a folder of this run

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes that are alive now, with what of them cells may use."""
        return _nodes()

    def __call__(self, take: Take, jobs: int | None) -> Generator[Event, None, None]:
        """Run tasks on the cluster, wherever there is what they need, at most `jobs` at once.

        Nodes that are added are used, too. With `jobs`, so many tasks are handed to Ray whatever
        room there is, so that a cluster that grows on demand does. Closing the generator ends the
        tasks that run.
        """
        run = _Run(take, jobs, self._id, self._used)
        try:
            yield from run.events()
        finally:
            run.end()

    def clear(self) -> None:
        """Remove the folders of this run from the nodes that are still there."""
        ray = _ray()
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        remove = ray.remote(num_cpus=0, max_retries=0)(_remove_folder)
        removals = [
            remove.options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            ).remote(self._id)
            for node in ray.nodes()
            if node["Alive"] and node["NodeID"] in self._used
        ]
        if removals:
            ray.wait(removals, num_returns=len(removals), timeout=END_SECONDS)


def _ray() -> Any:
    """Import Ray, which is an extra. Raises InputError where it is missing."""
    try:
        import ray
    except ImportError as error:
        raise InputError('Ray is not installed; run: pip install "crossres[ray]"') from error
    return ray


def _nodes() -> tuple[Node, ...]:
    ray = _ray()
    resources = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    nodes = [
        Node(r.get("CPU", 0.0), r.get("GPU", 0.0), r.get("memory", 0.0) / GIB) for r in resources
    ]
    return tuple(node for node in nodes if node.cpus > 0.0)


@dataclass(frozen=True)
class _Shipment:
    """What a node needs to know of the folders of a task: those of the driver, and their chunks.

    `fingerprints` tell whether a node sees the same folders. `chunks` None: they have not been
    packed, as no node has lacked them.
    """

    folders: Mapping[str, Path]
    fingerprints: Mapping[str, str]
    chunks: Chunks | None = None


@dataclass(frozen=True)
class _Used:
    """What a node yields when it has made a folder for the run."""

    node: str


@dataclass(frozen=True)
class _Lacking:
    """What a node yields, and no more, that sees other folders and has got no chunks."""


@dataclass(frozen=True)
class _Packed:
    """A pickled task for a worker process, which alone must be able to import what it calls.

    `folder` is where the node has the folders of the task; None: where the task says.
    """

    task: bytes
    folder: Path | None


class _Run:
    """The tasks of one call of the engine."""

    def __init__(self, take: Take, jobs: int | None, run_id: str, used: set[str]) -> None:
        self._ray = ray = _ray()
        self._take, self._jobs = take, jobs
        self._id, self._used = run_id, used
        self._tasks: dict[Any, Task] = {}  # by the stream of their events
        self._begun: dict[str, float] = {}
        self._shipments: dict[int, _Shipment] = {}  # by the identity of the supplies
        self._warned: set[str] = set()
        self._remote = ray.remote(max_retries=0, num_returns="streaming")(_events_on_node)

    def events(self) -> Iterator[Event]:
        """Yield what the tasks yield until there is none left."""
        while True:
            self._submit()
            if not self._tasks:
                return
            ready, _ = self._ray.wait(list(self._tasks), timeout=WAIT_SECONDS)
            for stream in ready:
                yield from self._next(stream)

    def end(self) -> None:
        """End the tasks that still run."""
        for stream in self._tasks:
            with suppress(Exception):  # the node may be gone
                self._ray.cancel(stream, force=False)

    def _submit(self) -> None:
        """Hand tasks to Ray, as many as it has room for."""
        nodes = _nodes()
        limit = self._jobs or 1
        while len(self._tasks) < limit and (task := self._take()) is not None:
            self._start(task)
            if self._jobs is None:
                limit = sum(node.slots(task.needs) for node in nodes) + AHEAD

    def _start(self, task: Task) -> None:
        needs = task.needs
        remote = self._remote.options(
            num_cpus=needs.cpus,
            num_gpus=needs.gpus,
            memory=int(needs.memory_gib * GIB),
            name=task.key,
        )
        shipment = self._shipment(task.supplies) if task.supplies else None
        stream = remote.remote(
            task.key, pickle.dumps(task), dict(task.variables), shipment, self._id
        )
        self._tasks[stream] = task

    def _shipment(self, supplies: Supplies) -> _Shipment:
        key = id(supplies)
        if key not in self._shipments:
            prints = {place: fingerprint(path) for place, path in supplies.folders.items()}
            self._shipments[key] = _Shipment(supplies.folders, prints)
        return self._shipments[key]

    def _next(self, stream: Any) -> Iterator[Event]:
        """Yield the next event of a task, if it is one for the driver."""
        task = self._tasks[stream]
        try:
            event = self._ray.get(next(stream))
        except (StopIteration, self._ray.exceptions.RayError) as error:
            del self._tasks[stream]
            if task.key not in self._begun:
                yield Started(task.key)
            yield Failed(task.key, _cause(error), "", self._seconds(task), died=True)
            return
        match event:
            case _Used():
                self._used.add(event.node)
            case _Lacking():
                del self._tasks[stream]
                self._pack(task)
                self._start(task)
            case Told():
                if event.text not in self._warned:
                    self._warned.add(event.text)
                    yield event
            case Started():
                self._begun[task.key] = time.monotonic()
                yield event
            case Finished():
                del self._tasks[stream]
                yield replace(event, value=pickle.loads(event.value))
            case Failed():
                del self._tasks[stream]
                yield event
            case _:
                yield event

    def _seconds(self, task: Task) -> float:
        begun = self._begun.get(task.key)
        return 0.0 if begun is None else time.monotonic() - begun

    def _pack(self, task: Task) -> None:
        """Put the folders of a task into the object store, unless they are there."""
        assert task.supplies is not None
        shipment = self._shipment(task.supplies)
        if shipment.chunks is None:
            chunks = {
                place: [self._ray.put(chunk) for chunk in packed(folder, CHUNK_BYTES)]
                for place, folder in shipment.folders.items()
            }
            self._shipments[id(task.supplies)] = replace(shipment, chunks=chunks)


def _cause(error: Exception) -> str:
    """Say in one line why a task has ended without a result."""
    name = type(error).__name__
    if name in ("NodeDiedError", "ObjectLostError", "OwnerDiedError", "RaySystemError"):
        return f"the node that ran it died ({name})"
    if name == "OutOfMemoryError":
        return "its node ran out of memory; ask for more in [needs] of the profile"
    if isinstance(error, StopIteration) or name == "WorkerCrashedError":
        return "its worker, or the node of this, died"
    cause = getattr(error, "cause", None) or error  # what was raised on the node
    if "No module named 'crossres" in str(cause):
        return f"a node lacks this crossres; on all of them: pip install crossres=={own_version()}"
    first = next(iter(str(cause).splitlines()), "")
    return f"Ray gave it up ({type(cause).__name__}: {printable(first)})"


# --- on the nodes ---------------------------------------------------------------------------------


def _events_on_node(
    key: str, task: bytes, variables: dict[str, str], shipment: _Shipment | None, run_id: str
) -> Iterator[Event | _Used | _Lacking]:
    """Run a pickled task in a process of this node, which reads its folders where they are here."""
    own = _held_folder(run_id)
    yield _Used(_node_id())
    folder: Path | None = None
    if shipment is not None:
        same = all(
            _fingerprint(path) == shipment.fingerprints[place]
            for place, path in shipment.folders.items()
        )
        node = _node_name()
        if same:
            yield Told(key, f"node {node} reads the data under the same paths")
        elif shipment.chunks is None:
            yield _Lacking()
            return
        else:
            folder = own
            size = sum(
                _received(place, chunks, folder) for place, chunks in shipment.chunks.items()
            )
            if size:
                text = f"node {node} got {size / 2**20:.1f} MiB of data through the object store"
                yield Told(key, text)
    if OF_DEVICES in os.environ:
        variables = variables | {OF_DEVICES: os.environ[OF_DEVICES]}
    here = Task(key, _call, _Packed(task, folder), variables)
    with closing(local(each_of([here]), 1)) as events:
        yield from _thinned(events)


def _thinned(events: Iterator[Event]) -> Iterator[Event]:
    """Drop progress that follows within a second of other progress in the same phase."""
    phase, reported_at = "", 0.0
    for event in events:
        if isinstance(event, Progressed):
            now = time.monotonic()
            if event.phase == phase and now - reported_at < REPORT_EVERY_SECONDS:
                continue
            phase, reported_at = event.phase, now
        yield event


def _call(packed_task: _Packed, report: Any) -> bytes:
    """Run the task in the worker process; its value goes through the node as bytes."""
    task: Task = pickle.loads(packed_task.task)
    argument = task.argument
    if packed_task.folder is not None and task.supplies is not None:
        argument = task.supplies.moved(argument, packed_task.folder)
    return pickle.dumps(task.function(argument, report))


@cache
def _fingerprint(folder: Path) -> str:
    return fingerprint(folder)


def _received(place: str, chunks: Sequence[Any], folder: Path) -> int:
    """Write the files of a place unless they are there; return the bytes that were written."""
    ray = _ray()
    target, size = folder / place, 0
    with locked(target, _wait):
        if not target.exists():
            with replace_folder(target) as temporary:
                for chunk in chunks:
                    files = ray.get(chunk)
                    unpack(files, temporary)
                    size += sum(len(file.content) for file in files)
    return size


def _wait() -> None:
    """Do nothing while another task of the node receives the same."""


@cache
def _held_folder(run_id: str) -> Path:
    """Make the folder of a run on this node; hold it, and work in it, until this process ends.

    Ray ends its workers without a chance to tidy up. Folders that nobody holds are removed here:
    their drivers, or their nodes, were killed.
    """
    folder = _node_folder(run_id)
    for path in sorted(folder.parent.glob("crossres-*")):
        if path != folder and _NODE_FOLDER.fullmatch(path.name):
            remove_unless_held(path)

    def made() -> Path:
        folder.mkdir(exist_ok=True)
        return folder

    hold_for_life(made)
    tempfile.tempdir = str(folder)
    return folder


@cache
def _node_folder(run_id: str) -> Path:
    """Return the folder of a run on this node, which may share its disk with other nodes.

    Sockets are in it, whose names may not be long.
    """
    return Path(_temporary()) / f"crossres-{run_id}-{_node_id()[:NODE_DIGITS]}"


@cache
def _temporary() -> str:
    return tempfile.gettempdir()


def _node_id() -> str:
    node: str = _ray().get_runtime_context().get_node_id()
    return node


def _node_name() -> str:
    ray = _ray()
    address: str = ray.util.get_node_ip_address()
    return f"{address} ({_node_id()[:NODE_DIGITS]})"


def _remove_folder(run_id: str) -> None:
    shutil.rmtree(_node_folder(run_id), ignore_errors=True)
