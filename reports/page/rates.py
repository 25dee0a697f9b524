"""How good rows are by the down-sampling rate of the queries: drawn, and in numbers."""

from dataclasses import dataclass

from crossres.benchmark.metrics.by_rate import METRICS_BY_RATE, RATES, over_all_rates
from crossres.reports.grid.grid import Column, Grid, Score
from crossres.reports.page.protocols import Across, across


@dataclass(frozen=True)
class RateNumbers:
    """One row on one data set: for each metric its scores, rate by rate."""

    label: str
    row: int
    scores: tuple[tuple[Score, ...], ...]


@dataclass(frozen=True)
class ByRate:
    """One data set: its drawing by the first metric, and all `metrics` of all rows by `rates`."""

    column: Column
    drawing: Across
    rates: tuple[int, ...]
    metrics: tuple[str, ...]
    rows: tuple[RateNumbers, ...]


def by_rate_of(grid: Grid) -> tuple[ByRate, ...]:
    """Return each data set whose queries have several known rates; natively LR ones have none."""
    first = over_all_rates(grid.table.metrics[0])
    metrics = tuple(sorted(METRICS_BY_RATE, key=lambda metric: metric != first))
    drawn = (_by_rate(grid, column, metrics) for column in grid.shown)
    return tuple(entry for entry in drawn if entry is not None)


def _by_rate(grid: Grid, column: Column, metrics: tuple[str, ...]) -> ByRate | None:
    def score(row: int, metric: str, rate: int) -> Score:
        return grid.score(row, column, f"{metric}@{rate}")

    rows = range(len(grid.table.rows))
    rates = tuple(rate for rate in RATES if any(score(row, metrics[0], rate).n for row in rows))
    if len(rates) < 2:
        return None
    measured = [row for row in rows if any(score(row, metrics[0], rate).n for rate in rates)]
    return ByRate(
        column,
        across(
            grid,
            column.title,
            metrics[0],
            rates,
            {
                row: [(score(row, metrics[0], rate), f"rate {rate}") for rate in rates]
                for row in measured
            },
        ),
        rates,
        metrics,
        tuple(
            RateNumbers(
                grid.table.rows[row].label,
                row,
                tuple(tuple(score(row, metric, rate) for rate in rates) for metric in metrics),
            )
            for row in measured
        ),
    )
