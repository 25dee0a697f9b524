"""What each kind of statement says of a drawn table, by the code that makes it for users."""

from collections.abc import Sequence
from itertools import combinations

from crossres.benchmark.claims import answers
from crossres.benchmark.config.claims import Claim
from crossres.benchmark.stats.paired import LEVEL, difference, mean_difference
from crossres.benchmark.stats.ranking import holm, pairwise
from crossres.benchmark.stats.sample import Sample
from crossres.reports.grid.marks import marks
from tests.simulations.drawing import LEVEL_OF_ALL, Layout

KINDS = (
    "two rows, one set",
    "two rows, all sets",
    "any two rows",
    "marks",
    "interval of a row",
    "claims",
    "--against",
)
FIRST = "0"  # the data set of statements about one


def wrong(layout: Layout, table: Sequence[Sample]) -> dict[str, bool]:
    """Which kinds of statement are wrong of a table whose rows are truly equal."""
    half = len(table) // 2
    gaps = [difference(b, a) for b, a in zip(table[half:], table, strict=False)]
    return {
        "two rows, one set": _told_apart(table[0], table[1], FIRST),
        "two rows, all sets": _told_apart(table[0], table[1]),
        "any two rows": any(p <= LEVEL for p in pairwise(table).values()),
        "marks": any(mark not in ("", "tie") for of in marks(table).values() for mark in of)
        or any("tie" in of and "" in of for of in marks(table).values()),
        "interval of a row": layout.metric == "rank1" and _misses(table[0].only([FIRST])),
        "claims": bool({"holds", "does not hold"} & set(verdicts(layout, table, 0.01))),
        "--against": min(holm([gap.p or 1.0 for gap in gaps if gap])) <= LEVEL,
    }


def _told_apart(left: Sample, right: Sample, on: str | None = None) -> bool:
    gap = difference(left, right, on=on)
    return gap is not None and gap.p is not None and gap.p <= LEVEL


def _misses(row: Sample) -> bool:
    mean = mean_difference(row, row.queries)
    return mean.low is not None and not mean.low <= LEVEL_OF_ALL <= (mean.high or 1.0)


def verdicts(layout: Layout, table: Sequence[Sample], margin: float) -> list[str]:
    """On claims that each row is above the next, and that the first is above all others."""
    rows = {str(index): sample for index, sample in enumerate(table)}
    sets = tuple(str(index) for index in range(layout.sets))
    rivals = [*combinations(rows, 2)][: 2 * len(rows)]
    pairs = [(left, (right,)) for left, right in rivals] + [("0", tuple(rows)[1:])]
    claims = [
        Claim(f"{left} {rights}", "", "", "", "rank1", left, rights, "higher", sets, margin)
        for left, rights in pairs
    ]
    return [answer.verdict for answer in answers(claims, [rows] * len(claims))]


def finds(table: Sequence[Sample], on: str | None = None) -> bool:
    """Whether the first row, which truly leads, is told from the second."""
    gap = difference(table[0], table[1], on=on)
    return gap is not None and gap.beyond_chance and gap.effect > 0
