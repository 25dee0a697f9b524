"""What can be said of differences between rows: size, interval, p-value, power, ranks, groups.

A cell's value varies with its seed (split, rates, training), so seeds are what is counted. Rows of
a table share them: the same seed gives both the same data and batches, and differences are paired.
docs/statistics.md argues the choices.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from datasets.draws import draw

Values = Mapping[tuple[str, int], float]
"""A metric by (data set, seed), as fractions in [0, 1]."""

LEVEL = 0.05  # of every test in tables and claims
MOST_SEEDS = 10_000


@dataclass(frozen=True)
class Difference:
    """The mean over data sets of the mean paired difference over seeds, as a fraction.

    `pairs` counts (data set, seed) pairs on `sets` data sets, `deviation` is that of one pair
    (pooled within data sets), `freedom` its degrees of freedom;
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


@dataclass(frozen=True)
class Scatter:
    """What is known from elsewhere of how much a pair scatters where nothing truly changed.

    The sum of its squared deviations, and their degrees of freedom.
    """

    squares: float = 0.0
    freedom: int = 0


def difference(
    left: Values,
    right: Values,
    level: float = 0.95,
    on: str | None = None,
    known: Scatter | None = None,
) -> Difference | None:
    """`left` minus `right` over the cells that both have; None when there is none.

    On one data set this is the paired t-test. Over several the effect is the mean of the data sets'
    effects, each data set counting alike, and the variance of a pair is pooled within them; so it
    speaks of these data sets, not of all that might exist. With `on` the effect is that on this one
    data set, and the others only lend their variance; so does what is `known` of it.
    """
    known = known or Scatter()
    gaps: dict[str, list[float]] = defaultdict(list)
    for dataset, seed in sorted(set(left) & set(right)):
        gaps[dataset].append(left[dataset, seed] - right[dataset, seed])
    asked = list(gaps) if on is None else [on] if on in gaps else []
    if not asked:
        return None
    effect = math.fsum(_mean(gaps[dataset]) for dataset in asked) / len(asked)
    pairs = sum(len(gaps[d]) for d in asked)
    freedom = sum(len(found) - 1 for found in gaps.values()) + known.freedom
    if freedom == 0:
        return Difference(effect, pairs, len(asked), 0)
    deviation = math.sqrt((_squares(gaps.values()) + known.squares) / freedom)
    error = deviation * math.sqrt(math.fsum(1 / len(gaps[d]) for d in asked)) / len(asked)
    return _tested(Difference(effect, pairs, len(asked), freedom, deviation), error, level)


def mean_of_runs(runs: Sequence[Values]) -> Values:
    """The mean of several runs of the same cells, at the places that all of them have."""
    places = sorted(set.intersection(*map(set, runs)))
    return {place: _mean([run[place] for run in runs]) for place in places}


def scatter_of_runs(runs: Sequence[Values]) -> Scatter:
    """How much one more run scatters about the mean of these: that of the difference of the two.

    Runs vary alike about what they have in common, so with n of them the difference has 1 + 1/n
    times the variance of a run, which is pooled over the places. Nothing from one run.
    """
    if len(runs) < 2:
        return Scatter()
    groups = {place: [run[place] for run in runs] for place in mean_of_runs(runs)}
    return Scatter((1 + 1 / len(runs)) * _squares(groups.values()), (len(runs) - 1) * len(groups))


def chance_of_gaps(now: Values, runs: Sequence[Values]) -> float | None:
    """The p-value of gaps between `now` and the mean of `runs` as large as these, by their scatter.

    The F-test of the mean square of the gaps against the variance of one, over the places that all
    have: it asks whether this is one more such run, not whether gaps have a mean. None where
    there is no place, or one run alone.
    """
    mean, scatter = mean_of_runs(runs), scatter_of_runs(runs)
    gaps = [now[place] - mean[place] for place in sorted(now.keys() & mean.keys())]
    if not gaps or not scatter.freedom:
        return None
    squares = math.fsum(gap**2 for gap in gaps) / len(gaps)
    if scatter.squares == 0:
        return float(squares == 0)
    return float(
        stats.f.sf(squares * scatter.freedom / scatter.squares, len(gaps), scatter.freedom)
    )


def difference_of_samples(
    left: Values, right: Values, level: float = 0.95, known: Scatter | None = None
) -> Difference | None:
    """`left` minus `right` where their seeds are other ones, so that nothing can be paired.

    Over the data sets that both have, each counting alike, as `difference` does it; on one data set
    this is Student's t-test of two samples. `pairs` is the number of values of the shorter side,
    `deviation` that of the difference of two values, as is what is `known` of it. What a split does
    to both sides is not taken out, so it needs more seeds for the same answer. None without a
    common data set.
    """
    known = known or Scatter()
    sides = (by_set(left), by_set(right))
    asked = sorted(sides[0].keys() & sides[1].keys())
    if not asked:
        return None
    common = [{d: side[d] for d in asked} for side in sides]
    effect = math.fsum(_mean(common[0][d]) - _mean(common[1][d]) for d in asked) / len(asked)
    pairs = sum(min(len(side[d]) for side in common) for d in asked)
    freedom = sum(len(found) - 1 for side in common for found in side.values()) + known.freedom
    if freedom == 0:
        return Difference(effect, pairs, len(asked), 0)
    squares = math.fsum(_squares(side.values()) for side in common) + known.squares / 2
    variance = squares / freedom
    shares = math.fsum(1 / len(found) for side in common for found in side.values())
    error = math.sqrt(variance * shares) / len(asked)
    found = Difference(effect, pairs, len(asked), freedom, math.sqrt(2 * variance))
    return _tested(found, error, level)


def by_set(values: Values) -> dict[str, list[float]]:
    """The values of each data set, by seed."""
    found: dict[str, list[float]] = defaultdict(list)
    for (dataset, _), value in sorted(values.items()):
        found[dataset].append(value)
    return found


def set_mean(values: Values) -> float:
    """The mean of the data sets' means, each data set counting alike."""
    return _mean([_mean(found) for found in by_set(values).values()])


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _squares(groups: Iterable[Sequence[float]]) -> float:
    """The sum of squared deviations from the mean of each group."""
    return math.fsum((value - _mean(found)) ** 2 for found in groups for value in found)


def _tested(found: Difference, error: float, level: float) -> Difference:
    """With its interval and p-value; `error` is the standard error of the effect."""
    half = float(stats.t.ppf((1 + level) / 2, found.freedom)) * error
    size = abs(found.effect)
    p = float(2 * stats.t.sf(size / error, found.freedom)) if error > 0 else float(size == 0)
    return replace(found, low=found.effect - half, high=found.effect + half, p=p)


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


def pairwise(rows: Sequence[Values]) -> dict[tuple[int, int], float]:
    """(i, j), i < j -> the p-value of `difference` over all data sets, adjusted for all pairs.

    A pair that cannot be tested (one seed, no common cell) is left out. Because every pair is
    counted, the least p-value of a row that was chosen for its mean is adjusted for the choice.
    """
    tests = {
        (i, j): found.p
        for i, j in combinations(range(len(rows)), 2)
        if (found := difference(rows[i], rows[j])) is not None and found.p is not None
    }
    return dict(zip(tests, holm(list(tests.values())), strict=True))


def mean_ranks(rows: Sequence[Values]) -> list[float]:
    """Each row's rank (1 is the highest value, ties share), a mean over the cells that all have.

    [] when no (data set, seed) has a value of every row.
    """
    common = sorted(set.intersection(*map(set, rows))) if rows else []
    if not common:
        return []
    table = np.array([[row[cell] for cell in common] for row in rows])
    return [float(mean) for mean in stats.rankdata(-table, axis=0).mean(axis=1)]


def not_told_apart(
    count: int, tests: Mapping[tuple[int, int], float], level: float = LEVEL
) -> list[tuple[int, ...]]:
    """The largest groups of two or more of `count` rows of which no pair has a p up to `level`.

    A pair without a test is not told apart either. Groups may share rows: that neither A and B nor
    B and C are told apart does not say it of A and C.
    """
    near: dict[int, set[int]] = {row: set() for row in range(count)}
    for i, j in combinations(range(count), 2):
        if tests.get((i, j), 1.0) > level:
            near[i].add(j)
            near[j].add(i)
    return sorted(group for group in _cliques((), set(near), set(), near) if len(group) > 1)


def _cliques(
    chosen: tuple[int, ...], open_: set[int], done: set[int], near: Mapping[int, set[int]]
) -> Iterator[tuple[int, ...]]:
    """Bron and Kerbosch (1973) with a pivot: every maximal clique that contains `chosen`, once."""
    if not open_ and not done:
        yield tuple(sorted(chosen))
        return
    pivot = max(sorted(open_ | done), key=lambda row: len(near[row] & open_))
    for row in sorted(open_ - near[pivot]):
        yield from _cliques((*chosen, row), open_ & near[row], done & near[row], near)
        open_, done = open_ - {row}, done | {row}


def power(
    effect: float,
    deviation: float,
    seeds: int,
    sets: int = 1,
    level: float = 0.05,
    runs: int = 1,
) -> float:
    """The chance that the two-sided paired test finds a true `effect`, with `seeds` on each set.

    With several `runs` on one side their scatter is pooled with that of the pairs, as `difference`
    does it with `scatter_of_runs`; `deviation` is that of a pair all the same.
    """
    freedom = sets * (seeds * runs - 1)
    if freedom < 1:
        return 0.0
    if deviation == 0:
        return float(effect != 0)
    return _chance(abs(effect) / deviation * math.sqrt(seeds * sets), freedom, level)


def _chance(shift: float, freedom: int, level: float) -> float:
    """That a t-test at `level` finds an effect of `shift` standard errors."""
    limit = float(stats.t.ppf(1 - level / 2, freedom))
    found, other_side = stats.nct.sf(limit, freedom, shift), stats.nct.cdf(-limit, freedom, shift)
    # Far out in the tails the non-central t of scipy is NaN: for the side of the effect the normal
    # distribution serves, and the other side is nothing there.
    near = found if math.isfinite(found) else stats.norm.sf(limit - shift)
    return float(near + (other_side if math.isfinite(other_side) else 0.0))


def seeds_needed(
    effect: float,
    deviation: float,
    sets: int = 1,
    level: float = 0.05,
    wanted: float = 0.8,
    runs: int = 1,
) -> int | None:
    """The least number of seeds with which `power` reaches `wanted`; None beyond 10,000."""
    low, high = 0, MOST_SEEDS
    if power(effect, deviation, high, sets, level, runs) < wanted:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if power(effect, deviation, middle, sets, level, runs) < wanted:
            low = middle
        else:
            high = middle
    return high


def smallest_seen(
    deviation: float,
    seeds: int,
    sets: int = 1,
    level: float = 0.05,
    wanted: float = 0.8,
    runs: int = 1,
) -> float | None:
    """The least true effect that `power` finds as often as `wanted`; None where no test can be."""
    return least_found(deviation, seeds * sets, sets * (seeds * runs - 1), level, wanted)


def least_found(
    deviation: float, pairs: int, freedom: int, level: float = 0.05, wanted: float = 0.8
) -> float | None:
    """`smallest_seen` for any number of pairs and degrees of freedom, as a Difference has them."""
    if freedom < 1:
        return None
    high = 1.0
    while _chance(high, freedom, level) < wanted:
        high *= 2

    def lacking(shift: float) -> float:
        return _chance(shift, freedom, level) - wanted

    shift = float(optimize.brentq(lacking, 0.0, high, rtol=1e-9))
    return shift * deviation / math.sqrt(pairs)


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
    # A seed that is drawn twice has its identities drawn twice, too.
    within = generator.integers(0, draws, (len(seeds), draws))
    low, high = np.quantile(
        by_seed[chosen, within].mean(axis=0), [(1 - level) / 2, (1 + level) / 2]
    )
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
    # Indices, not counts of a multinomial: the same law, several times faster.
    drawn = generator.integers(0, len(counts), (draws, len(counts)), dtype=np.int32)
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return np.asarray(means, dtype=np.float64)
