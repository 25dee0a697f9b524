"""What a check finds in four cases of five: by its tests, or as it is beyond a bound."""

from scipy import special  # not scipy.stats, which takes several times as long to load

from crossres.benchmark.gate.limits import NEGLIGIBLE, Limits
from crossres.benchmark.stats.power import (
    detectable_drop,
    error_of_pairs,
    freedom_of_pairs,
    margin,
    power,
    seeds_beyond,
    seeds_needed,
)

WANTED = 0.8  # the chance of finding a drop that is called one that is found


def least_drop(error: float, freedom: int, level: float, limits: Limits) -> float | None:
    """Return the least true drop of a mean with this standard error that is found; None: no test.

    A drop of the size of a bound is beyond it in one case of two only. `level` is two-sided.
    """
    tested = detectable_drop(error, freedom, level, WANTED)
    if tested is None:
        return None
    return max(NEGLIGIBLE, min(tested, limits.bound + margin(error, freedom, WANTED)))


def possible_drop(drop: float | None, before: float) -> float | None:
    """Return `drop`, or None where a metric of `before` cannot fall by so much."""
    return None if drop is None or drop > before else drop


def seeds_for_drop(
    drop: float, deviation: float, sets: int, level: float, limits: Limits, runs: int
) -> int | None:
    """Return the least number of seeds with which a true `drop` is found; None beyond reach.

    `deviation` is that of a pair, `runs` the number of those of the baseline.
    """
    by_test = seeds_needed(drop, deviation, sets, level, WANTED, runs)
    by_bound = seeds_beyond(drop - limits.bound, deviation, sets, WANTED, runs)
    return min((seeds for seeds in (by_test, by_bound) if seeds is not None), default=None)


def chance_of_drop(
    drop: float, deviation: float, seeds: int, sets: int, level: float, limits: Limits, runs: int
) -> float:
    """Return how often a true `drop` is found, with so many seeds on each set."""
    if freedom_of_pairs(seeds, sets, runs) < 1:
        return 0.0
    tested = power(drop, deviation, seeds, sets, level, runs)
    error = error_of_pairs(deviation, seeds, sets)
    beyond = special.ndtr((drop - limits.bound) / error) if error else float(drop > limits.bound)
    return max(tested, float(beyond))
