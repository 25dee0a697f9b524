"""First losses: a changed start of training is found where no metric says so."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from crossres.benchmark import Record
from crossres.benchmark.gate.check import check
from crossres.benchmark.gate.limits import Limits
from tests.benchmark.gate.cases import TABLE, begun, kinds


def test_training_that_begins_alike_raises_alarms_as_seldom_as_stated(grid: list[Record]) -> None:
    rng, limits = np.random.default_rng(21), Limits(metrics=("mINP",), false_alarms=0.5)
    alarms = []
    for _ in range(120):
        first, now, *more_runs = (begun(grid, rng, 0.1) for _ in range(4))
        outcome = check(first, now, [TABLE], limits, more_runs)
        assert len(outcome.beginnings) == 6
        alarms.append("training" in kinds(outcome))
    assert 0 < sum(alarms) <= stats.binom.ppf(0.999, 120, 0.05)  # a tenth of the rate


@pytest.mark.parametrize("factor", [0.97, 1.03])
def test_training_that_begins_otherwise_is_found_though_no_metric_says_so(
    grid: list[Record], factor: float
) -> None:
    rng = np.random.default_rng(22)
    first, *more_runs = (begun(grid, rng) for _ in range(3))
    now = begun(grid, rng, row="pcb", triplet=factor)
    outcome = check(first, now, [TABLE], more_runs=more_runs)
    assert [(f.kind, f.row) for f in outcome.findings] == [("training", "PCB")]
    assert outcome.findings[0].text.startswith("PCB: the loss triplet begins at 1 → ")
    assert "(3.0 % off)" in outcome.findings[0].text
    assert check(first, now, [TABLE], Limits(training=False), more_runs).passed
    assert check(first, now, [TABLE]).passed  # one run alone does not tell how much runs scatter


def test_gaps_that_cancel_each_other_are_found(grid: list[Record]) -> None:
    rng = np.random.default_rng(25)
    first, now, *more_runs = (begun(grid, rng) for _ in range(4))
    for record in now:
        sign = 1 if record.cell.seed in (0, 3) else -1  # 1 + 4 = 2 + 3: the same mean
        record.first_losses["triplet"] *= 1 + sign * 0.03  # type: ignore[index]
    outcome = check(first, now, [TABLE], more_runs=more_runs)
    assert [f.kind for f in outcome.findings] == ["training"] * 3


def test_a_slight_change_of_the_first_losses_is_no_alarm(grid: list[Record]) -> None:
    rng = np.random.default_rng(23)
    first, *more_runs = (begun(grid, rng, 0.0) for _ in range(3))
    assert check(
        first, begun(grid, rng, 0.0, "pcb", triplet=1.0027), [TABLE], more_runs=more_runs
    ).passed
    outcome = check(
        first, begun(grid, rng, 0.0, "pcb", triplet=1.0033), [TABLE], more_runs=more_runs
    )
    assert kinds(outcome) == ["training"]
    unchanged = check(first, begun(grid, rng, 0.0), [TABLE], more_runs=more_runs)
    assert {loss.p for loss in unchanged.beginnings} == {None}


def test_first_losses_are_held_only_where_they_should_be_the_same(grid: list[Record]) -> None:
    rng = np.random.default_rng(24)
    first, *more_runs = (begun(grid, rng) for _ in range(3))
    drawn = begun(grid, rng, row="pcb", draws="e", triplet=2.0)
    outcome = check(first, drawn, [TABLE], more_runs=more_runs)
    assert outcome.passed
    assert outcome.beginnings == ()
    assert outcome.notes[-1].startswith("24 of 24 cells were trained on other draws")
    moved = begun(grid, rng, row="pcb", triplet=2.0)
    gpu = [replace(r, environment={**r.environment, "device": "A GPU"}) for r in moved]
    assert check(first, gpu, [TABLE], more_runs=more_runs).passed
    for record in moved:
        del record.digests["start"]  # type: ignore[attr-defined]
    assert check(first, moved, [TABLE], more_runs=more_runs).passed
    later = [
        replace(r, key=r.key[::-1], cell=replace(r.cell, seed=r.cell.seed + 50)) for r in drawn
    ]
    other_seeds = check(first, later, [TABLE], Limits(other_seeds=True), more_runs)
    assert (other_seeds.beginnings, other_seeds.notes) == ((), ())
    older = [replace(record, first_losses={}) for record in first]
    assert check(older, begun(grid, rng), [TABLE], more_runs=more_runs).passed


def test_a_cell_that_began_elsewhere_hides_no_other_one(grid: list[Record]) -> None:
    rng = np.random.default_rng(26)
    first, *more_runs = (begun(grid, rng) for _ in range(4))
    now = begun(grid, rng, row="pcb", triplet=1.5)
    place = next(k for k, record in enumerate(now) if record.cell.method != "pcb")
    now[place] = replace(now[place], digests={**now[place].digests, "start": "9" * 64})
    outcome = check(first, now, [TABLE], more_runs=more_runs)
    assert not outcome.paired
    assert [(f.kind, f.row) for f in outcome.findings] == [("training", "PCB")]


def test_a_loss_that_is_gone_is_found_by_one_run_alone(grid: list[Record]) -> None:
    rng = np.random.default_rng(27)
    first, now = begun(grid, rng), begun(grid, rng)
    for record in now:
        if record.cell.method == "pcb":
            del record.first_losses["triplet"]  # type: ignore[attr-defined]
    outcome = check(first, now, [TABLE])
    assert [f.text for f in outcome.findings] == ["PCB: trained without the loss triplet"]
    assert check(first, now, [TABLE], Limits(training=False)).passed
    assert check(now, first, [TABLE]).passed
