"""Axes of drawings: where values stand, round ticks, and labels that do not overlap."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from crossres.reports.wording import signed

Gap = tuple[float, float | None, float | None]
"""A difference and the ends of its interval, which may be missing."""

REACH = 15.0  # points


@dataclass(frozen=True)
class Tick:
    """A labelled position along an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Axis:
    """Values from `low` to `high` along positions from `start` to `end`, which may be the lesser.

    `ticks` are empty unless the axis was made with some.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[Tick, ...] = ()

    def at(self, value: float) -> float:
        """Return the position of a value, to a tenth."""
        return round(self.exactly(value), 1)

    def inside(self, value: float) -> float:
        """Return the position of a value, to a tenth, or of the nearest limit."""
        return self.at(min(self.high, max(self.low, value)))

    def exactly(self, value: float) -> float:
        """Return the position of a value: what labels are put in order by."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + (self.end - self.start) * share


def percent_axis(values: Sequence[float], start: float, end: float) -> Axis:
    """Return an axis of per cent around `values`, which are per cent, too."""
    axis = Axis(*scale(min(values), max(values)), start, end)
    ticks = round_ticks(axis.low, axis.high)
    return replace(axis, ticks=tuple(Tick(axis.at(tick), f"{tick:g}") for tick in ticks))


def axis_of_means(means: Sequence[float], ends: Iterable[float], start: float, end: float) -> Axis:
    """Return an axis of per cent around `means` that reaches to the ends of their intervals.

    But to no more than REACH points beyond the means: with few seeds an interval may span
    everything, on an axis of which the means could not be told apart.
    """
    low, high = min(means) - REACH, max(means) + REACH
    return percent_axis([*means, *(min(high, max(low, value)) for value in ends)], start, end)


def gap_axis(
    gaps: Iterable[Gap], start: float, end: float, *, parts: int, margin: float = 0.5
) -> Axis:
    """Return an axis of points around zero and all (effect, low, high), which are fractions.

    `margin`: the points beyond the outermost. The ticks divide the axis into at most `parts`.
    """
    ends = [0.0, *(100 * value for gap in gaps for value in gap if value is not None)]
    axis = Axis(min(ends) - margin, max(ends) + margin, start, end)
    step = round_step(axis.high - axis.low, parts)
    points = range(math.ceil(axis.low / step) * step, math.floor(axis.high) + 1, step)
    # A tick is whole points: "+5", "−10", "0".
    ticks = tuple(Tick(axis.at(tick), signed(tick)[:-2] or "0") for tick in points)
    return replace(axis, ticks=ticks)


def spread(targets: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return positions near `targets` in their order, `gap` apart where [low, high] allows."""
    order = sorted(range(len(targets)), key=lambda i: (targets[i], i))
    gap = min(gap, (high - low) / max(1, len(targets) - 1))
    placed = [0.0] * len(targets)
    blocks: list[list[int]] = []
    for index in order:
        blocks.append([index])
        while len(blocks) > 1 and _overlap(blocks[-2], blocks[-1], targets, gap):
            tail = blocks.pop()
            blocks[-1] += tail
    for block in blocks:
        for index, position in zip(block, _block_places(block, targets, gap), strict=True):
            placed[index] = position
    return _clamped(placed, order, gap, low, high)


def _block_places(block: Sequence[int], targets: Sequence[float], gap: float) -> list[float]:
    centre = math.fsum(targets[i] for i in block) / len(block)
    return [centre + gap * (k - (len(block) - 1) / 2) for k in range(len(block))]


def _overlap(
    above: Sequence[int], below: Sequence[int], targets: Sequence[float], gap: float
) -> bool:
    return _block_places(below, targets, gap)[0] - _block_places(above, targets, gap)[-1] < gap


def _clamped(
    placed: list[float], order: Sequence[int], gap: float, low: float, high: float
) -> list[float]:
    """Push positions inside [low, high] without changing their order or gaps."""
    floor = low
    for index in order:
        placed[index] = max(placed[index], floor)
        floor = placed[index] + gap
    ceiling = high
    for index in reversed(order):
        placed[index] = min(placed[index], ceiling)
        ceiling = placed[index] - gap
    return placed


def scale(lowest: float, highest: float) -> tuple[float, float]:
    """Round limits around the values, at least ten points apart, inside 0..100."""
    low, high = 5 * math.floor((lowest - 2) / 5), 5 * math.ceil((highest + 2) / 5)
    if high - low < 10:
        low, high = low - 5, high + 5
    return float(max(0, low)), float(min(100, high))


def round_ticks(low: float, high: float) -> list[float]:
    """Return two to five round values within the limits."""
    step = next(s for s in (5, 10, 20, 25, 50) if (high - low) / s <= 4 or s == 50)
    first = math.ceil(low / step) * step
    return [float(t) for t in range(int(first), int(high) + 1, step)]


def round_step(span: float, parts: int) -> int:
    """Return the least of 1, 2, 5, 10, 20, ... that cuts a finite `span` into `parts` at most."""
    least = math.ceil(span / parts)
    power: int = 10 ** (len(str(least)) - 1)
    return next((k * power for k in (1, 2, 5) if k * power >= least), 10 * power)
