"""Compare two results folders."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from crossres.benchmark.compare.comparison import Comparison, compare
from crossres.benchmark.compare.rows import Rows
from crossres.benchmark.config.tables import Table
from crossres.benchmark.records.artifacts import ArtifactFolder
from crossres.benchmark.records.kept import naming_tables
from crossres.benchmark.records.planned import KeptRun, read_runs
from crossres.benchmark.records.queries import FromArtifacts
from crossres.benchmark.records.record import Record, require_records
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.words import few
from crossres.datasets.raw.source_name import source_words


@dataclass(frozen=True)
class FolderComparison:
    """Folder B compared with folder A, both by their own names; `artifacts` are those of both.

    `last_runs`: the latest that each keeps, of the tables that are compared.
    """

    a: str
    b: str
    comparison: Comparison
    artifacts: tuple[ArtifactFolder, ArtifactFolder]
    last_runs: tuple[KeptRun | None, KeptRun | None]


def compare_folders(a: Path, b: Path, tables: Sequence[Table] | None = None) -> FolderComparison:
    """Compare the records of folder B with those of A, by default all of them.

    `tables`: only what belongs to these, each folder under its own profiles; else rows are called
    as in the tables that the folders keep and the built-in ones. Raises InputError when a folder
    has no usable records, when the two are one, and when no cell has a counterpart.
    """
    if a.resolve() == b.resolve():
        raise InputError(f"{a} and {b} are the same folder; give another one to --against")
    records_a, records_b = _records(a, tables), _records(b, tables)
    naming = naming_tables(a, b) if tables is None else tables
    artifacts = ArtifactFolder(a), ArtifactFolder(b)
    readers = FromArtifacts(artifacts[0]), FromArtifacts(artifacts[1])
    comparison = compare(records_a, records_b, naming, readers)
    for folder in artifacts:
        folder.log_problems()
    if not comparison.pairs:
        raise InputError(
            f"{a} and {b} have no cell in common: the one has {_content(records_a)}, the other has "
            f"{_content(records_b)}; compare runs of the same methods, data sets, protocols "
            "and seeds"
        )
    names = a.resolve().name, b.resolve().name
    asked = [table.id for table in tables or ()]
    last_runs = read_runs(a).last(*asked), read_runs(b).last(*asked)
    return FolderComparison(*names, comparison, artifacts, last_runs)


def _records(folder: Path, tables: Sequence[Table] | None) -> list[Record]:
    records = require_records(folder)
    if tables is None:
        return records
    rows = Rows(tables)
    chosen = [record for record in records if rows.indices(record)]
    if not chosen:
        raise InputError(
            f"{folder / 'records'}: none of its {len(records)} records belongs to the tables named "
            f"({records[0].key}: {rows.reason(records[0])}); "
            "leave out --table, or name the table files they were run from"
        )
    return chosen


def _content(records: Iterable[Record]) -> str:
    """Say in short what records are of: "plain on mlr-viper (mlr-sing, real data)"."""
    cells = [record.cell for record in records]
    methods = sorted({cell.method for cell in cells})
    places = {f"{c.dataset} ({c.protocol}, {source_words(c.source)})" for c in cells}
    return f"{few(methods, 'method')} on {few(sorted(places), 'data set')}"
