"""Plans: which cells there are, what they cost, in which order they start, how they are shown."""

from dataclasses import replace
from pathlib import Path

import pytest

from crossres.benchmark import (
    Row,
    RunRequest,
    load_profile,
    load_table,
    plan_table,
    read_records,
)
from crossres.benchmark.records.cell import Cell, Job
from crossres.benchmark.runs.plan import Plan, PlannedCell, State, Wanted, default_jobs, loads_of
from crossres.datasets.base.cores import usable_cores
from crossres.datasets.base.errors import InputError
from crossres.datasets.raw.source import Source
from crossres.methods.shared.classic.libraries import LOADS
from tests.benchmark.runs.bench import Bench

CELL = Cell("plain", {}, "mlr-viper", "mlr-sing", "real", 0, "smoke")


def planned(seconds: float, state: State = "new", cell: Cell = CELL) -> PlannedCell:
    profile = load_profile("smoke")
    job = Job("0" * 20, cell, ("A row",), profile, Source(), Path("cache"), "0" * 64)
    return PlannedCell(job, state, seconds)


@pytest.mark.parametrize(
    ("seconds", "jobs", "expected"),
    [
        ([], 4, 0),
        ([30, 20, 10], 1, 60),
        ([30, 20, 10], 2, 30),  # 30 beside 20 and 10
        ([10, 20, 30], 2, 40),  # 30 begins when 10 has ended
        ([50, 30, 20], 2, 50),
        ([90, 20, 10], 3, 90),  # never less than the longest cell
    ],
)
def test_the_time_is_that_of_the_cells_to_run_on_all_workers(
    seconds: list[float], jobs: int, expected: float
) -> None:
    cells = [planned(value) for value in seconds]
    finished = planned(1000, "done")
    wanted = Wanted(Path("out"), {}, {}, "portable", save_weights=False)
    plan = Plan(load_table("table2"), jobs, (finished, *cells), wanted)
    assert plan.todo == tuple(cells)
    assert plan.seconds == expected


def test_a_title_names_a_protocol_that_is_not_the_default() -> None:
    assert planned(1).title == "A row · mlr-viper · seed 0"
    perid = planned(1, cell=replace(CELL, protocol="mlr-perid", seed=3))
    assert perid.title == "A row · mlr-viper · mlr-perid · seed 3"


def test_one_cell_at_a_time_needs_the_gpu() -> None:
    smoke = load_profile("smoke")
    assert default_jobs(replace(smoke, device="cuda")) == 1
    assert default_jobs(replace(smoke, device="cpu")) == usable_cores()


def test_rows_that_mean_the_same_are_run_once(bench: Bench) -> None:
    bench.edit("options = { bins = 3 }", "options = { bins = 2 }")
    plan = bench.plan()
    assert [cell.title for cell in plan.cells] == [
        f"Two stripes = Three stripes · mlr-pku · seed {seed}" for seed in (0, 1)
    ]


def test_the_plan_starts_the_longest_cells_of_each_seed_first(bench: Bench) -> None:
    profile = bench.arguments["profile"]
    listed = "colour = [{ bins = 3, seconds = 90 }, { seconds = 10 }]"
    profile.write_text(profile.read_text().replace("colour = 0.5", listed))
    plan = bench.plan()
    order = [(cell.job.cell.seed, cell.job.cell.options["bins"]) for cell in plan.cells]
    assert order == [(0, 3), (0, 2), (1, 3), (1, 2)]
    assert plan.seconds == 100
    assert plan.lines()[0] == "new                 1:30  Three stripes · mlr-pku · seed 0"
    assert plan.lines()[-1] == "4 cells, 4 to run, about 1:40 with 2 workers"
    assert not (bench.out).exists()


def test_the_plan_learns_from_records(bench: Bench) -> None:
    bench.run(seeds=[0], rows=["1"])
    (record,) = read_records(bench.out)
    seconds = {(cell.job.cell.seed, cell.job.labels): cell.seconds for cell in bench.plan().cells}
    assert seconds[1, ("Two stripes",)] == record.seconds["total"]
    assert seconds[1, ("Three stripes",)] == 0.5


def test_a_row_with_a_protocol_of_its_own_is_planned_under_that_alone(bench: Bench) -> None:
    table = load_table(bench.table)
    rows = (
        replace(table.rows[0], protocol="mlr-sing[balanced=true]"),
        replace(table.rows[1], protocol="mlr-perid"),
        Row("Again", "colour", protocol="mlr-sing[balanced=true]"),
    )
    table = replace(table, rows=rows, seeds=(0,))
    plan = plan_table(RunRequest(table, bench.out, **bench.arguments))
    assert {(cell.job.labels, cell.job.cell.protocol) for cell in plan.cells} == {
        (("Two stripes", "Again"), "mlr-sing[balanced=true]"),
        (("Three stripes",), "mlr-perid"),
    }
    with pytest.raises(InputError, match="the rows of mine have protocols of their own"):
        plan_table(RunRequest(table, bench.out, protocol="mlr-sing", **bench.arguments))


def test_a_cell_whose_weights_are_wanted_and_not_there_is_to_be_run(bench: Bench) -> None:
    bench.run(seeds=[0], rows=["1"])
    bench.run(seeds=[0], rows=["2"], save_weights=True)

    def states(*, save_weights: bool) -> list[State]:
        cells = bench.plan(seeds=[0], save_weights=save_weights).cells
        return [cell.state for cell in sorted(cells, key=lambda cell: cell.job.labels)]

    assert states(save_weights=False) == ["done", "done"]
    assert states(save_weights=True) == ["done", "no weights"]  # of three and of two stripes


def test_workers_load_what_few_methods_use_only_for_those() -> None:
    assert loads_of(["plain", "msifla"]) == ()
    assert loads_of(["plain", "judea", "sdf"]) == tuple(sorted(LOADS))
