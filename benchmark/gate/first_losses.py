"""Compare the losses of the first training steps with the baseline, given how much runs scatter.

On a small grid a bug may move no metric that can be seen. But in the first steps rounding has not
been amplified yet: what another CPU changes there is far less than what a bug does.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from crossres.benchmark.compare.comparison import Comparison, Read
from crossres.benchmark.compare.pairs import Pair
from crossres.benchmark.gate.metric_tests import runs_of
from crossres.benchmark.records.record import DRAWS, START, Record
from crossres.benchmark.stats.paired import Values, mean_of_runs, scatter_p_value, set_mean
from crossres.benchmark.stats.ranking import holm


@dataclass(frozen=True)
class Beginning:
    """One loss of a row in the first steps, over all data sets and seeds.

    `before` and `now` are means over these, `relative` is the root mean square of the gaps between
    the two as a fraction of the baseline's (1 where that is zero). `p`: with Holm's correction for
    all of the check; None where all are equal to the bit.
    """

    row: str
    loss: str
    before: float
    now: float
    relative: float
    p: float | None = None


def beginnings_of(
    comparison: Comparison, more_runs: Sequence[Sequence[Record]]
) -> tuple[Beginning, ...]:
    """Test each loss of each row, of the pairs that should begin alike; () without `more_runs`."""
    alike = replace(comparison, pairs=tuple(filter(begins_alike, comparison.pairs)))
    names = sorted({name for pair in alike.pairs for name in pair.a.first_losses})
    beginnings = [
        beginning
        for name in names
        for row, (runs, now) in runs_of(alike, _first(name), more_runs).items()
        if row is not None  # rows have losses of their own: there is no mean over them
        and (beginning := _beginning(row, name, runs, now)) is not None
    ]
    beginnings.sort(key=lambda beginning: alike.rows.index(beginning.row))
    tested = [index for index, beginning in enumerate(beginnings) if beginning.p is not None]
    adjusted = holm([beginnings[index].p or 0.0 for index in tested])
    for index, p in zip(tested, adjusted, strict=True):
        beginnings[index] = replace(beginnings[index], p=p)
    return tuple(beginnings)


def begins_alike(pair: Pair) -> bool:
    """Tell whether both are one cell on one kind of device, with the same start and draws."""
    a, b = pair.a.digests, pair.b.digests
    alike = all(a.get(name) == b.get(name) is not None for name in (START, DRAWS))
    return alike and pair.same_key and pair.a.environment["device"] == pair.b.environment["device"]


def _first(name: str) -> Read:
    return lambda record: record.first_losses.get(name)


def _beginning(row: str, name: str, runs: Sequence[Values], now: Values) -> Beginning | None:
    p = scatter_p_value(now, runs)
    if p is None:
        return None
    if now in runs:
        return Beginning(row, name, set_mean(now), set_mean(now), 0.0)
    before = mean_of_runs(runs)
    common = sorted(before.keys() & now.keys())
    gap = math.hypot(*(now[trial] - before[trial] for trial in common))
    size = math.hypot(*(before[trial] for trial in common))
    return Beginning(row, name, set_mean(before), set_mean(now), gap / (size or gap), p)
