"""What can be said of differences between rows: size, interval, p-value, power, ranks, groups.

A cell's value varies with its seed (split, rates, training) and with the identities it is tested
on, which seeds share. docs/statistics.md argues the choices.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from scipy import special, stats

from crossres.benchmark.stats.sample import Place, Queries, Sample, squared_sum

Values = Mapping[Place, float]
"""A metric by (data set, seed), as fractions in [0, 1]; a `Sample` knows its queries, too."""

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

    @property
    def known(self) -> bool:
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
    """What is known from elsewhere of how much a pair scatters where nothing truly changed.

    The sum of its squared deviations, and their degrees of freedom.
    """

    squares: float = 0.0
    freedom: int = 0


def difference(
    left: Values, right: Values, level: float = 0.95, on: str | None = None
) -> Difference | None:
    """`left` minus `right` over the cells that both have (`on` one data set); None: there is none.

    Each data set counts alike. Two things are drawn, seeds and identities, and both count: the
    variance between seeds, each of them one value whatever the number of data sets, and what
    identities add that seeds share (a two-way clustered variance: Cameron, Gelbach and Miller
    2011). Each component has the quantile of its own degrees of freedom (Banerjee 1960), so that
    the interval covers at least as often as it says, with any number of seeds. It is never
    narrower than that of identities alone.
    """
    places = [p for p in sorted(set(left) & set(right)) if on in (None, p[0])]
    if not places:
        return None
    gaps = {place: left[place] - right[place] for place in places}
    return mean_difference(gaps, _both(left, right, places), level)


def mean_difference(
    gaps: Values, queries: Mapping[Place, Queries], level: float = 0.95
) -> Difference:
    """As `difference`, of differences that are made already and the queries behind them.

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


def _both(left: Values, right: Values, places: Sequence[Place]) -> dict[Place, Queries]:
    """The queries of the differences, where both sides know theirs."""
    if not (isinstance(left, Sample) and isinstance(right, Sample)):
        return {}
    return {
        place: left.queries[place].minus(right.queries[place])
        for place in places
        if place in left.queries and place in right.queries
    }


def _between_seeds(gaps: Values, sets: Mapping[str, Sequence[float]]) -> float:
    """The variance of the mean over sets of the means over seeds, seeds being what is drawn.

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


def _drawn(queries: Mapping[Place, Queries], sets: Mapping[str, Sequence[float]]) -> Drawn:
    """Identities as what is drawn: over all seeds together, and what of that seeds share.

    What they share are products of different seeds, as squares within a seed show between seeds,
    too; deviations from the mean of n seeds hide an nth of it. One query more is counted whose
    outcome turns round, as rank-k moves in such steps: few that all agree are no certainty.
    """
    by_data: dict[str, dict[int, list[Weighted]]] = defaultdict(lambda: defaultdict(list))
    for (name, seed), cell in queries.items():
        by_data[cell.dataset][seed].append((1 / (len(sets[name]) * len(sets)), cell))
    whole = beyond = 0.0
    for by_seed in by_data.values():
        cells = [pair for pairs in by_seed.values() for pair in pairs]
        identities = min(cell.identities for _, cell in cells)
        small = identities / max(1, identities - 1)  # as a sample variance has it
        together = small * squared_sum(cells)
        within = small * math.fsum(squared_sum(pairs) for pairs in by_seed.values())
        shared = max(0.0, together - within) * len(by_seed) / (len(by_seed) - 1)
        step = math.fsum(weight / cell.count for weight, cell in cells) ** 2
        whole, beyond = whole + together + step, beyond + shared + step
    fewest = min(cell.identities for cell in queries.values())
    finest = min(1 / cell.count for cell in queries.values()) / len(sets)
    return Drawn(whole, beyond, max(1, fewest - 1), finest)


def _with_chance(plain: Difference, level: float) -> Difference:
    """With its interval and p-value."""
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
    """Half the width of the interval that misses with the chance `level` at most."""
    drawn, deviation = plain.drawn or Drawn(), plain.deviation or 0.0
    of_identities = quantile(level, drawn.freedom)
    of_seeds = quantile(level, plain.freedom) * deviation / math.sqrt(plain.freedom + 1)
    both = math.hypot(of_seeds, of_identities * math.sqrt(drawn.beyond))
    return max(both, of_identities * math.sqrt(drawn.whole))


def quantile(level: float, freedom: int) -> float:
    """What Student's t exceeds, to either side, with the chance `level`."""
    return float(-special.stdtrit(freedom, level / 2))


def level_for(gap: Difference, size: float) -> float:
    """The least level at which the half-width of the interval is `size`; 1 where none is known.

    For the size of the effect that is its p-value; for what the effect lacks to a margin, that of
    its being within the margin (two one-sided tests).
    """
    if gap.p is None or gap.low is None or size <= NOTHING:
        return 1.0
    return _level_for(gap, size)


def _level_for(gap: Difference, size: float) -> float:
    """By bisection of its logarithm."""
    low, high = -600.0, 0.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _half_width(gap, math.exp(middle)) > size else (low, middle)
    return math.exp(high)


def pooled_difference(
    now: Values, before: Values, known: Scatter | None = None
) -> Difference | None:
    """`now` minus `before` where every pair is the same cell run twice; None without a common one.

    Both began alike, so that pairs differ by what rounding makes of a training, independently, and
    their variance is pooled over data sets, each of which counts alike; so is what is `known` of
    it. `deviation` is that of one pair.
    """
    known = known or Scatter()
    gaps = by_set({p: now[p] - before[p] for p in sorted(set(now) & set(before))})
    if not gaps:
        return None
    effect = math.fsum(_mean(values) for values in gaps.values()) / len(gaps)
    pairs = sum(len(values) for values in gaps.values())
    freedom = pairs - len(gaps) + known.freedom
    if freedom == 0:
        return Difference(effect, pairs, len(gaps), 0)
    deviation = math.sqrt((_squares(gaps.values()) + known.squares) / freedom)
    error = deviation * math.sqrt(math.fsum(1 / len(v) for v in gaps.values())) / len(gaps)
    return _tested(Difference(effect, pairs, len(gaps), freedom, deviation), error)


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


def scatter_p_value(now: Values, runs: Sequence[Values]) -> float | None:
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
    left: Values, right: Values, known: Scatter | None = None
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
    return _tested(found, error)


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


def _tested(found: Difference, error: float) -> Difference:
    """With its 95 % interval and p-value; `error` is the standard error of the effect."""
    half = quantile(0.05, found.freedom) * error
    size = abs(found.effect)
    p = float(2 * stats.t.sf(size / error, found.freedom)) if error > 0 else float(size == 0)
    return replace(found, low=found.effect - half, high=found.effect + half, p=p)


# --- how much a number of seeds finds -------------------------------------------------------------


# --- how much a gate finds, which pairs a cell with itself ----------------------------------------
