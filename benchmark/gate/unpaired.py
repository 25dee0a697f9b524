"""Results of other seeds than the baseline's: numbered so that they meet, and all of them count."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from crossres.benchmark.compare.comparison import (
    Comparison,
    Read,
    data_set_of,
    over_protocols,
    trial_of,
    values_of,
)
from crossres.benchmark.records.cell import Cell
from crossres.benchmark.records.record import Record
from crossres.benchmark.stats.paired import Values
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.words import listed

Alone = Mapping[str, tuple[Sequence[Record], Sequence[Record]]]
"""By row, the cells of the baseline and of the results that have no counterpart, and yet count."""
Sides = Mapping[str, tuple[Values, Values]]
"""By row, the values of the baseline and of the results."""


def require_other_seeds(baseline: Iterable[Record], results: Iterable[Record]) -> None:
    """Raise InputError where both sides have a seed on the same data: that is no other one.

    Likewise where `--data-seed` was another one: with one split on each side, the scatter within a
    side does not tell what another split is worth.
    """
    baseline, results = list(baseline), list(results)
    splits = [{r.cell.data_seed for r in side} for side in (baseline, results)]
    if splits[0] != splits[1]:
        raise InputError(
            f"--other-seeds: {_data_seeds('the baseline', splits[0])}, "
            f"{_data_seeds('the results', splits[1])}; run them with the same --data-seed, or both "
            "without"
        )
    sides = [
        {(r.cell.dataset, r.cell.protocol, r.cell.source, r.cell.seed) for r in side}
        for side in (baseline, results)
    ]
    shared = sorted({seed for *_, seed in sides[0] & sides[1]})
    if shared:
        noun = "seed" if len(shared) == 1 else "seeds"
        raise InputError(
            f"the baseline has {noun} {listed(shared)}, too, which cannot count as other seeds; "
            "leave out --other-seeds, and cells of equal seeds are paired, or run other seeds"
        )


def _data_seeds(side: str, seeds: Iterable[int | None]) -> str:
    words = ["each cell's own seed" if seed is None else str(seed) for seed in seeds]
    return f"data seed of {side}: {listed(sorted(words))}"


def renumbered(records: Iterable[Record]) -> list[Record]:
    """Count seeds from 0 within each setup and data set, so that other seeds meet."""
    groups: dict[tuple[bytes | str, ...], list[Record]] = defaultdict(list)
    for record in sorted(records, key=lambda r: (r.cell.seed, r.key)):
        groups[_line(record)].append(record)
    return [
        replace(record, cell=replace(record.cell, seed=seed))
        for group in groups.values()
        for seed, record in enumerate(group)
    ]


def line_of(cell: Cell) -> tuple[bytes | str, ...]:
    """Return what cells have in common that differ in their seeds alone, but for profiles."""
    return cell.way, cell.dataset, cell.protocol, cell.source, cell.profile


def _line(record: Record) -> tuple[bytes | str, ...]:
    """Return what cells have in common that differ in their seeds alone."""
    return *line_of(record.cell), repr(record.profile)


# --- the seeds that one side has more of ----------------------------------------------------------


def alone_of(comparison: Comparison) -> dict[str, tuple[list[Record], list[Record]]]:
    """Return the cells without a counterpart whose row has pairs on the same data set."""
    alone: dict[str, tuple[list[Record], list[Record]]] = defaultdict(lambda: ([], []))
    for side, lacking in enumerate((comparison.only_a, comparison.only_b)):
        rows = {_line((pair.a, pair.b)[side]): pair.row for pair in comparison.pairs}
        for record in lacking:
            if (line := _line(record)) in rows:
                alone[rows[line]][side].append(record)
    return dict(alone)


def without_alone(records: Iterable[Record], alone: Alone) -> list[Record]:
    """Return the records of one side without those that count although they have no counterpart."""
    counting = {record.key for sides in alone.values() for side in sides for record in side}
    return [record for record in records if record.key not in counting]


def with_alone(paired: Sides, alone: Alone, read: Read) -> Sides:
    """Add the values of cells without a counterpart to those of pairs."""
    sides = dict(paired)
    for row, cells in alone.items():
        if row in sides:
            before, now = sides[row]
            more_before, more_now = (_values(records, read) for records in cells)
            sides[row] = {**before, **more_before}, {**now, **more_now}
    return sides


def _values(records: Iterable[Record], read: Read) -> Values:
    return values_of({trial_of(record): record for record in records}, read)


def in_all_rows(sides: Sides) -> list[tuple[Values, Values]]:
    """Return the values of each row, over protocols, in the trials that all rows of a set have.

    A mean over rows is one of the same rows, each under the same protocols, in each trial.
    """
    before, now = (
        _in_all([over_protocols(_complete(values[k])) for values in sides.values()]) for k in (0, 1)
    )
    return list(zip(before, now, strict=True))


def _complete(values: Values) -> Values:
    """Return the values of the seeds that have all protocols of the row on their data set."""
    protocols: dict[str, set[str]] = defaultdict(set)
    seeds: Counter[tuple[str, int]] = Counter()
    for column, seed in values:
        dataset = data_set_of(column)
        protocols[dataset].add(column)
        seeds[dataset, seed] += 1
    return {
        (column, seed): value
        for (column, seed), value in values.items()
        for dataset in [data_set_of(column)]
        if seeds[dataset, seed] == len(protocols[dataset])
    }


def _in_all(rows: Sequence[Values]) -> list[Values]:
    having = Counter(trial for values in rows for trial in values)
    on_set = Counter(name for values in rows for name in {dataset for dataset, _ in values})
    return [{t: v for t, v in values.items() if having[t] == on_set[t[0]]} for values in rows]
