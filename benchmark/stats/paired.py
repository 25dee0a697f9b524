"""Differences between rows: size, interval and p-value.

A cell's value varies with its seed (split, rates, training) and with the identities it is tested
on, which seeds share. docs/statistics.md argues the choices.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from scipy import special  # not scipy.stats, which takes several times as long to load

from crossres.benchmark.stats.sample import Queries, Sample, TrialId, squared_sum

Values = Mapping[TrialId, float]
"""A metric by (data set, seed), as fractions in [0, 1]; a `Sample` has its queries, too."""

Weighted = tuple[float, Queries]  # the weight of a cell in the mean

LEVEL = 0.05  # of every test in tables and claims
NOTHING = 1e-9  # scatter below any step of a metric, as rounding leaves it
# Seeds whose values are equal differ by less than a step: as if two were half a step apart.
UNRESOLVED = 8**-0.5


@dataclass(frozen=True)
class Difference:
    """The mean over data sets of the mean paired difference over seeds, as a fraction.

    `pairs` counts (data set, seed) pairs on `sets` data sets. `deviation` is that of one seed's
    mean difference over the sets, `freedom` its degrees of freedom: the seeds of the set with the
    fewest, less one. `drawn` says what the draw of identities adds to it.
    `low` and `high` bound the confidence interval, `p` is two-sided. Where a data set has one pair,
    `deviation`, `low`, `high` and `p` are None: nothing can be said about chance. Where all seeds
    show the very same difference and nothing is known of queries, there are no bounds, and p = 1.
    `error` is the standard error of the effect where pairs or values are pooled: there `deviation`
    is that of one pair, and sets may have unlike numbers of them.
    """

    effect: float
    pairs: int
    sets: int
    freedom: int
    deviation: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    drawn: "Drawn | None" = None
    error: float | None = None

    @property
    def beyond_chance(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


@dataclass(frozen=True)
class Drawn:
    """What the draw of identities does to a mean difference: variances, and degrees of freedom.

    `whole` is the variance by identities alone, `beyond` that part of it which does not show
    between seeds, since these share identities. `step` is the least that the value of a seed moves
    by when the outcome of one query turns round.
    """

    whole: float = 0.0
    beyond: float = 0.0
    freedom: int = 1
    step: float = 0.0


@dataclass(frozen=True)
class Scatter:
    """How much a pair scatters where nothing truly changed, measured on other runs.

    The sum of its squared deviations, and their degrees of freedom.
    """

    squares: float = 0.0
    freedom: int = 0

    def __add__(self, other: "Scatter") -> "Scatter":
        """Return both measured as one."""
        return Scatter(self.squares + other.squares, self.freedom + other.freedom)

    @property
    def variance(self) -> float:
        """The variance of a pair; 0 where nothing was measured."""
        return self.squares / self.freedom if self.freedom else 0.0


def difference(
    left: Values, right: Values, level: float = 0.95, on: str | None = None
) -> Difference | None:
    """Return `left` minus `right` over the cells that both have; None where there is none.

    `on` is one data set; else all count, each alike. Two things are drawn, seeds and identities,
    and both count: the variance between seeds, each of them one value whatever the number of data
    sets, and what identities add that seeds share (a two-way clustered variance: Cameron, Gelbach
    and Miller 2011). Each component has the quantile of its own degrees of freedom (Banerjee 1960),
    so that the interval covers at least as often as it says, with any number of seeds. It is never
    narrower than that of identities alone.
    """
    trials = [trial for trial in sorted(set(left) & set(right)) if on in (None, trial[0])]
    if not trials:
        return None
    gaps = {trial: left[trial] - right[trial] for trial in trials}
    return mean_difference(gaps, _queries_of_gaps(left, right, trials), level)


def mean_difference(
    gaps: Values, queries: Mapping[TrialId, Queries], level: float = 0.95
) -> Difference:
    """Return the mean of these differences as `difference` does; `queries` are those behind each.

    Of the plain values of one row it gives the interval of their mean.
    """
    sets = by_set(gaps)
    effect = math.fsum(_mean(values) for values in sets.values()) / len(sets)
    freedom = min(len(values) for values in sets.values()) - 1
    if freedom == 0:
        return Difference(effect, len(gaps), len(sets), 0)
    variance = _between_seeds(gaps, sets)
    drawn = _drawn(queries, sets) if len(queries) == len(gaps) else Drawn()
    deviation = math.sqrt(variance * (freedom + 1))
    if any(abs(gap) > NOTHING for gap in gaps.values()):
        deviation = max(deviation, drawn.step * UNRESOLVED)
    plain = Difference(effect, len(gaps), len(sets), freedom, deviation, drawn=drawn)
    return _with_chance(plain, level)


def _queries_of_gaps(
    left: Values, right: Values, trials: Sequence[TrialId]
) -> dict[TrialId, Queries]:
    """Return the queries behind each difference, where both sides have theirs."""
    if not (isinstance(left, Sample) and isinstance(right, Sample)):
        return {}
    return {
        trial: left.queries[trial].minus(right.queries[trial])
        for trial in trials
        if trial in left.queries and trial in right.queries
    }


def _between_seeds(gaps: Values, sets: Mapping[str, Sequence[float]]) -> float:
    """Return the variance of the mean over sets of the means over seeds, when seeds are drawn.

    A seed's share is that of all its sets together, so they need not be independent. The factor
    n / (n - 1) is that of each set's own mean.
    """
    shares: dict[int, float] = defaultdict(float)
    means = {name: _mean(values) for name, values in sets.items()}
    for (name, seed), gap in gaps.items():
        count = len(sets[name])
        shares[seed] += (gap - means[name]) / math.sqrt(count * (count - 1)) / len(sets)
    variance = math.fsum(share**2 for share in shares.values())
    return variance if variance > NOTHING**2 else 0.0


def _drawn(queries: Mapping[TrialId, Queries], sets: Mapping[str, Sequence[float]]) -> Drawn:
    """Return the variance when identities are drawn, over all seeds, and what seeds share of it.

    Seeds share the products of different seeds, as squares within a seed show between seeds, too;
    deviations from the mean of n seeds hide an nth of it. One query more is counted whose outcome
    turns round, as rank-k moves in such steps: few that all agree are no certainty.
    """
    by_data: dict[str, dict[int, list[Weighted]]] = defaultdict(lambda: defaultdict(list))
    for (name, seed), cell in queries.items():
        by_data[cell.dataset][seed].append((1 / (len(sets[name]) * len(sets)), cell))
    total = beyond = 0.0
    for by_seed in by_data.values():
        cells = [pair for pairs in by_seed.values() for pair in pairs]
        identities = min(cell.identities for _, cell in cells)
        small = identities / max(1, identities - 1)  # as a sample variance has it
        together = small * squared_sum(cells)
        within = small * math.fsum(squared_sum(pairs) for pairs in by_seed.values())
        shared = max(0.0, together - within) * len(by_seed) / (len(by_seed) - 1)
        step = math.fsum(weight / cell.count for weight, cell in cells) ** 2
        total, beyond = total + together + step, beyond + shared + step
    fewest = min(cell.identities for cell in queries.values())
    finest = min(1 / cell.count for cell in queries.values()) / len(sets)
    return Drawn(total, beyond, max(1, fewest - 1), finest)


def _with_chance(plain: Difference, level: float) -> Difference:
    """Add the interval and the p-value."""
    drawn = plain.drawn or Drawn()
    size = abs(plain.effect)
    if plain.deviation == 0 and drawn.whole == 0 and size > NOTHING:
        return replace(plain, p=1.0)
    half = _half_width(plain, 1 - level)
    p = _level_for(plain, size) if size > NOTHING else 1.0
    # No difference of fractions is larger than one.
    low, high = max(-1.0, plain.effect - half), min(1.0, plain.effect + half)
    return replace(plain, low=low, high=high, p=p)


def _half_width(plain: Difference, level: float) -> float:
    """Return half the width of the interval that misses with the chance `level` at most."""
    drawn, deviation = plain.drawn or Drawn(), plain.deviation or 0.0
    of_identities = quantile(level, drawn.freedom)
    of_seeds = quantile(level, plain.freedom) * deviation / math.sqrt(plain.freedom + 1)
    both = math.hypot(of_seeds, of_identities * math.sqrt(drawn.beyond))
    return max(both, of_identities * math.sqrt(drawn.whole))


def quantile(level: float, freedom: int) -> float:
    """Return what Student's t exceeds, to either side, with the chance `level`."""
    return float(-special.stdtrit(freedom, level / 2))


def level_for(gap: Difference, size: float) -> float:
    """Return the least level at which half the width of the interval is `size`; 1 without one.

    For the size of the effect that is its p-value; for what the effect lacks to a margin, that of
    its being within the margin (two one-sided tests).
    """
    if gap.p is None or gap.low is None or size <= NOTHING:
        return 1.0
    return _level_for(gap, size)


def _level_for(gap: Difference, size: float) -> float:
    """Return it by bisection of its logarithm."""
    low, high = -600.0, 0.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _half_width(gap, math.exp(middle)) > size else (low, middle)
    return math.exp(high)


def difference_of_runs(
    now: Values,
    before: Values,
    scatter: Mapping[str, Scatter] | None = None,
    least: float = 0.0,
) -> Difference | None:
    """Return `now` minus `before` where pairs are the same cell run twice; None without a pair.

    Both began alike, so that pairs differ by what rounding makes of a training, independently of
    each other on each data set. Sets count alike. The variance on a set is that of its pairs and of
    the `scatter` of other runs there; no pair is taken to scatter by less than `least`.
    `deviation` is that of one pair, over the sets.
    """
    scatter = scatter or {}
    gaps = by_set({p: now[p] - before[p] for p in sorted(set(now) & set(before))})
    if not gaps:
        return None
    effect = math.fsum(_mean(values) for values in gaps.values()) / len(gaps)
    pairs = sum(len(values) for values in gaps.values())
    known = {d: _scatter_of([values]) + scatter.get(d, Scatter()) for d, values in gaps.items()}
    shares = {d: 1 / len(values) for d, values in gaps.items()}
    return _over_sets(Difference(effect, pairs, len(gaps), 0), known, shares, least)


def _over_sets(
    gap: Difference,
    scatter: Mapping[str, Scatter],
    shares: Mapping[str, float],
    least: float,
) -> Difference:
    """Test an effect that is a mean over data sets.

    On a set the variance of its mean is that of one value times the share of the set. Sets may
    scatter unlike each other, so the degrees of freedom are those of Satterthwaite (1946). Where a
    set has none of its own, all are taken to scatter alike.
    """
    total = sum(scatter.values(), Scatter())
    if total.freedom == 0:
        return gap
    if all(of_set.freedom for of_set in scatter.values()):
        variances = {name: max(of_set.variance, least**2) for name, of_set in scatter.items()}
        parts = {name: variances[name] * share for name, share in shares.items()}
        whole = math.fsum(parts.values())
        spread = math.fsum(part**2 / scatter[name].freedom for name, part in parts.items())
        freedom = max(1, math.floor(whole**2 / spread + NOTHING)) if spread else total.freedom
    else:
        whole = max(total.variance, least**2) * math.fsum(shares.values())
        freedom = total.freedom
    deviation, error = math.sqrt(whole / math.fsum(shares.values())), math.sqrt(whole) / gap.sets
    return _tested(replace(gap, freedom=freedom, deviation=deviation, error=error))


def error_of_mean(deviation: float, counts: Iterable[int]) -> float:
    """Return the standard error of the mean over sets of the means of so many values on each."""
    counts = list(counts)
    return deviation * math.sqrt(math.fsum(1 / count for count in counts)) / len(counts)


def mean_of_runs(runs: Sequence[Values]) -> Values:
    """Return the mean of several runs of the same cells, where all of them have a value."""
    trials = sorted(set.intersection(*map(set, runs)))
    return {trial: _mean([run[trial] for run in runs]) for trial in trials}


def scatter_by_set(runs: Sequence[Values]) -> dict[str, Scatter]:
    """Return how much one more run scatters about the mean of these; nothing from one run.

    Runs vary alike about what they have in common, so with n of them the difference has 1 + 1/n
    times the variance of a run, which is pooled over the seeds of a data set.
    """
    if len(runs) < 2:
        return {}
    groups: dict[str, list[list[float]]] = defaultdict(list)
    for trial in mean_of_runs(runs):
        groups[trial[0]].append([run[trial] for run in runs])
    times = 1 + 1 / len(runs)
    return {
        name: Scatter(times * _squares(of_set), (len(runs) - 1) * len(of_set))
        for name, of_set in groups.items()
    }


def scatter_within_sets(values: Values) -> dict[str, Scatter]:
    """Return how much the seeds of each data set scatter."""
    return {name: _scatter_of([of_set]) for name, of_set in by_set(values).items()}


def scatter_of_runs(runs: Sequence[Values]) -> Scatter:
    """Return `scatter_by_set` pooled over the data sets."""
    return sum(scatter_by_set(runs).values(), Scatter())


def scatter_p_value(now: Values, runs: Sequence[Values]) -> float | None:
    """Return the p-value of gaps as large as those between `now` and the mean of `runs`.

    The F-test of the mean square of the gaps against the variance of one, over the data sets and
    seeds that all have: it asks whether this is one more such run, not whether gaps have a mean.
    None where all have none, or there is one run alone.
    """
    mean, scatter = mean_of_runs(runs), scatter_of_runs(runs)
    gaps = [now[trial] - mean[trial] for trial in sorted(now.keys() & mean.keys())]
    if not gaps or not scatter.freedom:
        return None
    squares = math.fsum(gap**2 for gap in gaps) / len(gaps)
    if scatter.squares == 0:
        return float(squares == 0)
    ratio = squares * scatter.freedom / scatter.squares
    return float(special.fdtrc(len(gaps), scatter.freedom, ratio))


def difference_of_samples(left: Values, right: Values, least: float = 0.0) -> Difference | None:
    """Return `left` minus `right` where their seeds differ, so that nothing can be paired.

    Over the data sets that both have, each counting alike, as `difference` does it; on one data set
    this is Student's t-test of two samples. `pairs` is the number of values of the shorter side,
    `deviation` that of the difference of two values, which is taken to be `least` or more. What
    a split does to both sides is not taken out, so it needs more seeds for the same answer. None
    without a common data set.
    """
    sides = (by_set(left), by_set(right))
    sets = sorted(sides[0].keys() & sides[1].keys())
    if not sets:
        return None
    common = [{d: side[d] for d in sets} for side in sides]
    effect = math.fsum(_mean(common[0][d]) - _mean(common[1][d]) for d in sets) / len(sets)
    pairs = sum(min(len(side[d]) for side in common) for d in sets)
    known = {d: _scatter_of([side[d] for side in common]) for d in sets}
    shares = {d: math.fsum(1 / len(side[d]) for side in common) for d in sets}
    half = math.sqrt(0.5)  # the deviation of one value is that of a difference times this
    gap = _over_sets(Difference(effect, pairs, len(sets), 0), known, shares, half * least)
    return gap if gap.deviation is None else replace(gap, deviation=gap.deviation / half)


def by_set(values: Values) -> dict[str, list[float]]:
    """Return the values of each data set, in the order of their seeds."""
    sets: dict[str, list[float]] = defaultdict(list)
    for (dataset, _), value in sorted(values.items()):
        sets[dataset].append(value)
    return sets


def set_mean(values: Values) -> float:
    """Return the mean of the data sets' means, each data set counting alike."""
    return _mean([_mean(seeds) for seeds in by_set(values).values()])


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _squares(groups: Iterable[Sequence[float]]) -> float:
    """Sum the squared deviations from the mean of each group."""
    return math.fsum((value - _mean(group)) ** 2 for group in groups for value in group)


def _scatter_of(groups: Sequence[Sequence[float]]) -> Scatter:
    """Return the scatter of the values of each group about its mean."""
    return Scatter(_squares(groups), sum(len(group) - 1 for group in groups))


def _tested(gap: Difference) -> Difference:
    """Add the 95 % interval and the p-value to an effect whose standard error is known."""
    error = gap.error or 0.0
    half = quantile(0.05, gap.freedom) * error
    size = abs(gap.effect)
    p = float(2 * special.stdtr(gap.freedom, -size / error)) if error > 0 else float(size == 0)
    return replace(gap, low=gap.effect - half, high=gap.effect + half, p=p)
