"""Which rows of tables a record belongs to, or why it belongs to none.

A row is a record's where its method and its options, resolved under the record's own profile, are
those of the record, and the record is of the protocol that the table or the row names, if any, or
of the validation of it.
What is of a table's oracle is of no other row of this table.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crossres.benchmark.config.post_processing import in_words
from crossres.benchmark.config.tables import Row, Table
from crossres.benchmark.records.cell import Cell, canonical_json
from crossres.benchmark.records.record import Record
from crossres.datasets.base.build import build
from crossres.datasets.base.errors import InputError
from crossres.datasets.protocols import canonical_text
from crossres.datasets.protocols.validation import off_validation
from crossres.datasets.raw.source_name import is_twin
from crossres.methods.interface.profile import Profile
from crossres.methods.interface.registry import resolve_options


class Rows:
    """The rows of some tables, in order, and which of them a record belongs to.

    The oracle of a table comes after its rows.
    """

    def __init__(self, tables: Iterable[Table]) -> None:
        self.rows = [(table, row) for table in tables for row in table.lines]
        self._placements: dict[tuple[bytes, str, str], tuple[tuple[int, ...], str]] = {}
        self._options_of_rows: dict[tuple[int, bytes], bytes | InputError] = {}
        self._of_records: dict[int, tuple[Record, tuple[tuple[int, ...], str]]] = {}

    def indices(self, record: Record) -> tuple[int, ...]:
        """Return the indices of the record's rows: none, one, or several that are the same."""
        return self._placement(record)[0]

    def reason(self, record: Record) -> str:
        """Return why no row is the record's, by the row that comes nearest; "" where one is."""
        return self._placement(record)[1]

    def is_of_oracle(self, record: Record) -> bool:
        """Say whether the record is of the oracle of any of the tables."""
        return any(self._is_oracle(index) for index in self.indices(record))

    def _placement(self, record: Record) -> tuple[tuple[int, ...], str]:
        # Asked for several times for each record: to write its setup down takes longer than this.
        known = self._of_records.get(id(record))
        if known is None:
            known = self._of_records[id(record)] = record, self._placement_of_setup(record)
        return known[1]

    def _placement_of_setup(self, record: Record) -> tuple[tuple[int, ...], str]:
        key = (setup_of(record), *column_of(record))
        if key not in self._placements:
            obstacles = [self._obstacle(record, index) for index in range(len(self.rows))]
            indices = self._without_rivals(
                [index for index, obstacle in enumerate(obstacles) if not obstacle]
            )
            nearest = max(filter(None, obstacles), key=lambda o: o[0], default=(0, "no rows"))
            self._placements[key] = indices, "" if indices else nearest[1]
        return self._placements[key]

    def _obstacle(self, record: Record, index: int) -> tuple[int, str] | None:
        """Return how near a row comes to being the record's, and why it is not; None: it is."""
        (table, row), cell = self.rows[index], record.cell
        if row.method != cell.method:
            return 1, f"no row has the method {cell.method}"
        options = self._options(index, record.profile)
        if isinstance(options, InputError):
            return 2, str(options)
        if options != canonical_json(cell.options):
            return 3, f"no row of {cell.method} has these options"
        if canonical_json(row.post_processing) != canonical_json(cell.post_processing or {}):
            return 3, f"no row of {cell.method} with these options has {_processing(cell)}"
        row_protocol = row.protocol_on(twin=is_twin(cell.source))
        protocols: Sequence[str] = [row_protocol] if row_protocol else table.protocols
        named = protocol_texts(cell.dataset, protocols, table)
        if named and not {cell.protocol, off_validation(cell.protocol)} & {*named}:
            return 4, (
                f"no row of {cell.method} with these options is run under {cell.protocol} on "
                f"{cell.dataset}"
            )
        return None

    def _options(self, index: int, profile: Mapping[str, Any]) -> bytes | InputError:
        """Return the options of a row under a profile as JSON, or why it has none."""
        key = index, canonical_json(profile)
        if key not in self._options_of_rows:
            try:
                options: bytes | InputError = canonical_json(
                    row_options(self.rows[index][1], profile)
                )
            except InputError as error:
                options = error
            self._options_of_rows[key] = options
        return self._options_of_rows[key]

    def _without_rivals(self, indices: Sequence[int]) -> tuple[int, ...]:
        """Return the indices without the rows of tables whose oracle is among them."""
        tables = [self.rows[index][0] for index in indices if self._is_oracle(index)]
        return tuple(
            index
            for index in indices
            if self._is_oracle(index) or self.rows[index][0] not in tables
        )

    def _is_oracle(self, index: int) -> bool:
        table, row = self.rows[index]
        return row is table.oracle


def belonging(records: Iterable[Record], tables: Iterable[Table]) -> list[Record]:
    """Return the records that are of a row of the tables."""
    rows = Rows(tables)
    return [record for record in records if rows.indices(record)]


def covered(tables: Iterable[Table], *folders: Iterable[Record]) -> list[Table]:
    """Return the tables that have records in the folders: the fullest, then the largest, first.

    Records of an oracle fill no table.
    """
    tables = list(tables)
    of_all = Rows(tables)
    setups = {(setup_of(r), column_of(r)): r for folder in folders for r in folder}
    setups = {setup: r for setup, r in setups.items() if not of_all.is_of_oracle(r)}
    filled = []
    for table in tables:
        rows = Rows([table])
        indices = {index for record in setups.values() for index in rows.indices(record)}
        if indices:
            filled.append((-len(indices) / len(table.rows), -len(indices), table.id, table))
    return [entry[-1] for entry in sorted(filled, key=lambda entry: entry[:-1])]


def setup_of(record: Record) -> bytes:
    """Return what cells of one row have in common, whatever their data set, split and seed."""
    cell = record.cell
    return canonical_json(
        [
            cell.method,
            cell.options,
            record.profile,
            cell.source,
            cell.data_seed,
            cell.post_processing,
        ]
    )


def _processing(cell: Cell) -> str:
    """Say what post-processing a cell has, for a sentence."""
    words = in_words(cell.post_processing)
    return f"its post-processing: {words}" if words else "no post-processing"


def column_of(record: Record) -> tuple[str, str]:
    """Return the data set and the protocol of a record."""
    return record.cell.dataset, record.cell.protocol


def row_options(row: Row, profile: Mapping[str, Any]) -> dict[str, Any]:
    """Return all options of a row under the profile of a record.

    Raises InputError where this version does not know the profile or one of the options.
    """
    where = f"profile {profile.get('name')} of the records"
    return resolve_options(row.method, build(Profile, profile, where), dict(row.options))


def protocol_texts(dataset: str, protocols: Iterable[str], table: Table) -> list[str]:
    """Return the protocols as records of this data set name them.

    Of a data set without a card, one of another version, nothing more is known than the text.
    """
    card = table.known_card(dataset)
    return [canonical_text(card, text) if card else text for text in protocols]
