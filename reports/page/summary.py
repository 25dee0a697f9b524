"""A report at a glance: what was run, who leads by how much, and what became of the claims."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from crossres.benchmark.claims import ClaimVerdict
from crossres.benchmark.stats.paired import LEVEL, by_set, set_mean
from crossres.benchmark.stats.ranking import pairwise
from crossres.benchmark.stats.sample import Sample
from crossres.reports import wording as words
from crossres.reports.charts.axis import Tick, axis_of_means
from crossres.reports.claims import ClaimGroup
from crossres.reports.grid.grid import Column, Grid
from crossres.reports.grid.unplaced import Leftovers
from crossres.reports.page.differences import rows_of

VERDICTS: tuple[ClaimVerdict, ...] = ("holds", "does not hold", "no difference", "undecided")


@dataclass(frozen=True)
class Leader:
    """Who is first in one metric on one data set (None: over all of them), and by how much.

    `rows` are the indices of the row that is best beyond chance, or of all that are tied with the
    highest mean, which `best` and `mean` are of; `lead` is over the next one, in points, each mean
    over its own cells: `is_paired` where these are the same.
    """

    column: Column | None
    best: int
    mean: float
    rows: tuple[int, ...]
    lead: float
    next_one: int
    is_paired: bool

    @property
    def is_alone(self) -> bool:
        """Whether the first row is distinguishable from all others."""
        return len(self.rows) == 1


@dataclass(frozen=True)
class MeanSpot:
    """The mean of a row, and where it stands, in per cent of the width of a drawing."""

    row: int
    x: float
    text: str


@dataclass(frozen=True)
class Means:
    """The means of rows on one line: over all columns, or on the one that `over` names."""

    over: str
    ticks: tuple[Tick, ...]
    spots: tuple[MeanSpot, ...]


@dataclass(frozen=True)
class Glance:
    """One grid at a glance: the means of rows, and who leads where two rows or more were run."""

    grid: Grid
    anchor: str
    metric: str
    means: Means | None
    overall: Leader | None
    leaders: tuple[Leader, ...]


@dataclass(frozen=True)
class Overview:
    """The whole report at a glance: its grids, and the number of claims with each verdict.

    `done` counts cells, each once; `seconds` is their computing time, on one core each.
    """

    grids: tuple[Glance, ...]
    done: int
    missing: int
    seconds: float
    claims: Mapping[ClaimVerdict, int]
    failed: int
    broken: int
    machines: int


def overview_of(
    sections: Iterable[tuple[Grid, str]],
    claim_groups: Sequence[ClaimGroup],
    leftovers: Leftovers,
) -> Overview:
    """Return the overview of grids with their anchors."""
    glances = tuple(_glance(grid, anchor) for grid, anchor in sections)
    grids = [glance.grid for glance in glances]
    cells = {record.key: record for grid in grids for record in grid.records}.values()
    verdicts = Counter(answer.verdict for group in claim_groups for answer in group.measured)
    machines = {tuple(sorted(record.environment.items())) for record in cells}
    return Overview(
        glances,
        len(cells),
        max(leftovers.not_run, sum(len(glance.grid.missing) for glance in glances)),
        sum(record.seconds["total"] for record in cells),
        {verdict: verdicts[verdict] for verdict in VERDICTS if verdicts[verdict]},
        len(leftovers.failed),
        len(leftovers.broken),
        len(machines),
    )


def _glance(grid: Grid, anchor: str) -> Glance:
    metric = grid.table.metrics[0]
    leaders = [_leader(grid, column, metric) for column in grid.shown]
    samples = rows_of(grid, metric)
    everywhere = {row: s for row, s in samples.items() if len(by_set(s)) == len(grid.shown)}
    return Glance(
        grid,
        anchor,
        metric,
        _means(grid, metric, everywhere),
        _over_all(everywhere) if len(grid.shown) > 1 else None,
        tuple(leader for leader in leaders if leader is not None),
    )


def _means(grid: Grid, metric: str, everywhere: Mapping[int, Sample]) -> Means | None:
    """Return the means of the rows run everywhere; of the first column where there is none."""
    if everywhere and len(grid.shown) > 1:
        over = f"over {words.columns_words([column.dataset for column in grid.shown])}"
        means = {row: set_mean(sample) for row, sample in everywhere.items()}
    else:
        over = f"on {grid.shown[0].title}"
        means = _means_on(grid, grid.shown[0], metric)
    if not means:
        return None
    axis = axis_of_means([100 * mean for mean in means.values()], (), 0, 100)
    labels = [row.label for row in grid.table.rows]
    spots = (
        MeanSpot(row, axis.at(100 * mean), f"{labels[row]}: {words.percent(mean)}")
        for row, mean in means.items()
    )
    return Means(over, axis.ticks, tuple(spots))


def _means_on(grid: Grid, column: Column, metric: str) -> dict[int, float]:
    """Return the mean of each row that was run on a data set."""
    scores = {row: grid.score(row, column, metric) for row in range(len(grid.table.rows))}
    return {row: score.mean for row, score in scores.items() if score.mean is not None}


def _leader(grid: Grid, column: Column, metric: str) -> Leader | None:
    """Find the leader as the table marks it, a tie being none; None with fewer than two rows."""
    means = _means_on(grid, column, metric)
    if len(means) < 2:
        return None
    best, *followers = sorted(means, key=lambda row: -means[row])
    scores = {row: grid.score(row, column, metric) for row in means}
    tied = tuple(row for row in means if scores[row].mark == "tie")
    alone = (best,) if scores[best].mark == "best" else ()
    is_paired = scores[best].seeds == scores[followers[0]].seeds
    return _led(column, best, means, followers, alone or tied, is_paired)


def _over_all(values: Mapping[int, Sample]) -> Leader | None:
    """Find the leader of the rows run on every data set; tested as in the section Differences."""
    if len(values) < 2:
        return None
    means = {row: set_mean(sample) for row, sample in values.items()}
    best, *followers = sorted(means, key=lambda row: -means[row])
    order = [best, *followers]
    tests = pairwise([values[row] for row in order])
    is_paired = values[best].keys() == values[followers[0]].keys()
    if not tests:
        return _led(None, best, means, followers, (), is_paired)
    tested = {row: tests[0, n] for n, row in enumerate(order) if (0, n) in tests}
    near = [row for row, p in tested.items() if p > LEVEL]
    is_known = near or len(tested) == len(followers)
    rows = (best, *near) if is_known else ()
    return _led(None, best, means, followers, rows, is_paired)


def _led(
    column: Column | None,
    best: int,
    means: dict[int, float],
    followers: Sequence[int],
    rows: tuple[int, ...],
    is_paired: bool,
) -> Leader:
    lead = 100 * (means[best] - means[followers[0]])
    return Leader(column, best, means[best], rows, lead, followers[0], is_paired)


def leader_words(leader: Leader, labels: Sequence[str]) -> str:
    """Return "+3.1 points over SING, beyond chance", or "...; indistinguishable from SING"."""
    seeds = "" if leader.is_paired else ", which has other seeds"
    lead = f"{words.signed(leader.lead)} points over {labels[leader.next_one]}{seeds}"
    if not leader.rows:
        few = "with one seed" if leader.is_paired else "with so few seeds in common"
        return f"{lead}; {few}, chance cannot be assessed"
    if leader.is_alone:
        return f"{lead}, beyond chance"
    tied = [labels[row] for row in leader.rows if row != leader.best]
    some = words.listed(tied) if len(tied) <= 2 else f"{tied[0]} and {len(tied) - 1} more rows"
    return f"{lead}; indistinguishable from {some}"
