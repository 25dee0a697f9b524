"""Draw the diagram of mean ranks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crossres.benchmark.stats.paired import LEVEL, Values
from crossres.benchmark.stats.ranking import indistinguishable_groups, mean_ranks
from crossres.datasets.base.words import listed
from crossres.reports.charts.axis import Axis, Tick, round_step

AXIS = (260.0, 520.0)  # of a diagram that is 780 wide: the rest is for names and letters
LINE, BAR = 18.0, 11.0  # from one name, and one bar, of a diagram to the next


@dataclass(frozen=True)
class Named:
    """One row of a diagram: its mean rank, its joints' letters, its places on axis and paper."""

    label: str
    rank: float
    letters: str
    x: float
    y: float
    left: bool


@dataclass(frozen=True)
class Joint:
    """The bar of rows that are indistinguishable, with a knot at each of them."""

    letter: str
    y: float
    knots: tuple[float, ...]
    text: str


@dataclass(frozen=True)
class Diagram:
    """Mean ranks over `cells` on an axis, the first rank at the left; bars join like rows.

    `apart` of `pairs` are distinguishable.
    """

    height: float
    ticks: tuple[Tick, ...]
    names: tuple[Named, ...]
    joints: tuple[Joint, ...]
    cells: int
    apart: int
    pairs: int


def diagram(
    labels: Sequence[str], values: Sequence[Values], tests: Mapping[tuple[int, int], float]
) -> Diagram | None:
    """Draw Demšar's (2006) diagram of mean ranks, with joints from paired tests of all pairs.

    None where no cell has every row, no pair can be tested, or there is but one pair.
    """
    ranks = mean_ranks(values)
    if len(ranks) < 3 or not tests:
        return None
    order = sorted(range(len(labels)), key=lambda row: (ranks[row], row))
    axis = Axis(1, len(labels), *AXIS)
    x = [axis.at(rank) for rank in ranks]
    groups = sorted(
        indistinguishable_groups(len(labels), tests), key=lambda g: sorted(x[r] for r in g)
    )
    joints = tuple(
        Joint(
            _letter(position),
            36 + BAR * position,
            tuple(sorted(x[row] for row in group)),
            f"indistinguishable: {listed(labels[row] for row in order if row in group)}",
        )
        for position, group in enumerate(groups)
    )
    start, half = 48 + BAR * len(joints), (len(order) + 1) // 2
    names = tuple(
        Named(
            labels[row],
            ranks[row],
            " ".join(_letter(position) for position, group in enumerate(groups) if row in group),
            x[row],
            start + LINE * min(position, len(order) - 1 - position),
            position < half,
        )
        for position, row in enumerate(order)
    )
    return Diagram(
        start + LINE * half,
        tuple(Tick(axis.at(rank), str(rank)) for rank in _labelled_ranks(len(labels))),
        names,
        joints,
        len(set.intersection(*map(set, values))),
        sum(p <= LEVEL for p in tests.values()),
        len(labels) * (len(labels) - 1) // 2,
    )


def _letter(index: int) -> str:
    """Return a to z, then numbers: places that coincide need more than a knot to tell rows."""
    return chr(ord("a") + index) if index < 26 else str(index + 1)


def _labelled_ranks(rows: int) -> list[int]:
    step = round_step(rows, 12)
    return [1, *range(step if step > 1 else 2, rows + 1, step)]
