"""Planning and reading stay in proportion to the number of cells.

What is counted is calls, which no busy machine changes: of a table of four times the seeds there
may be four times as many, and a little more.
"""

import cProfile
import io
import pstats
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark import Record, RunRequest, plan_table
from crossres.benchmark.config.profiles import load_profile, profile_content
from crossres.benchmark.records.cell import Cell, key_of
from crossres.benchmark.records.record import scan_records, write_record
from crossres.benchmark.runs import plan
from crossres.benchmark.runs.data import Survey, SurveyRequest
from crossres.benchmark.runs.progress import Clock
from crossres.datasets import CARDS
from crossres.methods.interface.registry import resolve_options
from crossres.reports.grid.build import build_grids
from tests.benchmark.records.test_record import DIGEST, make_record
from tools.performance.large_folder import METHODS, table_text

DATASET, ROWS, SEEDS = "mlr-viper", 10, (50, 200)  # 500 and 2,000 cells
SOURCE = "twin:tiny:2"


def calls(function: Callable[[], Any]) -> int:
    """The number of calls that a function makes, those of C functions included."""
    profile = cProfile.Profile()
    profile.runcall(function)
    return int(pstats.Stats(profile, stream=io.StringIO()).total_calls)  # type: ignore[attr-defined]


def survey(request: SurveyRequest, *_: object, **__: object) -> Survey:
    protocol = CARDS[request.dataset].protocol
    return Survey(request.dataset, SOURCE, protocol, dict.fromkeys(request.seeds, DIGEST))


def fill(folder: Path, seeds: int) -> RunRequest:
    """Write a table and a record of each of its cells."""
    table = folder / "large.toml"
    table.write_text(table_text(ROWS, seeds, [DATASET]))
    request = RunRequest(table, folder, profile="smoke", cache=folder / "cache", jobs=1)
    profile, usual = load_profile("smoke"), make_record()
    for row in request.chosen_rows():
        options = resolve_options(row.method, profile, dict(row.options))
        content = profile_content(profile, row.method)
        for seed in range(seeds):
            cell = Cell(
                row.method, options, DATASET, CARDS[DATASET].protocol, SOURCE, seed, "smoke"
            )
            key = key_of(cell, content, DIGEST)
            write_record(folder, replace(usual, key=key, cell=cell, profile=content))
    return request


@pytest.fixture(scope="module")
def requests(tmp_path_factory: pytest.TempPathFactory) -> list[RunRequest]:
    """Two results folders, the second with four times the cells."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crossres.datasets.base.files.os.fsync", lambda _: None)
        return [fill(tmp_path_factory.mktemp(f"of-{seeds}"), seeds) for seeds in SEEDS]


def ratio(requests: list[RunRequest], function: Callable[[RunRequest], Any]) -> float:
    """Calls with 2,000 cells over those with 500; the first run, uncounted, fills the caches."""
    for request in requests:
        function(request)
    few, many = (calls(lambda request=request: function(request)) for request in requests)
    return many / few


@pytest.mark.parametrize("done", [False, True], ids=["nothing done", "all done"])
def test_planning(
    requests: list[RunRequest], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, done: bool
) -> None:
    monkeypatch.setattr(plan, "survey", survey)
    monkeypatch.setattr(plan, "_is_read_at_once", lambda _: True)

    def planned(request: RunRequest) -> plan.Plan:
        out = request.out if done else tmp_path / "nothing"
        return plan_table(replace(request, out=out), stream=io.StringIO())

    keys = {cell.job.key for cell in planned(requests[0]).cells}
    assert len(keys) == ROWS * SEEDS[0]
    assert (keys == {*scan_records(Path(requests[0].out)).records}) or not done
    assert ratio(requests, planned) < 5


def test_reading(requests: list[RunRequest]) -> None:
    assert len(scan_records(Path(requests[1].out)).records) == ROWS * SEEDS[1]
    assert ratio(requests, lambda request: scan_records(Path(request.out))) < 4.5


def test_sorting_into_a_grid(requests: list[RunRequest]) -> None:
    tables = [request.whole_table() for request in requests]
    records: dict[int, list[Record]] = {
        id(request): list(scan_records(Path(request.out)).records.values()) for request in requests
    }
    by_request = dict(zip(map(id, requests), tables, strict=True))

    def grids(request: RunRequest) -> Any:
        return build_grids(records[id(request)], by_request[id(request)])

    assert len(grids(requests[1])[0].records) == ROWS * SEEDS[1]
    assert ratio(requests, grids) < 5


def test_the_time_left_of_one_event() -> None:
    def left(cells: int) -> int:
        keys = [*map(str, range(cells))]
        clock = Clock(dict.fromkeys(keys, 1.0), {key: int(key) % 7 for key in keys}, jobs=2)
        for key in keys[: cells // 2]:
            clock.start(key)
            clock.end(key)
        return calls(clock.left)

    assert left(2000) / left(500) < 4.5


def test_the_methods_of_the_large_table_are_really_varied() -> None:
    assert len({*METHODS}) == 4
    assert table_text(40, 2).count("[[rows]]") == 40
