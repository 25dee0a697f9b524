"""The interval of a row's mean on one column."""

from crossres.benchmark.stats.paired import mean_difference
from crossres.benchmark.stats.sample import Sample
from crossres.reports.grid.grid import Column


def mean_on(sample: Sample, column: Column) -> tuple[float, tuple[float, float] | None] | None:
    """Return the mean of a sample on a column and its 95 % interval; None where it has no value.

    Fractions. The interval is None where nothing is known of the scatter.
    """
    alone = sample.only([column.name])
    if not alone:
        return None
    mean = mean_difference(alone, alone.queries)
    if mean.low is None or mean.high is None:
        return mean.effect, None
    return mean.effect, (max(0.0, mean.low), mean.high)
