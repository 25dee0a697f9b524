"""What a number of seeds finds: power, and the seeds that a difference needs."""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special  # not scipy.stats, which takes several times as long to load

from crossres.benchmark.stats.paired import LEVEL, NOTHING, Difference, quantile

MOST_SEEDS = 10_000
QUANTILES = 400  # of the measured variance, over which power is averaged


def chance_to_find(
    effect: float, gap: Difference, seeds: int, level: float = LEVEL
) -> float | None:
    """Return how often `difference` finds a true `effect` with so many seeds on each data set.

    The spread is taken to be that of `gap`, and identities stay the same ones: more seeds do not
    make more of them. None where the spread is not known.
    """
    if gap.low is None or gap.deviation is None or gap.drawn is None:
        return None
    if seeds < 2:
        return 0.0
    variance, beyond = gap.deviation**2 / seeds, gap.drawn.beyond
    spread = math.sqrt(variance + beyond)
    if spread == 0:
        return float(effect != 0)
    measured = variance * _quantiles_of_squares(seeds - 1) / (seeds - 1)
    of_identities = quantile(level, gap.drawn.freedom) ** 2
    total = beyond + (gap.drawn.whole - beyond) * (gap.freedom + 1) / seeds
    both = quantile(level, seeds - 1) ** 2 * measured + of_identities * beyond
    limit = np.sqrt(np.maximum(both, of_identities * total))
    sides = [special.ndtr((side * effect - limit) / spread) for side in (1, -1)]
    return float(np.mean(sides[0] + sides[1]))


@lru_cache(64)
def _quantiles_of_squares(freedom: int) -> NDArray[np.float64]:
    """Return QUANTILES quantiles of chi-squared."""
    parts = (np.arange(QUANTILES) + 0.5) / QUANTILES
    quantiles: NDArray[np.float64] = 2 * special.gammaincinv(freedom / 2, parts)
    return quantiles


def seeds_to_find(
    effect: float, gap: Difference, chance: float = 0.8, level: float = LEVEL
) -> int | None:
    """Return the least number of seeds with which `chance_to_find` reaches `chance`.

    None where more than 10,000 would not, as identities that seeds share scatter too much, and
    where the spread is not known.
    """
    return _least_seeds(lambda seeds: chance_to_find(effect, gap, seeds, level) or 0.0, chance)


def _least_seeds(chance_with: Callable[[int], float], chance: float) -> int | None:
    """Return the least number with which the chance is reached; None beyond MOST_SEEDS."""
    low, high = 0, MOST_SEEDS
    if chance_with(high) < chance:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if chance_with(middle) < chance else (low, middle)
    return high


def detectable_difference(
    gap: Difference, chance: float = 0.8, level: float = LEVEL
) -> float | None:
    """Return the least true effect that the present number of seeds finds with this chance."""
    from scipy import optimize

    seeds = gap.freedom + 1
    if chance_to_find(0.0, gap, seeds, level) is None:
        return None

    def lacking(effect: float) -> float:
        return (chance_to_find(effect, gap, seeds, level) or 0.0) - chance

    high = NOTHING
    while lacking(high) < 0:
        high *= 2
    return float(optimize.brentq(lacking, 0.0, high, rtol=1e-9)) if high > NOTHING else 0.0


def power(
    effect: float,
    deviation: float,
    seeds: int,
    sets: int = 1,
    level: float = 0.05,
    runs: int = 1,
) -> float:
    """Return the chance that the two-sided paired test finds a true `effect`, with `seeds` a set.

    With several `runs` on one side their scatter counts with that of the pairs, as in
    `difference_of_runs`; all sets are taken to scatter alike. `deviation` is that of a pair all the
    same.
    """
    freedom, error = freedom_of_pairs(seeds, sets, runs), error_of_pairs(deviation, seeds, sets)
    if freedom < 1:
        return 0.0
    return _chance(abs(effect) / error, freedom, level) if error else float(effect != 0)


def freedom_of_pairs(seeds: int, sets: int, runs: int = 1) -> int:
    """Return the degrees of freedom of the scatter of so many seeds on each set; below 1: no test.

    `runs`: how often each cell of one side was run with other draws.
    """
    return sets * (seeds * runs - 1)


def error_of_pairs(deviation: float, seeds: int, sets: int) -> float:
    """Return the standard error of the mean of so many pairs that scatter by `deviation` each."""
    return deviation / math.sqrt(seeds * sets)


def _chance(shift: float, freedom: int, level: float) -> float:
    """Return the chance that a t-test at `level` finds an effect of `shift` standard errors."""
    from scipy import stats

    limit = float(special.stdtrit(freedom, 1 - level / 2))
    above, below = stats.nct.sf(limit, freedom, shift), stats.nct.cdf(-limit, freedom, shift)
    # Far out in the tails the non-central t of scipy is NaN: for the side of the effect the normal
    # distribution serves, and the other side is nothing there.
    near = above if math.isfinite(above) else special.ndtr(shift - limit)
    return float(near + (below if math.isfinite(below) else 0.0))


def seeds_needed(
    effect: float,
    deviation: float,
    sets: int = 1,
    level: float = 0.05,
    chance: float = 0.8,
    runs: int = 1,
) -> int | None:
    """Return the least number of seeds with which `power` reaches `chance`; None beyond 10,000."""
    return _least_seeds(lambda seeds: power(effect, deviation, seeds, sets, level, runs), chance)


def margin(error: float, freedom: int, chance: float = 0.8) -> float:
    """Return by how much a true effect must exceed a bound so that its mean does, with this chance.

    The mean has this standard error, known with these degrees of freedom (one or more).
    """
    return error * quantile(2 * (1 - chance), freedom)


def seeds_beyond(
    excess: float, deviation: float, sets: int = 1, chance: float = 0.8, runs: int = 1
) -> int | None:
    """Return the least number of seeds whose `margin` is at most `excess`; None beyond 10,000."""

    def reached(seeds: int) -> float:
        freedom = freedom_of_pairs(seeds, sets, runs)
        if freedom < 1:
            return 0.0
        return float(margin(error_of_pairs(deviation, seeds, sets), freedom, chance) <= excess)

    return _least_seeds(reached, 1.0)


def detectable_drop(
    error: float, freedom: int, level: float = 0.05, chance: float = 0.8
) -> float | None:
    """Return the least true effect that is found with this chance; None where no test can be.

    The mean has this standard error, known with these degrees of freedom. `level` is two-sided.
    """
    from scipy import optimize

    if freedom < 1:
        return None
    high = 1.0
    while _chance(high, freedom, level) < chance:
        high *= 2

    def lacking(shift: float) -> float:
        return _chance(shift, freedom, level) - chance

    shift = float(optimize.brentq(lacking, 0.0, high, rtol=1e-9))
    return shift * error
