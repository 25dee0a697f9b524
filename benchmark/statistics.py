"""What can be said of a difference between two rows: its size, its interval, its p-value, its cost.

A cell's value varies with its seed (split, rates, training), so seeds are what is counted. Rows of
a table share them: the same seed gives both the same data and batches, and differences are paired.
docs/statistics.md argues the choices.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from datasets.draws import draw

Values = Mapping[tuple[str, int], float]
"""A metric by (data set, seed), as fractions in [0, 1]."""

LEVEL = 0.05  # of every test in tables and claims
MOST_SEEDS = 10_000


@dataclass(frozen=True)
class Difference:
    """The mean over data sets of the mean paired difference over seeds, as a fraction.

    `deviation` is that of one pair (pooled within data sets), `freedom` its degrees of freedom;
    `low` and `high` bound the confidence interval, `p` is two-sided. Where no data set has two
    pairs, `deviation`, `low`, `high` and `p` are None: nothing can be said about chance.
    """

    effect: float
    pairs: int
    sets: int
    freedom: int
    deviation: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None

    @property
    def known(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


def difference(
    left: Values, right: Values, level: float = 0.95, on: str | None = None
) -> Difference | None:
    """`left` minus `right` over the cells that both have; None when there is none.

    On one data set this is the paired t-test. Over several the effect is the mean of the data sets'
    effects, each data set counting alike, and the variance of a pair is pooled within them; so it
    speaks of these data sets, not of all that might exist. With `on` the effect is that on this one
    data set, and the others only lend their variance.
    """
    gaps: dict[str, list[float]] = defaultdict(list)
    for dataset, seed in sorted(set(left) & set(right)):
        gaps[dataset].append(left[dataset, seed] - right[dataset, seed])
    asked = list(gaps) if on is None else [on] if on in gaps else []
    if not asked:
        return None
    means = {dataset: math.fsum(found) / len(found) for dataset, found in gaps.items()}
    effect = math.fsum(means[dataset] for dataset in asked) / len(asked)
    pairs, freedom = (
        sum(len(gaps[d]) for d in asked),
        sum(len(found) - 1 for found in gaps.values()),
    )
    if freedom == 0:
        return Difference(effect, pairs, len(asked), 0)
    squares = ((gap - means[d]) ** 2 for d, found in gaps.items() for gap in found)
    deviation = math.sqrt(math.fsum(squares) / freedom)
    error = deviation * math.sqrt(math.fsum(1 / len(gaps[d]) for d in asked)) / len(asked)
    half = float(stats.t.ppf((1 + level) / 2, freedom)) * error
    p = float(2 * stats.t.sf(abs(effect) / error, freedom)) if error > 0 else float(effect == 0)
    low, high = effect - half, effect + half
    return Difference(effect, pairs, len(asked), freedom, deviation, low, high, p)


def holm(values: Sequence[float]) -> list[float]:
    """Holm's (1979) adjusted p-values, in the order given: the chance of any false alarm is kept.

    The k-th smallest (from 0) of n is multiplied by n - k, and is at least the one before it.
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    adjusted, highest = [0.0] * len(values), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, values[index] * (len(values) - rank)))
        adjusted[index] = highest
    return adjusted


def power(effect: float, deviation: float, seeds: int, sets: int = 1, level: float = 0.05) -> float:
    """The chance that the two-sided paired test finds a true `effect`, with `seeds` on each set."""
    freedom = sets * (seeds - 1)
    if freedom < 1:
        return 0.0
    if deviation == 0:
        return float(effect != 0)
    shift = abs(effect) / deviation * math.sqrt(seeds * sets)
    limit = float(stats.t.ppf(1 - level / 2, freedom))
    found = stats.nct.sf(limit, freedom, shift) + stats.nct.cdf(-limit, freedom, shift)
    # Far out in the tail the non-central t of scipy is NaN; the normal distribution serves there.
    return float(found) if math.isfinite(found) else float(stats.norm.sf(limit - shift))


def seeds_needed(
    effect: float, deviation: float, sets: int = 1, level: float = 0.05, wanted: float = 0.8
) -> int | None:
    """The least number of seeds with which `power` reaches `wanted`; None beyond 10,000."""
    low, high = 1, MOST_SEEDS
    if power(effect, deviation, high, sets, level) < wanted:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if power(effect, deviation, middle, sets, level) < wanted:
            low = middle
        else:
            high = middle
    return high


def bootstrap(
    scores: Mapping[int, NDArray[np.float64]],
    pids: Mapping[int, NDArray[np.int64]],
    *name: str,
    level: float = 0.95,
    draws: int = 2000,
) -> tuple[float, float]:
    """The percentile interval of a mean over seeds of means over queries, both drawn again.

    scores[seed] (Q,): one metric of each query, or the difference between two rows of it, NaN for a
    skipped one; pids[seed] (Q,). Seeds are drawn with replacement, then, within each, identities
    with all their queries, as the queries of one identity are alike. `name` seeds the draws.
    With few seeds it is too narrow (three have only ten different draws): `difference` is the test.
    """
    generator = np.random.default_rng(draw("bootstrap", *name))
    seeds = sorted(scores)
    by_seed = np.stack([_drawn_means(scores[seed], pids[seed], draws, generator) for seed in seeds])
    chosen = generator.integers(0, len(seeds), (len(seeds), draws))
    means = np.sort(by_seed[chosen, np.arange(draws)].mean(axis=0))
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _drawn_means(
    scores: NDArray[np.float64],
    pids: NDArray[np.int64],
    draws: int,
    generator: np.random.Generator,
) -> NDArray[np.float64]:
    """(draws,): means over the queries of as many drawn identities as there are."""
    valid = np.isfinite(scores)
    place = np.unique(pids[valid], return_inverse=True)[1]
    counts = np.bincount(place).astype(np.float64)
    sums = np.bincount(place, weights=scores[valid])
    times = generator.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), draws)
    return np.asarray(times @ sums / (times @ counts), dtype=np.float64)
