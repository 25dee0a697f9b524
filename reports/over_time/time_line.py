"""How the rows of one table moved from results folder to results folder, and where beyond chance.

Each step compares a folder with the one before it, over the data sets and seeds that both have. A
mean is over all seeds of its folder, so two of them may differ by their seeds alone: `is_whole`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from crossres.benchmark.config.tables import Row
from crossres.benchmark.stats.paired import LEVEL, Difference, by_set, difference, set_mean
from crossres.benchmark.stats.ranking import holm
from crossres.benchmark.stats.sample import Sample, TrialId
from crossres.reports.grid.grid import Grid
from crossres.reports.over_time.folders import IndexedFolder

METRIC = "mAP"  # what a gate watches; else the first metric of the table


@dataclass(frozen=True)
class Step:
    """The change of a row since the folder before that has it; p is corrected for all steps of the
    table.

    `before` and `now` are its means over the `cells` (data set and seed) that both have, of which
    the change is the difference. `is_whole`: neither has others. p is None where nothing can be
    tested, with one seed.
    """

    change: Difference
    p: float | None
    since: int
    before: float
    now: float
    cells: int
    is_whole: bool

    @property
    def beyond_chance(self) -> bool:
        """Whether it is a step up or down, not scatter."""
        return self.p is not None and self.p <= LEVEL


@dataclass(frozen=True)
class Stop:
    """A row in one folder: its mean over the data sets that all folders have, and the step.

    `seeds`: the least and the greatest number of seeds that it has on one of these.
    """

    folder: int
    mean: float
    seeds: tuple[int, int]
    step: Step | None = None


@dataclass(frozen=True)
class RowOverTime:
    """One row; its `stops` are in the order of the folders, those without it left out."""

    row: Row
    label: str
    stops: tuple[Stop, ...]

    @property
    def is_followed(self) -> bool:
        """Whether it stands in more than one folder."""
        return len(self.stops) > 1


@dataclass(frozen=True)
class TimeLine:
    """One table from one source with one profile, in two or more folders.

    folders: indices into the list of folders. datasets: those that the means are over.
    """

    grid: Grid
    metric: str
    folders: tuple[int, ...]
    datasets: tuple[str, ...]
    rows: tuple[RowOverTime, ...]


def time_lines(folders: Sequence[IndexedFolder]) -> list[TimeLine]:
    """Return the tables that several folders have, in the order in which they first appear."""
    groups: dict[tuple[str, str, str], dict[int, Grid]] = {}
    for index, folder in enumerate(folders):
        for grid in folder.grids:
            groups.setdefault((grid.table.id, grid.source, grid.profile), {})[index] = grid
    lines = [_time_line(grids) for grids in groups.values() if len(grids) > 1]
    return [line for line in lines if line is not None]


def _time_line(grids: dict[int, Grid]) -> TimeLine | None:
    last = grids[max(grids)]
    metric = METRIC if METRIC in last.table.metrics else last.table.metrics[0]
    columns = [
        column for column in last.shown if all(column in grid.shown for grid in grids.values())
    ]
    if not columns:
        return None
    labels = dict.fromkeys(row.label for grid in grids.values() for row in grid.table.rows)
    rows = []
    for label in labels:
        samples: dict[int, Sample] = {}
        for index, grid in grids.items():
            at = next((k for k, row in enumerate(grid.table.rows) if row.label == label), None)
            sample = None if at is None else grid.sample(at, metric, columns)
            if sample and len(by_set(sample)) == len(columns):
                samples[index] = sample
        if samples:
            row = next(r for g in grids.values() for r in g.table.rows if r.label == label)
            rows.append(RowOverTime(row, label, _stops(samples)))
    titles = tuple(column.title for column in columns)
    return TimeLine(last, metric, tuple(grids), titles, _corrected(rows)) if rows else None


def _stops(samples: dict[int, Sample]) -> tuple[Stop, ...]:
    stops = []
    before: int | None = None
    for index, sample in samples.items():
        step = None if before is None else _step(sample, samples[before], before)
        counts = [len(values) for values in by_set(sample).values()]
        stops.append(Stop(index, set_mean(sample), (min(counts), max(counts)), step))
        before = index
    return tuple(stops)


def _step(now: Sample, before: Sample, since: int) -> Step | None:
    """Return the step from one sample to another; None where they have no cell in common."""
    change = difference(now, before)
    if change is None:
        return None
    both: list[TrialId] = sorted(now.keys() & before.keys())
    means = [set_mean({trial: sample[trial] for trial in both}) for sample in (before, now)]
    is_whole = now.keys() == before.keys()
    return Step(change, change.p, since, means[0], means[1], len(both), is_whole)


def _corrected(rows: Sequence[RowOverTime]) -> tuple[RowOverTime, ...]:
    """Return the rows with the p-values of their steps corrected (Holm), as one of many is looked
    for.
    """
    tested = [
        stop.step.p
        for row in rows
        for stop in row.stops
        if stop.step is not None and stop.step.p is not None
    ]
    values = iter(holm(tested))

    def corrected(stop: Stop) -> Stop:
        if stop.step is None or stop.step.p is None:
            return stop
        return replace(stop, step=replace(stop.step, p=next(values)))

    return tuple(replace(row, stops=tuple(map(corrected, row.stops))) for row in rows)
