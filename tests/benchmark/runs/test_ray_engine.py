"""The Ray engine on a real cluster of three nodes: the same bits, deaths, data, what is refused."""

import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import ray
from ray.cluster_utils import Cluster

from crossres.benchmark import RayCluster, ray_cluster, read_records
from crossres.benchmark.runs import ray_engine
from crossres.benchmark.runs.capacity import Node
from crossres.benchmark.runs.engine import (
    Event,
    Failed,
    Finished,
    Progressed,
    Started,
    Take,
    Task,
    each_of,
)
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import hold_for_life, remove_unless_held
from crossres.methods.interface.needs import Needs
from tests.benchmark.runs.bench import FOLDERS, Bench
from tests.benchmark.runs.written_module import written_module
from tests.datasets.own_crops import definition, station
from tests.methods.file_method import know_no_method_files, write_method

NODE_FOLDERS = f"crossres-{'?' * 8}-{'?' * 6}"
CALLS = """
import os
import signal
import time
from pathlib import Path

from crossres.datasets.base.errors import InputError


def square(x, report):
    report("squaring", 1, 1)
    return x * x


def raises(x, report):
    print("printed before")
    raise KeyError("the reason")


def unusable(x, report):
    raise InputError("a.jpg: truncated; copy it again")


def killed(x, report):
    os.kill(os.getpid(), signal.SIGKILL)


def kills_its_ray_worker(x, report):
    server = os.getppid()
    with open(f"/proc/{server}/stat") as file:
        ray_worker = int(file.read().rpartition(")")[2].split()[1])
    os.kill(ray_worker, signal.SIGKILL)
    time.sleep(30)


def environment(names, report):
    return [os.environ.get(name) for name in names]


def sleeps(folder, report):
    Path(folder, str(os.getpid())).touch()
    for step in range(600):
        report("sleeping", step, 600)
        time.sleep(0.1)
"""


@pytest.fixture(scope="module")
def node_temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nodes")


@pytest.fixture(scope="module")
def cluster(node_temporary: Path) -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_TMPDIR", tempfile.gettempdir())  # where the names of its sockets fit
        patch.setenv("TMPDIR", str(node_temporary))
        started = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        started.add_node(num_cpus=1)
        started.add_node(num_cpus=1)
    yield started
    started.shutdown()


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    with written_module(tmp_path, "ray_calls", CALLS, monkeypatch) as module:
        yield module


@pytest.fixture
def engine(cluster: Cluster, calls: ModuleType) -> Iterator[RayCluster]:
    assert calls
    with ray_cluster(cluster.address) as connected:
        yield connected


def outcomes(events: list[Event]) -> dict[str, Finished | Failed]:
    return {event.key: event for event in events if isinstance(event, Finished | Failed)}


def test_tasks_end_as_on_one_machine(engine: RayCluster, calls: ModuleType) -> None:
    tasks = [
        Task("value", calls.square, 7),
        Task("raises", calls.raises, None),
        Task("unusable", calls.unusable, None),
        Task("killed", calls.killed, None),
        Task("environment", calls.environment, ["A_VARIABLE"], {"A_VARIABLE": "set"}),
    ]
    events = list(engine(each_of(tasks), 2))
    ended = outcomes(events)
    assert isinstance(ended["value"], Finished)
    assert ended["value"].value == 49
    assert ended["environment"] == Finished("environment", ["set"], ended["environment"].seconds)
    for key, reason, unusable, died in (
        ("raises", "KeyError: 'the reason'", False, False),
        ("unusable", "a.jpg: truncated; copy it again", True, False),
        ("killed", "the worker was killed by SIGKILL", False, True),
    ):
        failed = ended[key]
        assert isinstance(failed, Failed)
        assert failed.reason.startswith(reason)
        assert (failed.unusable_input, failed.died) == (unusable, died)
    assert isinstance(ended["raises"], Failed)
    assert "printed before" in ended["raises"].log
    assert Progressed("value", "squaring", 1, 1) in events


def test_a_task_whose_ray_worker_dies_is_one_that_died(
    engine: RayCluster, calls: ModuleType
) -> None:
    (failed,) = outcomes(
        list(engine(each_of([Task("a", calls.kills_its_ray_worker, None)]), None))
    ).values()
    assert isinstance(failed, Failed)
    assert failed.died
    assert failed.reason == "its worker, or the node of this, died"


def test_the_nodes_are_those_of_the_cluster(engine: RayCluster) -> None:
    assert [node.cpus for node in engine.nodes] == [1.0, 1.0, 1.0]
    assert {node.gpus for node in engine.nodes} == {0.0}


def test_a_share_of_a_gpu_lets_several_cells_use_it(
    cluster: Cluster, engine: RayCluster, calls: ModuleType
) -> None:
    node = cluster.add_node(num_cpus=2, num_gpus=1)  # Ray believes it, and that is all it needs
    try:
        tasks = [
            Task(str(n), calls.environment, ["CUDA_VISIBLE_DEVICES"], needs=Needs(gpus=0.5))
            for n in range(2)
        ]
        ended = outcomes(list(engine(each_of(tasks), None)))
        assert [event.value for event in ended.values() if isinstance(event, Finished)] == [
            ["0"],
            ["0"],
        ]
    finally:
        cluster.remove_node(node)


def test_closing_ends_the_tasks(engine: RayCluster, calls: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "pids"
    folder.mkdir()
    tasks = [Task(str(n), calls.sleeps, str(folder)) for n in range(2)]
    with closing(engine(each_of(tasks), 2)) as events:
        for event in events:
            if isinstance(event, Progressed) and len(list(folder.iterdir())) == 2:
                break
    pids = [int(path.name) for path in folder.iterdir()]
    end = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < end, "a worker outlives its run"
        time.sleep(0.1)


def results(folder: Path) -> dict[str, Any]:
    return {r.key: (r.cell, r.digests, r.metrics, r.cmc) for r in read_records(folder)}


def test_a_grid_has_the_same_bits_on_either_engine(
    bench: Bench, engine: RayCluster, tmp_path: Path
) -> None:
    local = bench.run(jobs=1)
    other = tmp_path / "ray"
    summary = bench.run(other, engine=engine, nodes=engine.nodes, jobs=None)
    assert summary.complete
    assert results(other) == results(bench.out)
    assert len(results(other)) == len(local.plan.cells)
    told = [line for line in bench.lines if line.startswith("node ")]
    assert told
    assert all(line.endswith("reads the data under the same paths") for line in told)
    assert any("with 3 nodes with 3 cores" in line for line in bench.lines)
    assert sorted(path.name for path in other.iterdir()) == FOLDERS


def test_a_method_in_a_file_goes_to_nodes_that_do_not_have_it(
    bench: Bench, engine: RayCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know_no_method_files(monkeypatch)
    file = write_method(tmp_path / "own")
    bench.edit('method = "colour"', 'method = "own/colours.py:Colours"')
    assert bench.run(rows="1", jobs=1).complete

    def without_the_file(take: Take, jobs: int | None) -> Generator[Event, None, None]:
        file.unlink()
        return engine(take, jobs)

    other = tmp_path / "ray"
    summary = bench.run(other, rows="1", engine=without_the_file, nodes=engine.nodes, jobs=None)
    assert summary.complete
    assert results(other) == results(bench.out)
    assert len(results(other)) == 2


def test_nodes_without_the_data_get_it_once(
    bench: Bench,
    cluster: Cluster,
    tmp_path: Path,
    node_temporary: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench.run(jobs=1)
    other = tmp_path / "ray"
    # As on nodes that see other folders than this process does.
    monkeypatch.setattr(ray_engine, "fingerprint", lambda folder: f"another {folder}")
    with ray_cluster(cluster.address) as engine:
        assert bench.run(other, engine=engine, nodes=engine.nodes).complete
        assert list(node_temporary.glob(NODE_FOLDERS))
    assert results(other) == results(bench.out)
    told = [line for line in bench.lines if line.startswith("node ")]
    assert told
    assert all(line.endswith("MiB of data through the object store") for line in told)
    assert len(told) <= 2 * 3  # two pixel stores, three nodes
    assert list(node_temporary.glob(NODE_FOLDERS)) == []


def test_a_transfer_takes_both_of_its_sets_to_a_node(
    bench: Bench, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    station(tmp_path / "crops")
    definition(tmp_path / "station.toml")
    bench.edit('["mlr-pku"]', '["station.toml:mlr-pku", "mlr-pku"]')
    bench.run(jobs=1, seeds=[0], rows="1")
    other = tmp_path / "ray"
    monkeypatch.setattr(ray_engine, "fingerprint", lambda folder: f"another {folder}")
    with ray_cluster(cluster.address) as engine:
        summary = bench.run(other, engine=engine, nodes=engine.nodes, seeds=[0], rows="1")
    assert summary.complete
    assert results(other) == results(bench.out)
    assert {cell.dataset for cell, *_ in results(other).values()} == {"station:mlr-pku", "mlr-pku"}


def test_what_killed_runs_left_on_a_node_goes_with_the_next_and_no_more(
    bench: Bench, cluster: Cluster, node_temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_engine, "fingerprint", lambda folder: f"another {folder}")
    left = [node_temporary / f"crossres-{'0' * 8}-{name * 6}" for name in ("a", "b")]
    for folder in left:
        folder.mkdir()
        (folder / "data").touch()
    hold_for_life(lambda: left[1])
    used: list[Path] = []

    def watching(take: Take, jobs: int | None) -> Iterator[Event]:
        for event in engine(take, jobs):
            if isinstance(event, Started):
                for data in node_temporary.glob(f"{NODE_FOLDERS}/cache"):
                    remove_unless_held(data.parent)  # as the workers of another run do
                    used.append(data.parent)
                assert all(folder.is_dir() for folder in used)
            yield event

    try:
        with ray_cluster(cluster.address) as engine:
            assert bench.run(engine=watching, nodes=engine.nodes).complete
        assert used
        assert list(node_temporary.iterdir()) == [left[1]]
    finally:
        shutil.rmtree(left[1])


def test_a_cell_that_kills_its_worker_twice_is_one_failed_cell(
    bench: Bench, engine: RayCluster
) -> None:
    bench.edit("bins = 3", 'mood = "dies"')
    summary = bench.run(engine=engine, nodes=engine.nodes, seeds=[0])
    (failure,) = summary.failures
    assert "killed by SIGKILL" in failure.reason
    assert len(summary.finished) == 1
    assert sum("it is run once more" in line for line in bench.lines) == 1


def test_a_node_may_die_and_another_may_come(
    cluster: Cluster, bench: Bench, calls: ModuleType, tmp_path: Path
) -> None:
    assert calls
    bench.run(jobs=1)
    other = tmp_path / "ray"
    with ray_cluster(cluster.address) as engine:
        doomed = next(iter(cluster.worker_nodes))
        seen: list[Event] = []

        def killing(take: Any, jobs: int | None) -> Iterator[Event]:
            for event in engine(take, jobs):
                seen.append(event)
                if len(seen) == 4:
                    cluster.remove_node(doomed, allow_graceful=False)
                    cluster.add_node(num_cpus=1)
                yield event

        summary = bench.run(other, engine=killing, nodes=engine.nodes)
        assert summary.complete
        assert results(other) == results(bench.out)
        end = time.monotonic() + 30
        while sum(node.cpus for node in engine.nodes) != 3.0:
            assert time.monotonic() < end, "the dead node is still counted"
            time.sleep(0.1)


def test_cells_that_no_node_has_room_for_are_refused(bench: Bench, engine: RayCluster) -> None:
    assert engine
    profile = bench.arguments["profile"]
    profile.write_text(profile.read_text() + "\n[needs]\ngpus = 0.5\n")
    with pytest.raises(InputError, match=r"no node .* takes 1 CPU, 0.5 GPU and 1 GiB of memory"):
        bench.plan(nodes=[Node(8, 0, 64)])
    assert bench.plan(nodes=[Node(8, 1, 64)]).seconds < float("inf")


def test_an_address_where_nobody_listens_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    start = time.monotonic()
    with (
        pytest.raises(InputError, match="no Ray cluster can be reached there"),
        ray_cluster(address),
    ):
        pass
    assert time.monotonic() - start < 15


def test_without_ray_there_is_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r'pip install "crossres\[ray\]"'), ray_cluster():
        pass


def test_sigterm_still_does_what_it_did(cluster: Cluster) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with ray_cluster(cluster.address):
        assert signal.getsignal(signal.SIGTERM) == before
    assert ray.is_initialized() is False


def test_needs_are_those_of_the_profile_and_the_method(bench: Bench) -> None:
    profile = bench.arguments["profile"]
    profile.write_text(
        profile.read_text() + "\n[needs]\nmemory_gib = 3.0\n\n[needs.plain]\ngpus = 1.0\n"
    )
    cells = bench.plan().cells
    assert {cell.needs for cell in cells} == {Needs(memory_gib=3.0)}
