"""The time left of tasks: what was expected of them, corrected by what has been measured."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from statistics import fmean


def corrected(
    expected: Mapping[str, float], measured: Mapping[str, float], groups: Mapping[str, Hashable]
) -> dict[str, float]:
    """Return the seconds that each expected task takes as a whole; `measured` are some of them.

    Tasks of one group take equally long: the mean of those measured counts for all of them. The
    ratio of all measured to expected corrects groups that nothing is measured of.
    """
    by_group: dict[Hashable, list[float]] = defaultdict(list)
    for key, seconds in measured.items():
        by_group[groups[key]].append(seconds)
    means = {group: fmean(seconds) for group, seconds in by_group.items()}
    planned = sum(expected[key] for key in measured)
    ratio = sum(measured.values()) / planned if planned else 1.0
    return {key: means.get(groups[key], seconds * ratio) for key, seconds in expected.items()}


def wall_left(left: Sequence[float], jobs: int) -> float:
    """Return the seconds until tasks have ended that still take `left` seconds, `jobs` at once."""
    return max(max(left, default=0.0), sum(left) / jobs)
