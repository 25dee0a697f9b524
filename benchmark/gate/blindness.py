"""What a check could not have found: finding nothing is no answer where nothing can be found."""

import math
from dataclasses import dataclass

from crossres.benchmark.compare.comparison import Comparison
from crossres.benchmark.gate.limits import Limits
from crossres.benchmark.gate.metric_tests import Test


@dataclass(frozen=True)
class Blind:
    """One thing that must be found and could not have been, in a line; `row` is its row, if any."""

    text: str
    row: str | None = None


def blind_spots(
    comparison: Comparison, tests: tuple[Test, ...], limits: Limits
) -> tuple[Blind, ...]:
    """Return what could not have been found, worst first; () if each drop that matters could.

    A drop matters from `Limits.must_find` on, in the first metric, of all rows and of each row;
    with 100 points none does, but each row must have the metric. Bounds on time and memory say
    nothing where no cell was run twice.
    """
    metric = limits.metrics[0]
    tests = tuple(test for test in tests if test.metric == metric)
    untested = [row for row in comparison.rows if row not in {test.row for test in tests}]
    missing = [Blind(f"no {metric} of {row} on both sides", row) for row in untested]
    several = len({test.gallery for test in tests}) > 1
    blind = [test for test in tests if not _sees(test, limits)]
    blind.sort(key=lambda test: -(test.needs or math.inf))
    unseen = [Blind(_words(test, limits, several), test.row) for test in blind]
    return (*([] if limits.exact else [*missing, *unseen]), *_costs(comparison, limits))


def _sees(test: Test, limits: Limits) -> bool:
    """Say whether a drop that matters is found."""
    return limits.must_find == 1 or (test.finds is not None and test.finds <= limits.must_find)


def _words(test: Test, limits: Limits, says_gallery: bool) -> str:
    row = "all rows" if test.row is None else test.row
    metric = f"{test.metric}, {test.gallery}," if says_gallery else test.metric
    drop = f"{100 * min(limits.must_find, test.before):.3g} points"
    if test.needs is None:
        need = f"how many seeds {drop} need cannot be said from these"
    else:
        need = f"{drop} need {test.needs:,} seeds"
    if test.finds is None:
        return (
            f"finds no drop of {metric} in {row} that is possible "
            f"(it is {100 * test.before:.1f}); {need}"
        )
    return f"finds drops of {metric} in {row} from {100 * test.finds:.1f} points; {need}"


def _costs(comparison: Comparison, limits: Limits) -> list[Blind]:
    overall = comparison.costs[0]
    bounds = (("time", limits.time, overall.seconds), ("memory", limits.memory, overall.memory))
    return [
        Blind(f"{name}: no cell was run twice")
        for name, bound, ratio in bounds
        if bound is not None and ratio is None
    ]
