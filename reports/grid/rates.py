"""Which down-sampling rates the queries of a data set have."""

from crossres.benchmark.metrics.by_rate import METRICS_BY_RATE, RATES, over_all_rates
from crossres.reports.grid.grid import Column, Grid


def metrics_by_rate(grid: Grid) -> tuple[str, ...]:
    """Return the metrics that are known by rate, that of the table's headline first."""
    first = over_all_rates(grid.table.metrics[0])
    return tuple(sorted(METRICS_BY_RATE, key=lambda metric: metric != first))


def rates_on(grid: Grid, column: Column) -> tuple[int, ...]:
    """Return the rates at which any row of the table was measured there; () for fewer than two.

    Natively LR queries have no known rate, and records of older versions do not tell it.
    """
    rows = range(len(grid.table.rows))
    metric = METRICS_BY_RATE[0]
    rates = tuple(
        rate for rate in RATES if any(grid.score(row, column, f"{metric}@{rate}").n for row in rows)
    )
    return rates if len(rates) > 1 else ()
