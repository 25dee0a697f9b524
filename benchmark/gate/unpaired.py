"""Cells of other seeds than the baseline's: those that one side has more of count, too."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from crossres.benchmark.compare.comparison import Comparison, Read
from crossres.benchmark.records.record import Record
from crossres.benchmark.stats.paired import Values

Alone = Mapping[str, tuple[Sequence[Record], Sequence[Record]]]
"""By row, the cells of the baseline and of the results that have no counterpart, and yet count."""
Sides = Mapping[str, tuple[Values, Values]]
"""By row, the values of the baseline and of the results."""


def line_of(record: Record) -> tuple[bytes | str, ...]:
    """Return what cells have in common that differ in their seeds alone."""
    cell = record.cell
    return cell.way, cell.dataset, cell.protocol, cell.source, repr(record.profile)


def alone_of(comparison: Comparison) -> dict[str, tuple[list[Record], list[Record]]]:
    """Return the cells without a counterpart whose row has pairs on the same data set."""
    alone: dict[str, tuple[list[Record], list[Record]]] = {}
    for side, lacking in enumerate((comparison.only_a, comparison.only_b)):
        rows = {line_of((pair.a, pair.b)[side]): pair.row for pair in comparison.pairs}
        for record in lacking:
            row = rows.get(line_of(record))
            if row is not None:
                alone.setdefault(row, ([], []))[side].append(record)
    return alone


def with_alone(paired: Sides, alone: Alone, read: Read) -> Sides:
    """Add the values of cells without a counterpart to those of pairs."""
    return {
        row: (
            {**before, **_values(alone.get(row, ((), ()))[0], read)},
            {**now, **_values(alone.get(row, ((), ()))[1], read)},
        )
        for row, (before, now) in paired.items()
    }


def in_all_rows(sides: Sides) -> list[tuple[Values, Values]]:
    """Return the values of each row in the trials that all rows of their data set have.

    A mean over rows is one of the same rows in each trial.
    """
    before, now = (_in_all([values[k] for values in sides.values()]) for k in (0, 1))
    return list(zip(before, now, strict=True))


def _in_all(rows: Sequence[Values]) -> list[Values]:
    on_set: dict[str, list[set[int]]] = defaultdict(list)
    for values in rows:
        seeds: dict[str, set[int]] = defaultdict(set)
        for dataset, seed in values:
            seeds[dataset].add(seed)
        for dataset, of_row in seeds.items():
            on_set[dataset].append(of_row)
    common = {dataset: set.intersection(*of_rows) for dataset, of_rows in on_set.items()}
    return [{t: value for t, value in values.items() if t[1] in common[t[0]]} for values in rows]


def _values(records: Iterable[Record], read: Read) -> Values:
    """Return values by data set and seed, as those of pairs are."""
    values = {(f"{r.cell.dataset} {r.cell.protocol}", r.cell.seed): read(r) for r in records}
    return {trial: float(value) for trial, value in values.items() if value is not None}
