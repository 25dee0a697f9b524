"""Several runs into one folder at once: they share the cells, and none of them does harm."""

import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from crossres.benchmark import RunRequest, Summary, read_records, run_table
from crossres.benchmark.records.failures import FailedCell, failure_log, write_failure
from crossres.benchmark.records.leases import Leases
from crossres.benchmark.runs import driver
from crossres.benchmark.runs.engine import Event, Failed, Finished, Started, Take
from crossres.benchmark.runs.local_engine import local
from tests.benchmark.runs.bench import Bench


@pytest.fixture(autouse=True)
def asked_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "ASK_AGAIN_SECONDS", 0.05)


def test_two_runs_share_the_cells(bench: Bench) -> None:
    summaries: list[Summary] = []

    def run() -> None:
        request = RunRequest(bench.table, bench.out, **(bench.arguments | {"jobs": 1}))
        summaries.append(run_table(request, stream=io.StringIO()))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(summary.complete for summary in summaries)
    run_now = [key for summary in summaries for key in summary.finished]
    assert len(run_now) == len(set(run_now)) == 4
    assert len(read_records(bench.out)) == 4
    assert not (bench.out / "running").exists()


def test_a_run_waits_for_the_cells_of_another(bench: Bench) -> None:
    plan = bench.plan()
    theirs = plan.cells[0].job.key
    other = bench.out.with_name("other")
    bench.run(other)
    with Leases(bench.out) as leases:
        leases.take(theirs, "theirs", 1.0)

        calls = []

        def ends(take: Take, jobs: int | None) -> Iterator[Event]:
            calls.append(jobs)
            if len(calls) == 3:  # until then the other run is at work on its cell
                for folder in ("artifacts", "records"):
                    name = next((other / folder).glob(f"{theirs}.*"))
                    (bench.out / folder / name.name).write_bytes(name.read_bytes())
                leases.give_back(theirs)
            yield from local(take, jobs)

        summary = bench.run(engine=ends)
    assert summary.complete
    assert summary.shared == (theirs,)
    assert len(summary.finished) == 3
    assert any("waiting for 1 cell that another run (process" in line for line in bench.lines)
    assert any(line.endswith("done by another run") for line in bench.lines)
    assert "3 run now in" in bench.lines[-1]
    assert bench.lines[-1].endswith(", 1 by another run")


def test_a_cell_that_failed_in_another_run_is_not_tried_again(bench: Bench) -> None:
    theirs = bench.plan().cells[0]
    key = theirs.job.key

    def fails(take: Take, jobs: int | None) -> Iterator[Event]:
        log = failure_log(bench.out, key)
        if not log.exists():  # between the plan and the first cell
            write_failure(log, FailedCell(key, theirs.title, "KeyError: luck"), "printed")
        yield from local(take, jobs)

    summary = bench.run(engine=fails)
    assert not summary.complete
    (failure,) = summary.failures
    assert failure.reason == "KeyError: luck"
    assert any("failed in another run: KeyError: luck" in line for line in bench.lines)
    assert bench.run().complete  # the next run does try it


def test_a_cell_left_by_a_killed_run_is_taken(bench: Bench) -> None:
    folder = bench.out / "running"
    folder.mkdir(parents=True)
    for cell in bench.plan().cells:
        (folder / f"{cell.job.key}.lock").touch()
        (folder / f"{cell.job.key}.json").write_text('{"title": "left"}')
    assert bench.run().complete
    assert not folder.exists()


def test_a_task_whose_worker_died_is_run_once_more(bench: Bench) -> None:
    started: list[str] = []

    def deadly(take: Take, jobs: int | None) -> Iterator[Event]:
        """Kill the worker of the first task, once."""
        for event in local(take, jobs):
            if isinstance(event, Started):
                started.append(event.key)
            if isinstance(event, Finished) and started.count(event.key) == 1 == len(started):
                yield Failed(event.key, "the node died", "", 1.0, died=True)
            else:
                yield event

    summary = bench.run(engine=deadly, jobs=1)
    assert summary.complete
    assert len(started) == 5
    assert started[-1] == started[0]
    assert sum(line.endswith("the node died; it is run once more") for line in bench.lines) == 1


def test_a_worker_that_dies_twice_is_a_failed_cell(bench: Bench) -> None:
    bench.edit("bins = 3", 'mood = "dies"')
    summary = bench.run(seeds=[0])
    (failure,) = summary.failures
    assert failure.reason.startswith("the worker was killed by SIGKILL")
    assert Path(failure.log).exists()
    assert not (bench.out / "running").exists()
