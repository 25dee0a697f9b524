"""The commands that make a cell of a report again."""

import shlex
from collections.abc import Sequence
from functools import cache

from crossres.benchmark.config.profiles import profile_names
from crossres.benchmark.config.tables import ORACLE, Row, Table, table_names
from crossres.benchmark.config.transfers import is_transfer, set_ids, transfer_id
from crossres.benchmark.records.record import Record, Standing
from crossres.datasets.cards import CARDS
from crossres.datasets.protocols.validation import is_validation, off_validation
from crossres.datasets.raw.source_name import CUSTOM, is_twin
from crossres.reports.grid.grid import BY_ROW, Grid


def cell_command(grid: Grid, row: int, record: Record) -> str:
    """Return the command that runs exactly this cell again, into another folder to compare with."""
    chosen = shlex.quote(row_word(grid.table, grid.table.lines[row]))
    seed = record.cell.seed
    has_own = grid.table.is_by_row or row == grid.oracle
    protocol = BY_ROW if has_own else record.cell.protocol
    data = _data_flags(protocol, [record.cell.dataset], record) + _validation(record)
    cell = f"--rows {chosen} {data} --seeds {seed}"
    if record.cell.data_seed is not None:
        cell += f" --data-seed {record.cell.data_seed}"
    return f"{_run_command(record, grid)} {cell} --out again"


def row_word(table: Table, row: Row) -> str:
    """Return the label, or what else names the row where that would be read as something else."""
    if "," not in row.label and not row.label.startswith("-") and row.label == row.label.strip():
        return row.label
    return ORACLE if row is table.oracle else str(table.rows.index(row) + 1)


def missing_command(grid: Grid) -> str:
    """Return the commands, one per protocol, that run the cells that have no record yet."""
    datasets: dict[str, dict[str, None]] = {}
    for _, column, _ in grid.missing:
        datasets.setdefault(column.protocol, {})[column.dataset] = None
    record = grid.records[0]
    run, validation = _run_command(record, grid), _validation(record)
    return "; ".join(
        f"{run} {_data_flags(protocol, list(names), record)}{validation} --out RESULTS"
        for protocol, names in datasets.items()
    )


def _data_flags(protocol: str, datasets: Sequence[str], record: Record) -> str:
    """Return the data sets, and their protocol where it is not the default of each of them."""
    protocol = off_validation(protocol)
    names = [shlex.quote(dataset_word(name, record)) for name in datasets]
    tested = [set_ids(name)[1] for name in datasets]
    usual = {CARDS[name].protocol if name in CARDS else None for name in tested}
    is_usual = usual == {protocol} or protocol == BY_ROW
    chosen = "" if is_usual else f" --protocol {shlex.quote(protocol)}"
    return f"--datasets {','.join(names)}{chosen}"


def dataset_word(dataset: str, record: Record) -> str:
    """Return the id of a data set; of a user's own, as the record's, where its definition is."""
    if is_transfer(dataset):
        return transfer_id(*(dataset_word(name, record) for name in set_ids(dataset)))
    if CUSTOM not in record.cell.sources.values() or dataset in CARDS:
        return dataset
    return f"PATH/TO/{dataset}.toml"


def _validation(record: Record) -> str:
    return " --validation" if is_validation(record.cell.protocol) else ""


def _run_command(record: Record, grid: Grid) -> str:
    profiles, tables = _built_in()
    profile = _spelled(record.cell.profile, profiles)
    table = _spelled(grid.table.id, tables)
    native = str(record.environment.get("kernels", "")).startswith("native")
    kernels = " --kernels native" if native else ""
    return " ".join(["crossres run", table, "--profile", profile, *data_words(record)]) + kernels


@cache
def _built_in() -> tuple[list[str], list[str]]:
    """Return the names of profiles and of tables: folders that nobody changes meanwhile."""
    return profile_names(), table_names()


def data_words(record: Record, root: str = "ROOT") -> list[str]:
    """Return `--data`, and what admits a folder unlike its card; nothing for a twin, nor for a
    user's own set, whose definition says where it is.
    """
    if all(is_twin(source) or source == CUSTOM for source in record.cell.sources.values()):
        return []
    stated = record.standing or Standing()
    words = ["--data", root]
    words += ["--partial"] if stated.other_counts or stated.trained_counts else []
    return [*words, *(["--other-sizes"] if stated.other_sizes or stated.trained_sizes else [])]


def _spelled(name: str, built_in: Sequence[str]) -> str:
    """Return a table or profile as the command line takes it: a name, or a path of the user's."""
    return name if name in built_in else shlex.quote(f"PATH/TO/{name}.toml")
