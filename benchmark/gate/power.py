"""What a gate can see: the drops that so many seeds find, and the computing time that they cost."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crossres.benchmark.compare.comparison import compare, metric_of
from crossres.benchmark.config.tables import Table
from crossres.benchmark.gate.baseline import Baseline
from crossres.benchmark.gate.limits import Limits
from crossres.benchmark.gate.metric_tests import (
    runs_of,
    scatter_of_seeds,
    steps_of,
    tested_measures,
)
from crossres.benchmark.gate.sight import (
    chance_of_drop,
    least_drop,
    possible_drop,
    seeds_for_drop,
)
from crossres.benchmark.stats.paired import Values, by_set, scatter_of_runs, set_mean
from crossres.benchmark.stats.power import error_of_pairs, freedom_of_pairs
from crossres.datasets.base.errors import InputError

MOST_SEEDS = 100


@dataclass(frozen=True)
class Noise:
    """How much the difference of two equal runs scatters, per pair of cells, as a fraction.

    Of one metric of a row (None: of the mean over all rows), which is `before` on `sets` data sets;
    `freedom` says how well it is known. `step`: what no pair is taken to scatter by less than.
    """

    row: str | None
    metric: str
    deviation: float
    freedom: int
    sets: int
    step: float
    before: float


@dataclass(frozen=True)
class Sensitivity:
    """What a gate with `seeds` on each data set finds in four cases of five, as fractions.

    `overall`: the least drop of the mean over all rows (None: there is one row), `in_a_row`: the
    least drop that is found in whichever row it is; None, too, where no test can be, or finds no
    drop that is possible. `seconds`: the computing time of all cells on one core.
    """

    metric: str
    seeds: int
    overall: float | None
    in_a_row: float | None
    seconds: float


def noise_of(baseline: Baseline, tables: Iterable[Table], limits: Limits) -> list[Noise]:
    """Return the noise of each row and metric.

    It is that of the runs of the baseline. Where there is only one, it comes from the scatter of
    the seeds, which also holds what the split does to both sides and a gate takes out: an upper
    bound. Raises InputError when a row has only one seed everywhere, and one run.
    """
    comparison = compare(baseline.records, baseline.records, tables)
    noise = [
        _noise(row, measure[1], runs, steps[row])
        for measure in tested_measures(comparison, limits)
        for steps in [steps_of(comparison, measure)]
        for row, (runs, _) in runs_of(comparison, metric_of(measure), baseline.more_runs).items()
    ]
    if not noise:
        raise InputError(
            f"no cell of the baseline has any of the metrics {', '.join(limits.metrics)}; "
            "choose others with --metrics, or make a baseline of other results"
        )
    return noise


def _noise(row: str | None, metric: str, runs: Sequence[Values], step: float) -> Noise:
    scatter = scatter_of_runs(runs) if len(runs) > 1 else scatter_of_seeds(runs[0])
    if not scatter.freedom:
        raise InputError(
            f"one seed on each data set does not tell how much results of {row or 'all rows'} "
            "scatter; run the cells with two seeds or more, or again with --again"
        )
    deviation = math.sqrt(2 * scatter.squares / scatter.freedom / (1 + 1 / len(runs)))
    size, before = len(by_set(runs[0])), set_mean(runs[0])
    return Noise(row, metric, deviation, scatter.freedom, size, step, before)


def sensitivities(
    baseline: Baseline, noise: Sequence[Noise], limits: Limits, seeds: Iterable[int]
) -> list[Sensitivity]:
    """Return what is found in each metric with each number of seeds, and the time of the cells.

    `noise` is that of `noise_of`. A gate tests all rows and their mean in all its metrics, and this
    counts the first step of its correction: what is found is found at least as often.
    """
    records, runs, level = baseline.records, 1 + len(baseline.more_runs), _level(noise, limits)
    present = len({record.cell.seed for record in records})
    seconds = sum(record.seconds["total"] for record in records) / present

    def least(rows: Sequence[Noise], count: int) -> float | None:
        drops = [
            possible_drop(
                least_drop(
                    error_of_pairs(_of_mean(row, runs), count, row.sets),
                    freedom_of_pairs(count, row.sets, runs),
                    level,
                    limits,
                ),
                row.before,
            )
            for row in rows
        ]
        possible = [drop for drop in drops if drop is not None]
        return max(possible) if possible and len(possible) == len(drops) else None

    return [
        Sensitivity(metric, count, least(overall, count), least(rows, count), count * seconds)
        for metric, (overall, rows) in _by_metric(noise).items()
        for count in seeds
    ]


def seeds_for(
    baseline: Baseline, noise: Sequence[Noise], limits: Limits, drop: float
) -> dict[str, tuple[int | None, int | None]]:
    """Return metric -> the least numbers of seeds that find a `drop` of the mean, and of any row.

    None: more than MOST_SEEDS, or there is no such test. Raises InputError for a drop that no row
    can have.
    """
    highest = max(row.before for row in noise)
    if not 0 < drop <= highest:
        raise InputError(
            f"a drop of {100 * drop:g} points: no metric can fall by that; give one above 0 and up "
            f"to {100 * highest:.1f}"
        )
    runs, level = 1 + len(baseline.more_runs), _level(noise, limits)

    def needed(rows: Sequence[Noise]) -> int | None:
        if not rows:
            return None
        counts = [
            seeds_for_drop(drop, _of_mean(row, runs), row.sets, level, limits, runs) for row in rows
        ]
        most = max(MOST_SEEDS + 1 if count is None else count for count in counts)
        return most if most <= MOST_SEEDS else None

    return {
        metric: (needed(overall), needed(rows))
        for metric, (overall, rows) in _by_metric(noise).items()
    }


def chances(
    baseline: Baseline,
    noise: Sequence[Noise],
    limits: Limits,
    metric: str,
    seeds: int,
    drops: Iterable[float],
) -> list[tuple[float | None, float | None]]:
    """Return how often each of the true `drops` is found in the mean over rows, and in any one row.

    As in `sensitivities`, of which these are the curves; None where there is no such test.
    """
    runs, level = 1 + len(baseline.more_runs), _level(noise, limits)

    def chance(rows: Sequence[Noise], drop: float) -> float | None:
        return min(
            (
                chance_of_drop(drop, _of_mean(row, runs), seeds, row.sets, level, limits, runs)
                for row in rows
            ),
            default=None,
        )

    overall, rows = _by_metric(noise)[metric]
    return [(chance(overall, drop), chance(rows, drop)) for drop in drops]


def _of_mean(noise: Noise, runs: int) -> float:
    """Turn the deviation between two runs into that between one and the mean of `runs`."""
    return max(noise.step, noise.deviation * math.sqrt((1 + 1 / runs) / 2))


def _level(noise: Sequence[Noise], limits: Limits) -> float:
    """Return the two-sided level at the first step of the correction."""
    return 2 * limits.one_side / len(noise)


def _by_metric(noise: Sequence[Noise]) -> dict[str, tuple[list[Noise], list[Noise]]]:
    """Return metric -> the noise of the mean over all rows (if there is one), and of each row."""
    return {
        metric: (
            [row for row in noise if row.metric == metric and row.row is None],
            [row for row in noise if row.metric == metric and row.row is not None],
        )
        for metric in dict.fromkeys(row.metric for row in noise)
    }
