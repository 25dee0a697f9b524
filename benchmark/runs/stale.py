"""Records that are not what is asked for any more, and what has changed since they were made.

What a folder is asked for stands in its kept runs. A record that nothing asks for is held against
the planned cell of the same row, data set, protocol, seed and profile name.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, Literal, get_args

from crossres.benchmark.config.tables import Table
from crossres.benchmark.measures.kernels import made_with_other_kernels
from crossres.benchmark.records.cell import Cell, canonical_json
from crossres.benchmark.records.kept import kept_tables
from crossres.benchmark.records.planned import Asked, ExpectedCell, place_of, profile_digest
from crossres.benchmark.records.record import Record, read_record
from crossres.benchmark.runs.code_digest import cell_code
from crossres.datasets.base.build import build
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.words import counted, listed
from crossres.datasets.cards import CARDS, OWN_READER
from crossres.datasets.raw.source_name import CUSTOM
from crossres.methods.interface.profile import Profile
from crossres.methods.interface.registry import is_method, resolve_options

Change = Literal["code", "kernels", "data", "profile", "options", "table"]
CHANGES: tuple[Change, ...] = get_args(Change)
WORDS: Mapping[Change, str] = {
    "code": "made by other code",
    "kernels": "made with other kernels than are asked for",
    "data": "of another split or other data than there is now",
    "profile": "made before their profile changed",
    "options": "made before the options of their row, or the defaults of the method, changed",
    "table": "of a method that no row has any more",
}
MOST_NAMED = 3


@dataclass(frozen=True)
class Stale:
    """A record that is not what is asked for now: its key, what it is, and what has changed."""

    key: str
    title: str
    change: Change


class CodeNow:
    """The digests of the code as it is now, by method and reader, each computed once."""

    def __init__(self) -> None:
        self._specs: dict[str, ModuleSpec | None] = {}
        self._digests: dict[tuple[str, tuple[str | None, ...]], str | None] = {}

    def is_of(self, record: Record) -> bool:
        """Say whether a record was made by this code; so, too, where that is not known here."""
        digest = self.digest(record.cell)
        return digest in (None, record.digests["code"])

    def digest(self, cell: Cell) -> str | None:
        """Return the digest of the code of such cells; None where it is not known here."""
        readers = {
            CARDS[name].reader if name in CARDS else OWN_READER if source == CUSTOM else None
            for name, source in cell.sources.items()
        }
        key = cell.method, tuple(sorted(readers, key=str))
        if key not in self._digests:
            self._digests[key] = self._digest(*key)
        return self._digests[key]

    def _digest(self, method: str, readers: Sequence[str | None]) -> str | None:
        known = [reader for reader in readers if reader is not None]
        if not is_method(method) or len(known) < len(readers):
            return None
        try:
            return cell_code(method, *known, specs=self._specs, now=True)
        except InputError:
            return None


def stale_records(
    records: Iterable[Record],
    asked: Asked,
    tables: Sequence[Table],
    is_of_code: Callable[[Record], bool] | None,
) -> list[Stale]:
    """Return the stale ones among records, by what has changed.

    `is_of_code` says whether a record was made by the code that counts (None: any does).

    A record of a row of the tables that no kept run has planned is not stale: the run may have been
    one of a version that kept none.
    """
    places: dict[tuple[Any, ...], list[ExpectedCell]] = {}
    for planned in asked.cells.values():
        places.setdefault((planned.cell.method, *place_of(planned.cell)), []).append(planned)
    labels = _Labels(tables)
    stale = []
    for record in records:
        cell = record.cell
        alike = places.get((cell.method, *place_of(cell)), [])
        change = _change(record, asked, alike, labels)
        if change is None and is_of_code is not None and not is_of_code(record):
            change = "code"
        if change is not None:
            stale.append(Stale(record.key, _title(record, alike, labels), change))
    return sorted(stale, key=lambda entry: (CHANGES.index(entry.change), entry.title, entry.key))


def split_records(
    results: Path,
    records: Mapping[str, Record],
    asked: Asked,
    is_left_behind: Callable[[Record], bool] = lambda _: False,
) -> tuple[dict[str, Record], list[Stale]]:
    """Return the records of a folder that are of its latest runs, by key, and the stale ones.

    What a run was to make anew and did not, as cells failed or it was broken off, is stale,
    whatever the code is by now, and so is what `is_left_behind`, made by other code.
    """

    def is_of_code(record: Record) -> bool:
        return asked.is_of_plan(record) and not is_left_behind(record)

    stale = stale_records(records.values(), asked, kept_tables(results), is_of_code)
    old = {entry.key for entry in stale}
    return {key: record for key, record in records.items() if key not in old}, stale


def stale_lines(stale: Iterable[Stale]) -> list[str]:
    """Say it in one line for each kind of change."""
    titles: dict[Change, list[str]] = {change: [] for change in CHANGES}
    for entry in stale:
        titles[entry.change].append(f"{entry.title} ({entry.key})")
    return [
        f"stale: {counted(len(of), 'record')} {WORDS[change]}: {_few(of)}"
        for change, of in titles.items()
        if of
    ]


def lines_at_start(results: Path, asked: Asked) -> list[str]:
    """Say for a run that begins which records of its folder nothing asks for as they are.

    What is asked for the plan compares itself, so only the others are read.
    """
    records = []
    for path in sorted((results / "records").glob("*.json")):
        if path.stem not in asked.cells:
            try:
                records.append(read_record(path))
            except InputError:
                continue  # the plan has named it
    return stale_lines(stale_records(records, asked, kept_tables(results), None))


def _change(
    record: Record, asked: Asked, alike: Sequence[ExpectedCell], labels: "_Labels"
) -> Change | None:
    """Say what has changed since a record was made, but for the code.

    `alike`: the cells that are asked for in its place, of its method.
    """
    if record.key in asked.cells:
        kernels = asked.kernels(record.key)
        return "kernels" if made_with_other_kernels(record.environment, kernels) else None
    of_record = labels.of(record)
    if of_record:
        alike = [cell for cell in alike if set(cell.labels) & set(of_record)]
        return _difference(record, alike[0]) if alike else None
    if not asked.cells or not labels.tables:
        return None
    if not alike:
        return None if record.cell.method in labels.methods else "table"
    digest = profile_digest(record.profile)
    return "options" if digest in {cell.profile for cell in alike} else "profile"


def _difference(record: Record, cell: ExpectedCell) -> Change:
    if profile_digest(record.profile) != cell.profile:
        return "profile"
    if record.cell.way != cell.cell.way:
        return "options"
    return "data"


class _Labels:
    """Which rows of tables have the method and the options of a record, under its own profile."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self.tables = tables
        self.methods = {row.method for table in tables for row in table.lines}
        self._known: dict[bytes, tuple[str, ...]] = {}

    def of(self, record: Record) -> tuple[str, ...]:
        key = record.cell.way + canonical_json(record.profile)
        if key not in self._known:
            self._known[key] = self._of(record)
        return self._known[key]

    def _of(self, record: Record) -> tuple[str, ...]:
        options = canonical_json(record.cell.options)
        rows = [row for table in self.tables for row in table.lines]
        try:
            profile = build(Profile, record.profile, "the profile of a record")
            return tuple(
                row.label
                for row in rows
                if row.method == record.cell.method
                and canonical_json(resolve_options(row.method, profile, dict(row.options)))
                == options
                and canonical_json(row.post_processing)
                == canonical_json(record.cell.post_processing or {})
            )
        except InputError:  # an option or a profile of another version
            return ()


def _title(record: Record, alike: Sequence[ExpectedCell], labels: _Labels) -> str:
    cell = record.cell
    names = labels.of(record) or (alike[0].labels if len(alike) == 1 else (cell.method,))
    return f"{' = '.join(dict.fromkeys(names))} · {cell.dataset} · seed {cell.seed}"


def _few(titles: Sequence[str]) -> str:
    if len(titles) <= MOST_NAMED:
        return listed(titles)
    return f"{', '.join(titles[:MOST_NAMED])} and {len(titles) - MOST_NAMED} more"
