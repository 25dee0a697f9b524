"""One cell of a results folder by what it is: its row, its data set, its seed."""

from collections.abc import Sequence
from pathlib import Path

from crossres.benchmark.compare.rows import Rows
from crossres.benchmark.config.tables import Table, select_rows
from crossres.benchmark.records.kept import kept_tables
from crossres.benchmark.records.record import Record, require_records
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.words import counted, listed

MOST_NAMED = 8  # cells that a message lists


def cell_of_row(
    results: Path, row: str, dataset: str | None = None, seed: int | None = None
) -> Record:
    """Return the record of a row (its label, published name or number) of a table kept there.

    `dataset` and `seed` may be left out where there is but one. Raises InputError where no cell, or
    several are so, naming them.
    """
    tables = kept_tables(results)
    if not tables:
        raise InputError(f"{results}: keeps no table; fill it with `crossres run TABLE`")
    chosen = [
        record
        for record in _of_row(results, tables, row)
        if dataset in (None, record.cell.dataset) and seed in (None, record.cell.seed)
    ]
    if len(chosen) == 1:
        return chosen[0]
    names = sorted({_name(record) for record in chosen})
    if not chosen:
        asked = " · ".join(
            [row, *([dataset] if dataset else []), *([f"seed {seed}"] if seed is not None else [])]
        )
        raise InputError(f"{results}: no cell of {asked} is done; run it with `crossres run`")
    some = listed(names[:MOST_NAMED])
    raise InputError(
        f"{results}: {row} has {counted(len(chosen), 'cell')} like that: {some}"
        f"{' and others' if len(names) > MOST_NAMED else ''}; say which by --datasets and --seed"
    )


def _of_row(results: Path, tables: Sequence[Table], row: str) -> list[Record]:
    records = {record.key: record for record in require_records(results)}
    faults: list[InputError] = []
    of_row: dict[str, Record] = {}
    for table in tables:
        try:
            lines = select_rows(table, [row])
        except InputError as error:
            faults.append(error)
            continue
        rows = Rows([table])
        wanted = {index for index, line in enumerate(table.lines) if line in lines}
        of_row |= {
            key: record for key, record in records.items() if wanted & {*rows.indices(record)}
        }
    if len(faults) == len(tables):
        raise faults[0]
    return list(of_row.values())


def _name(record: Record) -> str:
    cell = record.cell
    data = "" if cell.data_seed is None else f" on data {cell.data_seed}"
    return f"{cell.dataset} · {cell.protocol} · profile {cell.profile} · seed {cell.seed}{data}"
