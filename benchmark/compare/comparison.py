"""Two results folders, A and B: whether they are the same, what differs, and by how much.

Differences are always B minus A. See pairs.py for what makes a pair of cells.
"""

import statistics
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar, get_args

from crossres.benchmark.compare.pairs import Change, Kind, Pair, Sameness, match
from crossres.benchmark.compare.rows import column_of, covered
from crossres.benchmark.config.tables import Table
from crossres.benchmark.records.queries import QueryReader, from_counts, sample_of
from crossres.benchmark.records.record import Record
from crossres.benchmark.stats.paired import LEVEL, Difference, Values, difference, set_mean
from crossres.benchmark.stats.ranking import holm
from crossres.benchmark.stats.sample import Queries, Sample, TrialId, mean_of_queries

GapVerdict = Literal["better", "worse", "not told", "equal"]
Measure = tuple[str, str]
"""A gallery rule and a metric."""
Read = Callable[[Record], float | None]
"""A value of a record; None where it has none."""
Column = tuple[str, str]
"""A data set and its protocol."""
Readers = tuple[QueryReader, QueryReader]

T = TypeVar("T")

HEADLINE: tuple[Measure, ...] = tuple(("single-shot", m) for m in ("rank1", "rank5", "mAP"))
SAMENESS: tuple[Sameness, ...] = ("bit-equal", "same metrics", "other metrics")


@dataclass(frozen=True)
class ChangeTally:
    """The pairs that one thing is different in (None: nothing that records tell of)."""

    change: Change | None
    rows: tuple[str, ...]
    bit_equal: int
    same_metrics: int
    other_metrics: int

    @property
    def cells(self) -> int:
        """The number of pairs."""
        return self.bit_equal + self.same_metrics + self.other_metrics


@dataclass(frozen=True)
class Gap:
    """One measure of one row in A and in B, as fractions, and B minus A over the common seeds.

    `row` None: the mean over all rows, if all are of one source and profile; `dataset` None: over
    all data sets, each counting alike. `p` is corrected (Holm) for the rows of the same measure
    and data set that are not equal; None where no data set has two pairs. `verdict` is of B at 5 %;
    "equal": the same value in each pair.
    """

    row: str | None
    dataset: str | None
    protocol: str | None
    gallery: str
    metric: str
    a: float
    b: float
    difference: Difference
    p: float | None
    verdict: GapVerdict


@dataclass(frozen=True)
class Cost:
    """The median over the pairs of a row (None: of all rows) of B's total time over A's; memory.

    Copies of one record do not count: nothing was run twice.
    """

    row: str | None
    pairs: int
    seconds: float | None
    memory: float | None


@dataclass(frozen=True)
class Comparison:
    """What two folders have in common and in what they differ.

    `gaps`: per measure the mean over all rows, then row by row over all data sets, then each on
    each data set. `only_a`, `only_b`: the cells without a counterpart. `rules`: the gallery rule of
    each protocol.
    """

    pairs: tuple[Pair, ...]
    only_a: tuple[Record, ...]
    only_b: tuple[Record, ...]
    measures: tuple[Measure, ...]
    gaps: tuple[Gap, ...]
    costs: tuple[Cost, ...]
    rules: Mapping[str, str]

    @property
    def same_key(self) -> tuple[Pair, ...]:
        """The pairs of cells that should be equal to the bit."""
        return tuple(pair for pair in self.pairs if pair.same_key)

    @property
    def other_key(self) -> tuple[Pair, ...]:
        """The pairs that differ in more than the code and the machine."""
        return tuple(pair for pair in self.pairs if not pair.same_key)

    @property
    def rows(self) -> tuple[str, ...]:
        """The titles of the rows that have pairs, in order."""
        return tuple(dict.fromkeys(pair.row for pair in self.pairs))

    def overall(self, measure: Measure) -> tuple[Gap, ...]:
        """Return the gaps of a measure row by row, each over all data sets."""
        return tuple(
            gap
            for gap in self.gaps
            if gap.row is not None and gap.dataset is None and (gap.gallery, gap.metric) == measure
        )


def compare(
    a: Sequence[Record],
    b: Sequence[Record],
    tables: Iterable[Table],
    queries: Readers = (from_counts, from_counts),
) -> Comparison:
    """Compare B with A; rows and measures are those of the tables that have records of them.

    `queries` reads what is known of the queries of A's records, and of B's.
    """
    filled = covered(tables, a, b)
    matches = match(a, b, filled)
    pairs = matches.pairs
    protocols = dict.fromkeys(pair.a.cell.protocol for pair in pairs)
    rules = {p: filled[0].rule(p) if filled else HEADLINE[0][0] for p in protocols}
    of_tables = {
        (table.rule(protocol), metric): None
        for table in filled
        for protocol in protocols
        for metric in table.metrics
    }
    measures = tuple(of_tables) or HEADLINE
    gaps = [gap for measure in measures for gap in _gaps(pairs, measure, queries)]
    runs = [pair for pair in pairs if not pair.copied]
    costs = [_cost(None, runs), *(_cost(row, row_runs) for row, row_runs in _by_row(runs))]
    return Comparison(
        pairs, matches.only_a, matches.only_b, measures, tuple(gaps), tuple(costs), rules
    )


def tally(pairs: Iterable[Pair]) -> list[ChangeTally]:
    """Count the pairs by what differs between their cells, each distinct difference apart.

    A pair counts in each of its differences.
    """
    by_change: dict[Change | None, list[Pair]] = defaultdict(list)
    for pair in pairs:
        for change in pair.changes or (None,):
            by_change[change].append(pair)
    order = get_args(Kind)
    tallies = []
    for change, changed in by_change.items():
        counts = (sum(pair.sameness == sameness for pair in changed) for sameness in SAMENESS)
        tallies.append(ChangeTally(change, tuple(dict.fromkeys(p.row for p in changed)), *counts))
    return sorted(
        tallies,
        key=lambda t: (
            (order.index(t.change.kind), t.change.name, t.change.a, t.change.b)
            if t.change
            else (len(order), "", "", "")
        ),
    )


# --- how large the differences are ----------------------------------------------------------------


def _gaps(pairs: Sequence[Pair], measure: Measure, queries: Readers) -> list[Gap]:
    """Return all gaps of one measure, over the pairs of which both cells have it."""
    measured = _measured(pairs, metric_of(measure))
    sides = {row: _samples(row_pairs, measure, queries) for row, row_pairs in _by_row(measured)}
    columns = sorted({column_of(pair.a) for pair in measured})
    # A twin and real data, or two profiles, have no mean in common.
    alike = len({(pair.a.cell.source, pair.a.cell.profile) for pair in measured}) == 1
    gaps = [_gap(None, None, measure, _mean_sample(list(sides.values())))] if alike else []
    for column in (None, *columns):
        in_column = [_gap(row, column, measure, samples) for row, samples in sides.items()]
        gaps += _corrected([gap for gap in in_column if gap is not None])
    return [gap for gap in gaps if gap is not None]


def metric_of(measure: Measure) -> Read:
    """Return a function that reads a measure of a record."""
    gallery, metric = measure
    return lambda record: record.metrics.get(gallery, {}).get(metric)


def _measured(pairs: Iterable[Pair], read: Read) -> list[Pair]:
    return [p for p in pairs if read(p.a) is not None and read(p.b) is not None]


def sides_of(pairs: Iterable[Pair], read: Read) -> dict[str, tuple[Values, Values]]:
    """Return by row the values of A and of B, of the pairs of which both cells have one."""
    rows = _by_row(_measured(pairs, read))
    return {row: _values(row_pairs, read) for row, row_pairs in rows}


def _by_row(pairs: Iterable[Pair]) -> list[tuple[str, list[Pair]]]:
    rows: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        rows[pair.row].append(pair)
    return list(rows.items())


def trial_of(record: Record) -> TrialId:
    """Return what a record's values go by in a comparison: data set with protocol, and seed."""
    return " ".join(column_of(record)), record.cell.seed


def data_set_of(column: str) -> str:
    """Return the data set alone of what a trial goes by."""
    return column.partition(" ")[0]


def _by_trial(pairs: Iterable[Pair]) -> tuple[dict[TrialId, Record], dict[TrialId, Record]]:
    """Return the records of A and of B; of a cell that is there twice the first key counts."""
    a: dict[TrialId, Record] = {}
    b: dict[TrialId, Record] = {}
    for pair in pairs:
        trial = trial_of(pair.a)
        a.setdefault(trial, pair.a)
        b.setdefault(trial, pair.b)
    return a, b


def _values(pairs: Iterable[Pair], read: Read) -> tuple[Values, Values]:
    a, b = (values_of(side, read) for side in _by_trial(pairs))
    return a, b


def values_of(records: Mapping[TrialId, Record], read: Read) -> Values:
    """Return what is read of records that have it."""
    values = {trial: read(record) for trial, record in records.items()}
    return {trial: float(value) for trial, value in values.items() if value is not None}


def _samples(pairs: Iterable[Pair], measure: Measure, queries: Readers) -> tuple[Sample, Sample]:
    a, b = _by_trial(pairs)
    return sample_of(a, *measure, queries[0]), sample_of(b, *measure, queries[1])


def _mean_sample(rows: Sequence[tuple[Sample, Sample]]) -> tuple[Sample, Sample]:
    """Return `mean_over_rows` with the queries behind the means."""
    means = mean_over_rows(rows)
    behind = []
    for k in (0, 1):
        of_rows = [_queries_over_protocols(row[k].queries) for row in rows]
        behind.append({t: mean_of_queries([of[t] for of in of_rows if t in of]) for t in means[k]})
    return Sample(means[0], behind[0]), Sample(means[1], behind[1])


def _queries_over_protocols(queries: Mapping[TrialId, Queries]) -> dict[TrialId, Queries]:
    return {trial: mean_of_queries(of) for trial, of in _by_data_set(queries).items()}


def mean_over_rows(rows: Collection[tuple[Values, Values]]) -> tuple[Values, Values]:
    """Return the means of A and of B on each data set and seed, over the rows that have it.

    Rows share the data of a seed, so they are no independent pairs: their mean is one. Each row
    counts alike, under whichever protocol it is.
    """
    before, now = (_mean_by_trial([over_protocols(sides[k]) for sides in rows]) for k in (0, 1))
    return before, now


def over_protocols(values: Values) -> Values:
    """Return the mean over the protocols of each data set and seed."""
    return {trial: statistics.fmean(of) for trial, of in _by_data_set(values).items()}


def _by_data_set(trials: Mapping[TrialId, T]) -> dict[TrialId, list[T]]:
    """Return data set, without its protocol, and seed -> what there is of it."""
    by_data_set: dict[TrialId, list[T]] = defaultdict(list)
    for (column, seed), value in trials.items():
        by_data_set[data_set_of(column), seed].append(value)
    return dict(by_data_set)


def _mean_by_trial(rows: Collection[Values]) -> Values:
    trials = sorted({trial for values in rows for trial in values})
    return {t: statistics.fmean(values[t] for values in rows if t in values) for t in trials}


def _gap(
    row: str | None, column: Column | None, measure: Measure, sides: tuple[Sample, Sample]
) -> Gap | None:
    """Return the gap with its own p; None when the row has no pair in the column."""
    on = " ".join(column) if column else None
    a, b = sides
    tested = difference(b, a, on=on)
    if tested is None:
        return None
    trials = [trial for trial in a if on in (None, trial[0])]
    equal = all(a[trial] == b[trial] for trial in trials)
    verdict = "equal" if equal else _verdict(tested.effect, tested.p)
    dataset, protocol = column or (None, None)
    mean_a, mean_b = (set_mean({trial: side[trial] for trial in trials}) for side in sides)
    return Gap(row, dataset, protocol, *measure, mean_a, mean_b, tested, tested.p, verdict)


def _corrected(gaps: Sequence[Gap]) -> list[Gap]:
    """Apply Holm's correction for all that are tested: an equal row can give no false alarm."""
    tested = [gap for gap in gaps if gap.verdict != "equal" and gap.p is not None]
    adjusted = holm([gap.p for gap in tested if gap.p is not None])
    corrected = {
        gap.row: replace(gap, p=p, verdict=_verdict(gap.difference.effect, p))
        for gap, p in zip(tested, adjusted, strict=True)
    }
    return [corrected.get(gap.row, gap) for gap in gaps]


def _verdict(effect: float, p: float | None) -> GapVerdict:
    if p is None or p > LEVEL:
        return "not told"
    return "better" if effect > 0 else "worse"


def _cost(row: str | None, pairs: Sequence[Pair]) -> Cost:
    seconds = [(pair.a.seconds["total"], pair.b.seconds["total"]) for pair in pairs]
    memory = [(pair.a.peak_memory_bytes, pair.b.peak_memory_bytes) for pair in pairs]
    return Cost(row, len(pairs), _ratio(seconds), _ratio(memory))


def _ratio(pairs: Iterable[tuple[float, float]]) -> float | None:
    """Return the median of B over A where A is positive."""
    ratios = [b / a for a, b in pairs if a > 0]
    return statistics.median(ratios) if ratios else None
