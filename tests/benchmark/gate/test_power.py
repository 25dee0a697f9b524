"""What a gate with so many seeds finds, against the noise of the runs."""

import numpy as np
import pytest

from crossres.benchmark import Record
from crossres.benchmark.gate.baseline import Baseline, with_runs
from crossres.benchmark.gate.limits import Limits
from crossres.benchmark.gate.power import noise_of, seeds_for, sensitivities
from crossres.benchmark.stats.power import detectable_drop
from crossres.datasets import InputError
from tests.benchmark.gate.cases import TABLE, runs, with_values


def test_measured_noise_is_that_of_the_runs(grid: list[Record]) -> None:
    first, *more_runs = runs(grid, 3, np.random.default_rng(6))
    baseline = with_runs(Baseline(tuple(first)), more_runs)
    noise = noise_of(baseline, [TABLE], Limits())
    plain = next(row for row in noise if row.row == "Plain" and row.metric == "mAP")
    values = np.array(
        [[r.metrics["single-shot"]["mAP"] for r in run[:8]] for run in (first, *more_runs)]
    )
    assert plain.deviation == pytest.approx(np.sqrt(2 * values.var(axis=0, ddof=1).mean()))
    assert plain.freedom == 16
    sensitivity = sensitivities(baseline, noise, Limits(), (4,))
    assert sensitivity[0].seconds == pytest.approx(240.0)
    # A check that finds the noise of the baseline in the new results, too, says the same.
    noisiest = max(row.deviation for row in noise if row.row and row.metric == "mAP")
    deviation = noisiest * np.sqrt((1 + 1 / 3) / 2)
    level = 2 * Limits().one_side / 8
    assert sensitivity[0].in_a_row == pytest.approx(
        detectable_drop(deviation / np.sqrt(8), 22, level, 0.8)
    )


def test_noise_from_one_run_is_that_of_two_values_with_unlike_seeds(grid: list[Record]) -> None:
    rng = np.random.default_rng(7)
    values = 0.5 + rng.normal(0, 0.03, 24)
    records = with_values(grid, values.tolist())
    noise = noise_of(Baseline(tuple(records)), [TABLE], Limits())
    plain = next(row for row in noise if row.row == "Plain" and row.metric == "mAP")
    spread = values[:8].reshape(2, 4).var(axis=1, ddof=1).mean()
    assert plain.deviation == pytest.approx(np.sqrt(2 * spread))
    assert plain.freedom == 6


@pytest.mark.parametrize("more_runs", [0, 1, 3])
def test_the_seeds_for_a_drop_are_the_first_that_find_it(
    grid: list[Record], more_runs: int
) -> None:
    first, *reruns = runs(grid, more_runs + 1, np.random.default_rng(8))
    baseline = with_runs(Baseline(tuple(first)), reruns)
    noise = noise_of(baseline, [TABLE], Limits())
    overall, in_a_row = seeds_for(baseline, noise, Limits(), 0.03)["mAP"]
    assert overall is not None
    assert in_a_row is not None
    assert overall <= in_a_row
    seeds = (in_a_row - 1, in_a_row)
    before, at = sensitivities(baseline, noise, Limits(metrics=("mAP",)), seeds)[:2]
    assert before.in_a_row is not None
    assert at.in_a_row is not None
    assert at.in_a_row <= 0.03 < before.in_a_row


def test_one_seed_tells_no_noise(grid: list[Record]) -> None:
    with pytest.raises(InputError, match="one seed on each data set does not tell"):
        noise_of(Baseline(tuple(r for r in grid if r.cell.seed == 0)), [TABLE], Limits())
