"""Records are sorted into the rows and columns of a table: one grid per source and profile.

What does not fit is counted and said: rows without records, records without a row, doubles.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from crossres.benchmark.config.tables import Table
from crossres.benchmark.metrics.by_rate import VALID_QUERIES
from crossres.benchmark.records.queries import QueryReader, from_counts
from crossres.benchmark.records.record import Record
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import digest_of
from crossres.datasets.base.words import counted, listed
from crossres.datasets.cards import CARDS
from crossres.datasets.protocols import canonical_text
from crossres.datasets.raw.source_name import is_twin
from crossres.methods.interface.profile import Profile
from crossres.methods.interface.registry import method_class, resolve_options
from crossres.reports.grid.grid import BY_ROW, Cells, Column, Grid, Score, sample_of
from crossres.reports.grid.marks import marks
from crossres.reports.grid.standing import is_comparable
from crossres.reports.wording import set_title, under_protocol


def build_grids(
    records: Iterable[Record], table: Table, queries: QueryReader = from_counts
) -> list[Grid]:
    """The grids of `table`, real data first, then by source and profile; [] when no record matches.

    Published values are in those only that they may stand beside (`is_comparable`).

    A record belongs to the row whose method and options, resolved under the record's own profile,
    are the record's, and whose protocol, where the table or the row names one. Profiles of one name
    and different content give different grids. `queries` reads what statements about chance need
    of a record's queries; the records alone tell little of it, so that less can be said.
    """
    groups: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for record in sorted(records, key=lambda r: (r.cell.dataset, r.cell.seed, r.key)):
        content = _canonical({**record.profile, "methods": {}})
        groups[record.cell.source, record.cell.profile, content].append(record)
    filled = [
        (source, name, profile, chosen)
        for (source, name, _), group in groups.items()
        for profile, chosen in _by_overrides(group)
    ]
    filled.sort(key=lambda one: (one[0] != "real", *one[:2], _canonical(one[2])))
    several = Counter((source, name) for source, name, _, _ in filled)
    grids = [
        _grid(table, source, _label(name, profile, several[source, name]), profile, chosen, queries)
        for source, name, profile, chosen in filled
    ]
    return [grid for grid in grids if grid.records]


def _by_overrides(records: Sequence[Record]) -> list[tuple[dict[str, Any], list[Record]]]:
    """The profiles behind records whose profiles differ in their methods' options at most.

    A record knows the options of its own method alone; a profile has those of all. Where a profile
    file was changed in between, there are two; a method that it left alone is in both.
    """
    known: dict[str, dict[str, None]] = defaultdict(dict)
    for record in records:
        known[record.cell.method][_canonical(_overrides(record))] = None
    versions = {method: sorted(found) for method, found in known.items()}
    profiles = []
    for k in range(max(map(len, versions.values()))):
        chosen = {method: found[min(k, len(found) - 1)] for method, found in versions.items()}
        methods = {method: json.loads(text) for method, text in chosen.items()}
        own = [r for r in records if _canonical(_overrides(r)) == chosen[r.cell.method]]
        profiles.append(({**records[0].profile, "methods": methods}, own))
    return profiles


def _overrides(record: Record) -> Any:
    return record.profile.get("methods", {}).get(record.cell.method, {})


def _canonical(content: Any) -> str:
    return json.dumps(content, sort_keys=True)


def _label(name: str, profile: Mapping[str, Any], several: int) -> str:
    """The profile's name, with a digest when several profiles of that name differ in content."""
    return name if several == 1 else f"{name}-{digest_of(_canonical(profile).encode())[:8]}"


def _grid(
    table: Table,
    source: str,
    label: str,
    profile: Mapping[str, Any],
    records: Sequence[Record],
    queries: QueryReader,
) -> Grid:
    rows, told, notes = _rows_by_setup(table, profile)
    matched = [record for record in records if _rows_of(record, table, rows)]
    if not is_comparable(matched):
        table = replace(table, published=())
    columns = _columns(table, matched)
    cells = _cells(table, columns, rows, matched, notes)
    scores: dict[tuple[int, Column, str, str], Score] = {}
    for gallery, metric in _measures(table, columns, matched):
        scores.update(_scores(table, columns, cells, gallery, metric, queries))
    return Grid(
        table,
        source,
        label,
        columns,
        cells,
        scores,
        told,
        queries,
        unmatched=tuple(record for record in records if not _rows_of(record, table, rows)),
        notes=(*notes, *_version_notes(matched)),
    )


def _rows_of(record: Record, table: Table, rows: Mapping[str, Sequence[int]]) -> list[int]:
    """The rows that a record belongs to: none, one, or several that are the same."""
    cell = record.cell
    if table.protocols and cell.protocol not in _texts(table.protocols, cell.dataset):
        return []
    found = []
    for row in rows.get(_setup(cell.method, cell.options), ()):
        own = table.rows[row].protocol_on(twin=is_twin(cell.source))
        if own is None or cell.protocol in _texts([own], cell.dataset):
            found.append(row)
    return found


def _texts(protocols: Sequence[str], dataset: str) -> list[str]:
    """The protocols as records of this data set name them."""
    return [canonical_text(dataset, text) if dataset in CARDS else text for text in protocols]


def _setup(method: str, options: Mapping[str, Any]) -> str:
    """What a record has in common with its row, as canonical text."""
    return _canonical([method, options])


def _rows_by_setup(
    table: Table, content: Mapping[str, Any]
) -> tuple[dict[str, list[int]], tuple[bool, ...], list[str]]:
    """Method and options under the profile -> the rows; who is told rates; notes on bad rows."""
    rows: dict[str, list[int]] = defaultdict(list)
    told, notes = [], []
    for index, row in enumerate(table.rows):
        told.append(method_class(row.method).needs_rate)
        try:
            options = resolve_options(row.method, _profile(content), dict(row.options))
        except InputError as error:
            notes.append(f"Row {row.label}: {error}.")
        else:
            rows[_setup(row.method, options)].append(index)
            told[index] &= options.get("rate", "given") == "given"
    return rows, tuple(told), notes


def _profile(content: Mapping[str, Any]) -> Profile:
    try:
        return Profile(**content)
    except TypeError as error:
        raise InputError(
            f"the records of profile {content.get('name')} hold a profile that this version does "
            f"not know ({error})"
        ) from error


def _columns(table: Table, records: Sequence[Record]) -> tuple[Column, ...]:
    """The table's data sets in its order, then those that only the records know, by name."""
    protocols: dict[str, set[str]] = defaultdict(set)
    for record in records:
        protocols[record.cell.dataset].add(_protocol_of(record, table))
    names = [*table.datasets, *sorted(set(protocols) - set(table.datasets))]
    return tuple(
        column
        for name in names
        for column in (_named_columns if table.protocols else _found_columns)(
            name, _title(name, records), table.protocols or sorted(protocols[name])
        )
    )


def _title(dataset: str, records: Sequence[Record]) -> str:
    """The title of a data set, which says so where the data is not what bears its name."""
    title = set_title(dataset)
    cells = [record.cell for record in records if record.cell.dataset == dataset]
    return f"{title}, partial" if any(cell.source == "partial" for cell in cells) else title


def _protocol_of(record: Record, table: Table) -> str:
    """The protocol of the column that shows a record."""
    return BY_ROW if table.is_by_row else record.cell.protocol


def _named_columns(dataset: str, title: str, protocols: Sequence[str]) -> list[Column]:
    """One column for each protocol of the table, titled with the table's own words for it."""
    texts = zip(_texts(protocols, dataset), protocols, strict=True)
    return [Column(dataset, text, under_protocol(title, given)) for text, given in texts]


def _found_columns(dataset: str, title: str, protocols: Sequence[str]) -> list[Column]:
    """One column per protocol, which the title names unless it is the only one and the default."""
    card = CARDS.get(dataset)
    if not protocols:
        return [Column(dataset, card.protocol if card else "", title)]
    if len(protocols) == 1 and (card is None or protocols[0] in (card.protocol, BY_ROW)):
        return [Column(dataset, protocols[0], title)]
    return [Column(dataset, protocol, under_protocol(title, protocol)) for protocol in protocols]


def _cells(
    table: Table,
    columns: Sequence[Column],
    rows: Mapping[str, Sequence[int]],
    records: Sequence[Record],
    notes: list[str],
) -> dict[tuple[int, Column], Cells]:
    """Records by row and column; of a cell that is there twice the first key counts (noted)."""
    found: dict[tuple[int, str, str], list[Record]] = defaultdict(list)
    for record in records:
        for row in _rows_of(record, table, rows):
            found[row, record.cell.dataset, _protocol_of(record, table)].append(record)
    cells = {}
    for column in columns:
        for row in range(len(table.rows)):
            mine = found[row, column.dataset, column.protocol]
            first = [_one(seed, list(same), notes) for seed, same in groupby(mine, _seed)]
            missing = sorted(set(table.seeds) - {record.cell.seed for record in first})
            cells[row, column] = Cells(tuple(first), tuple(missing))
    return cells


def _seed(record: Record) -> int:
    return record.cell.seed


def _one(seed: int, records: Sequence[Record], notes: list[str]) -> Record:
    chosen = min(records, key=lambda record: record.key)
    if len(records) > 1:
        others = sorted(record.key for record in records if record is not chosen)
        notes.append(
            f"{chosen.cell.dataset}, {chosen.cell.method}, seed {seed}: {len(records)} records; "
            f"{chosen.key} counts, {listed(others)} does not. Remove the stale ones from records/."
        )
    return chosen


def _measures(
    table: Table, columns: Sequence[Column], records: Sequence[Record]
) -> list[tuple[str, str]]:
    """(gallery rule, metric) of everything the records or the table name, in a fixed order."""
    pairs: dict[tuple[str, str], None] = {
        (table.rule(column.protocol), m): None for column in columns for m in table.metrics
    }
    for record in records:
        for gallery, metrics in sorted(record.metrics.items()):
            pairs |= {(gallery, m): None for m in metrics if not m.startswith(VALID_QUERIES)}
    return list(pairs)


def _scores(
    table: Table,
    columns: Sequence[Column],
    cells: Mapping[tuple[int, Column], Cells],
    gallery: str,
    metric: str,
    queries: QueryReader,
) -> dict[tuple[int, Column, str, str], Score]:
    """The scores of one metric in all rows and columns, marked column by column."""
    rows = range(len(table.rows))
    found = {
        (row, column): _score(table, row, column, cells[row, column].records, gallery, metric)
        for row in rows
        for column in columns
    }
    samples = [
        sample_of(
            {column.name: (found[row, column], cells[row, column].records) for column in columns},
            gallery,
            metric,
            queries,
        )
        for row in rows
    ]
    marked = marks(samples)
    return {
        (row, column, metric, gallery): replace(score, mark=marked[column.name][row])
        if column.name in marked
        else score
        for (row, column), score in found.items()
    }


def _score(
    table: Table, row: int, column: Column, records: Sequence[Record], gallery: str, metric: str
) -> Score:
    measured = [r for r in records if metric in r.metrics.get(gallery, {})]
    return Score(
        tuple(float(r.metrics[gallery][metric]) for r in measured),
        tuple(r.cell.seed for r in measured),
        tuple(r.key for r in measured),
        table.published_value(table.rows[row], column.dataset, metric)
        if gallery == table.rule(column.protocol)
        else None,
    )


def _version_notes(records: Sequence[Record]) -> list[str]:
    """What makes numbers of one grid less comparable than they look."""
    notes = []
    for record in records:
        notes += [f"{record.cell.dataset}: {note}" for note in record.notes]
    # A digest covers the method and the data set's reader, so only cells of both compare.
    codes: dict[tuple[str, str], set[str]] = defaultdict(set)
    for record in records:
        codes[record.cell.method, record.cell.dataset].add(record.digests["code"])
    for (method, dataset), digests in sorted(codes.items()):
        if len(digests) > 1:
            versions = counted(len(digests), "version")
            notes.append(f"{dataset}: the cells of {method} were made by {versions} of the code.")
    begun: dict[str, set[str]] = defaultdict(set)
    for record in records:
        for network, digest in record.initial.items():
            begun[network].add(digest)
    for network, digests in sorted(begun.items()):
        if len(digests) > 1:
            notes.append(f"The cells began with {len(digests)} different {network} weights.")
    manifests: dict[tuple[str, str, int], set[str]] = defaultdict(set)
    for record in records:
        cell = record.cell
        manifests[cell.dataset, cell.protocol, cell.seed].add(record.digests["manifest"])
    for (dataset, _, seed), digests in sorted(manifests.items()):
        if len(digests) > 1:
            notes.append(f"{dataset}, seed {seed}: the rows were tested on different splits.")
    return list(dict.fromkeys(notes))
