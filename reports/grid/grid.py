"""What a report is made of: a grid of rows x columns x metrics from one source with one profile.

Every number keeps the keys of the records it came from; nothing is formatted here.
"""

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

from crossres.benchmark.config.tables import Published, Table
from crossres.benchmark.metrics.rules import GalleryRule
from crossres.benchmark.records.queries import QueryReader, from_counts, sample_of
from crossres.benchmark.records.record import Record
from crossres.benchmark.stats.paired import mean_difference
from crossres.benchmark.stats.sample import Sample, TrialId
from crossres.methods.interface.declaration import Declaration
from crossres.methods.interface.option_kinds import OptionKind
from crossres.methods.interface.registry import declaration
from crossres.reports.grid.departures import Departure
from crossres.reports.grid.standing import cautions, data_title, is_comparable

Mark = Literal["", "best", "tie", "second"]
BY_ROW = "by row"  # the protocol of a column whose rows have protocols of their own


@dataclass(frozen=True, order=True)
class Column:
    """A data set under one protocol (or BY_ROW). `title` is the name that published tables use."""

    dataset: str
    protocol: str
    title: str = field(compare=False)

    @property
    def name(self) -> str:
        """What tells the column from others in a `Sample`."""
        return f"{self.dataset} {self.protocol}"


@dataclass(frozen=True)
class Score:
    """One metric of one row on one column: fractions per seed, in the order of the seeds."""

    values: tuple[float, ...] = ()
    seeds: tuple[int, ...] = ()
    keys: tuple[str, ...] = ()
    published: Published | None = None
    mark: Mark = ""

    @property
    def n(self) -> int:
        """The number of seeds measured."""
        return len(self.values)

    @cached_property
    def mean(self) -> float | None:
        """Arithmetic mean over the seeds; None when nothing was measured."""
        return math.fsum(self.values) / self.n if self.values else None

    @cached_property
    def std(self) -> float | None:
        """Sample standard deviation (ddof = 1); None for fewer than two seeds."""
        return statistics.stdev(self.values) if self.n > 1 else None


@dataclass(frozen=True)
class Cells:
    """The records of one row on one column by seed, and the table's seeds that have none."""

    records: tuple[Record, ...] = ()
    missing: tuple[int, ...] = ()


@dataclass(frozen=True)
class Training:
    """What a row was trained on in one column, means over the seeds, and how long it took."""

    identities: float
    images: float
    seconds: tuple[float, ...]

    @property
    def mean_seconds(self) -> float:
        """Mean over the seeds of the time of training."""
        return statistics.fmean(self.seconds)


@dataclass(frozen=True)
class Grid:
    """One table filled from one source with one profile.

    uses_rate: of each row, whether its method is given the rates of test images. departures: of
    each row, what the profile sets otherwise than its method. `queries` reads what is known of the
    queries of a record. The oracle of the table, if it has one, has the index after its last row:
    in `cells`, `scores`, `uses_rate`, `departures` and `methods` alone, not in what is said of
    rows. `withheld` is what papers print that may not stand beside these numbers. `unmatched` are
    the records of no row, `obstacles` say why they are of none, the most frequent reason first.
    """

    table: Table
    source: str
    profile: str
    columns: tuple[Column, ...]
    cells: Mapping[tuple[int, Column], Cells]
    scores: Mapping[tuple[int, Column, str, str], Score]
    uses_rate: tuple[bool, ...]
    departures: tuple[tuple[Departure, ...], ...]
    queries: QueryReader = from_counts
    unmatched: tuple[Record, ...] = ()
    obstacles: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    withheld: tuple[Published, ...] = ()

    @cached_property
    def oracle(self) -> int | None:
        """The index of the oracle; None where the table has none, or nothing of it was run."""
        lines = range(len(self.table.rows), len(self.table.lines))
        return next((k for k in lines if any(self.cells[k, c].records for c in self.columns)), None)

    @property
    def lines(self) -> tuple[int, ...]:
        """The indices of what a table shows: the rows and, last, the oracle."""
        rows = range(len(self.table.rows))
        return (*rows,) if self.oracle is None else (*rows, self.oracle)

    def score(self, row: int, column: Column, metric: str, gallery: str | None = None) -> Score:
        """Return the score of a row (index into table.lines), by default under its `rule`."""
        return self.scores.get((row, column, metric, gallery or self.rule(column)), Score())

    def rule(self, column: Column) -> GalleryRule:
        """Return the gallery rule of the headline numbers of a column."""
        return self.table.rule(column.protocol)

    def sample(self, row: int, metric: str, columns: Iterable[Column] | None = None) -> Sample:
        """Return a metric of a row on these columns (default: `shown`), each under its rule."""
        samples = [
            sample_of(
                trials(column, self.cells[row, column]), self.rule(column), metric, self.queries
            )
            for column in (self.shown if columns is None else columns)
        ]
        return Sample(
            {trial: value for sample in samples for trial, value in sample.items()},
            {trial: q for sample in samples for trial, q in sample.queries.items()},
        )

    def interval(
        self, row: int, column: Column, metric: str, gallery: str | None = None
    ) -> tuple[float, float] | None:
        """Return the 95 % interval of the mean of a row there, fractions; None where unknown."""
        place = row, column, metric, gallery or self.rule(column)
        if place not in self._intervals:
            records = trials(column, self.cells[row, column])
            sample = sample_of(records, place[-1], metric, self.queries)
            self._intervals[place] = interval_of(sample)
        return self._intervals[place]

    @cached_property
    def _intervals(self) -> dict[tuple[int, Column, str, str], tuple[float, float] | None]:
        """What `interval` has answered: page, figures and JSON ask for the same ones."""
        return {}

    def training(self, row: int, column: Column) -> Training | None:
        """Return the training set of a row and the seconds of its training; None if not run."""
        records = self.cells[row, column].records
        if not records:
            return None
        return Training(
            statistics.fmean(record.counts["train_pids"] for record in records),
            statistics.fmean(record.counts["train_images"] for record in records),
            tuple(record.seconds["fit"] for record in records),
        )

    @cached_property
    def methods(self) -> tuple[type[Declaration], ...]:
        """What the method of each row of the table, and of its oracle, declares."""
        return tuple(declaration(row.method) for row in self.table.lines)

    @cached_property
    def is_mixed(self) -> bool:
        """Whether rows differ in their grade, in what the profile changes in their methods, or in
        whether they are told the query's rate.
        """
        rows = range(len(self.table.rows))
        said = {(self.methods[k].grade, self.changed(k), self.uses_rate[k]) for k in rows}
        return len(said) > 1

    def changed(self, row: int) -> tuple[OptionKind, ...]:
        """Return the kinds of options in which the profile makes another method of the row's.

        They are those of all rows of the method, also where this row sets one of several such
        options itself: rows that differ by an option have one grade.
        """
        if not any(departure.changes_method for departure in self.departures[row]):
            return ()
        alike = [k for k, method in enumerate(self.methods) if method is self.methods[row]]
        kinds = {d.kind for k in alike for d in self.departures[k] if d.changes_method}
        return tuple(sorted(kinds, key=get_args(OptionKind).index))

    @cached_property
    def profile_name(self) -> str:
        """The name that the profile has in its file, as the records have it."""
        return self.records[0].cell.profile

    @cached_property
    def shown(self) -> tuple[Column, ...]:
        """The columns with at least one record."""
        return tuple(column for column in self.columns if any(self.records_on(column)))

    @property
    def empty(self) -> tuple[Column, ...]:
        """The table's columns for which nothing has been measured."""
        return tuple(c for c in self.columns if c not in self.shown)

    @cached_property
    def records(self) -> tuple[Record, ...]:
        """All records in the grid, by row, column and seed, each once; the oracle's come last."""
        by_key = {
            record.key: record
            for row in range(len(self.table.lines))
            for column in self.columns
            for record in self.cells[row, column].records
        }
        return tuple(by_key.values())

    @cached_property
    def title(self) -> str:
        """The title of the table, which says so where it is not the test of what bears its name."""
        data = data_title(self.records)
        return f"{self.table.title} ({data})" if data else self.table.title

    @cached_property
    def cautions(self) -> tuple[str, ...]:
        """What must be said wherever the numbers appear; () for real data."""
        return cautions(self.records)

    @cached_property
    def is_of_paper_size(self) -> bool:
        """Whether the profile trains as long as papers do, by what each record says."""
        return all(r.standing is not None and r.standing.paper_size for r in self.records)

    @cached_property
    def is_comparable(self) -> bool:
        """Whether published values may stand beside the measured ones."""
        return is_comparable(self.records)

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that were measured."""
        return tuple(sorted({record.cell.seed for record in self.records}))

    @cached_property
    def fewest_seeds(self) -> int:
        """How many seeds were measured where there are fewest, of all places with any."""
        counts = (len(self.cells[k, c].records) for k in self.lines for c in self.shown)
        return min(filter(None, counts))

    @property
    def missing(self) -> tuple[tuple[int, Column, int], ...]:
        """(line, column, seed) of every cell that is still to be run in the shown columns."""
        return tuple(
            (line, column, seed)
            for column in self.shown
            for line in self.lines
            for seed in self.cells[line, column].missing
        )

    def has_published(self, column: Column, metric: str) -> bool:
        """Say whether any row has a published value there."""
        return bool(self.table.published) and any(
            self.score(row, column, metric).published is not None
            for row in range(len(self.table.rows))
        )

    def records_on(self, column: Column) -> Iterable[Record]:
        """Yield the records in a column by row and seed; the oracle's come last."""
        for row in range(len(self.table.lines)):
            yield from self.cells[row, column].records


def trials(column: Column, cells: Cells) -> dict[TrialId, Record]:
    """Return the records of one row on one column by the name of the column and seed."""
    return {(column.name, record.cell.seed): record for record in cells.records}


def interval_of(sample: Sample) -> tuple[float, float] | None:
    """Return the 95 % interval of the mean of a row, fractions; None where it is not known."""
    mean = mean_difference(sample, sample.queries) if sample else None
    if mean is None or mean.low is None or mean.high is None:
        return None
    return max(0.0, mean.low), min(1.0, mean.high)
