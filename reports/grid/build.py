"""Records are sorted into the rows and columns of a table: one grid per source and profile.

What does not fit is counted and said: rows without records, records without a row, doubles.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from crossres.benchmark.compare.rows import Rows, protocol_texts, row_options
from crossres.benchmark.config.tables import Published, Table
from crossres.benchmark.metrics.by_rate import VALID_QUERIES, rate_of
from crossres.benchmark.records.queries import QueryReader, from_counts, sample_of
from crossres.benchmark.records.record import Record
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import digest_of
from crossres.datasets.base.words import counted, listed
from crossres.datasets.protocols.validation import is_validation, off_validation, on_validation
from crossres.methods.interface.registry import declaration
from crossres.reports.grid.departures import Departure, departures_of
from crossres.reports.grid.grid import BY_ROW, Cells, Column, Grid, Mark, Score, trials
from crossres.reports.grid.marks import marks
from crossres.reports.grid.standing import is_comparable
from crossres.reports.wording import set_title, under_protocol


def build_grids(
    records: Iterable[Record], table: Table, queries: QueryReader = from_counts
) -> list[Grid]:
    """Return the grids of `table`: real data first, then by source and profile; [] without any.

    Published values are in those only that they may stand beside (`is_comparable`); others have
    them as `withheld`.

    A record belongs to the row whose method and options, resolved under the record's own profile,
    are the record's, and whose protocol, where the table or the row names one. Those of the oracle
    stand in the columns of default protocols. Profiles of one name and different content give
    different grids; so do test and validation. `queries` reads what statements about chance need
    of a record's queries; the records alone tell little of it, so that less can be said.
    """
    groups: dict[tuple[str, str, str, str], list[Record]] = defaultdict(list)
    ordered = sorted(records, key=lambda r: (r.cell.dataset, r.cell.seed, r.key))
    common = {record.cell.data_seed for record in ordered} - {None}
    for record in ordered:
        content = _canonical({**record.profile, "methods": {}})
        for data in _data_of(record, common):
            groups[record.cell.source, record.cell.profile, data, content].append(record)
    filled = [
        (source, name, data, profile, chosen)
        for (source, name, data, _), group in groups.items()
        for profile, chosen in _by_overrides(group)
    ]
    filled.sort(key=lambda entry: (entry[0] != "real", *entry[:3], _canonical(entry[3])))
    several = Counter(entry[:3] for entry in filled)
    grids = [
        _grid(
            table,
            source,
            _label(name, profile, several[source, name, data]) + data,
            profile,
            chosen,
            queries,
        )
        for source, name, data, profile, chosen in filled
    ]
    return [grid for grid in grids if grid.records]


def _data_of(record: Record, common: Collection[int | None]) -> list[str]:
    """Return which cells the record stands with: those on data of their own seeds (""), and those
    that share data with it; in both cases those of test, or those of validation identities.
    """
    cell = record.cell
    shared = [f" on data {cell.drawn_with}"] if cell.drawn_with in common else []
    seeds = shared if cell.data_seed is not None else ["", *shared]
    tested = " on validation identities" if is_validation(cell.protocol) else ""
    return [f"{data}{tested}" for data in seeds]


def _by_overrides(records: Sequence[Record]) -> list[tuple[dict[str, Any], list[Record]]]:
    """Return the profiles behind records whose profiles differ in methods' options at most.

    A record knows the options of its own method alone; a profile has those of all. Where a profile
    file was changed in between, there are two; a method that it left alone is in both.
    """
    versions: dict[str, list[str]] = defaultdict(list)
    texts_of = [(record.cell.method, _canonical(_overrides(record))) for record in records]
    for method, text in sorted({*texts_of}):
        versions[method].append(text)
    profiles = []
    for index in range(max(map(len, versions.values()))):
        chosen = {method: texts[min(index, len(texts) - 1)] for method, texts in versions.items()}
        methods = {method: json.loads(text) for method, text in chosen.items()}
        covered = [
            record
            for record, (method, text) in zip(records, texts_of, strict=True)
            if text == chosen[method]
        ]
        profiles.append(({**records[0].profile, "methods": methods}, covered))
    return profiles


def _overrides(record: Record) -> Any:
    return record.profile.get("methods", {}).get(record.cell.method, {})


def _canonical(content: Any) -> str:
    return json.dumps(content, sort_keys=True)


def _label(name: str, profile: Mapping[str, Any], several: int) -> str:
    """Return the profile's name, with a digest where several of that name differ in content."""
    return name if several == 1 else f"{name}-{digest_of(_canonical(profile).encode())[:8]}"


def _grid(
    table: Table,
    source: str,
    label: str,
    profile: Mapping[str, Any],
    records: Sequence[Record],
    queries: QueryReader,
) -> Grid:
    uses_rate, departures, notes = _under_profile(table, profile)
    rows = Rows([table])
    matched = [record for record in records if rows.indices(record)]
    of_oracle = [record for record in matched if rows.is_of_oracle(record)]
    of_rows = [record for record in matched if not rows.is_of_oracle(record)]
    unmatched = tuple(record for record in records if not rows.indices(record))
    obstacles = Counter(rows.reason(record) for record in unmatched)
    withheld: tuple[Published, ...] = ()
    if not is_comparable(matched):
        withheld, table = tuple(table.published), replace(table, published=())
    columns = _columns(table, of_rows, [record.cell.dataset for record in of_oracle])
    # In a column of the oracle's own protocol its records are of a row as any others.
    of_any_row = Rows([replace(table, oracle=None)]) if table.oracle else rows
    cells = _cells(table, columns, of_any_row, matched, notes)
    if table.oracle:
        drawn = {record.cell.dataset for record in of_rows if _is_drawn(record)}
        cells |= _oracle_cells(table, columns, of_oracle, drawn, notes)
    scores: dict[tuple[int, Column, str, str], Score] = {}
    for gallery, metric in _measures(table, columns, of_rows):
        scores.update(_scores(table, columns, cells, gallery, metric, queries))
    return Grid(
        table,
        source,
        label,
        columns,
        cells,
        scores,
        uses_rate,
        departures,
        queries,
        unmatched=unmatched,
        obstacles=tuple(reason for reason, _ in obstacles.most_common()),
        notes=(*notes, *_version_notes(matched)),
        withheld=withheld,
    )


def _under_profile(
    table: Table, profile: Mapping[str, Any]
) -> tuple[tuple[bool, ...], tuple[tuple[Departure, ...], ...], list[str]]:
    """Say of each row whether it is told the queries' rates, and what the profile sets otherwise
    than its method; note rows without options.
    """
    uses_rate, notes = [], []
    departures: list[tuple[Departure, ...]] = []
    for row in table.lines:
        method = declaration(row.method)
        try:
            options = row_options(row, profile)
        except InputError as error:
            notes.append(f"Row {row.label}: {error}.")
            uses_rate.append(method.needs_rate)
            departures.append(())
        else:
            uses_rate.append(method.needs_rate and options.get("rate", "given") == "given")
            departures.append(departures_of(row, method, options))
    return tuple(uses_rate), tuple(departures), notes


def _columns(
    table: Table, records: Sequence[Record], of_oracle: Iterable[str]
) -> tuple[Column, ...]:
    """Return the table's data sets in its order, then those that only records know, by name.

    `of_oracle` are data sets of its oracle, whose protocol makes no column.
    """
    protocols: dict[str, set[str]] = defaultdict(set, {dataset: set() for dataset in of_oracle})
    for record in records:
        protocols[record.cell.dataset].add(_protocol_of(record, table))
    names = [*table.datasets, *sorted(set(protocols) - set(table.datasets))]
    named = tuple(protocol for protocol in table.protocols if not is_validation(protocol))
    if any(is_validation(record.cell.protocol) for record in records):
        named = tuple(dict.fromkeys(map(on_validation, table.protocols)))
    return tuple(
        column
        for name in names
        for column in (_named_columns if named else _columns_of_records)(
            name, _title(name, records), named or sorted(protocols[name]), table
        )
    )


def _title(dataset: str, records: Sequence[Record]) -> str:
    """Return the title of a data set; it says so where not the test of that very set was run."""
    cells = [record.cell for record in records if record.cell.dataset == dataset]
    is_partial = any(cell.source == "partial" for cell in cells)
    validates = any(is_validation(cell.protocol) for cell in cells)
    words = ("partial" if is_partial else "", "validation" if validates else "")
    return ", ".join(filter(None, (set_title(dataset), *words)))


def _protocol_of(record: Record, table: Table) -> str:
    """Return the protocol of the column that shows a record."""
    return BY_ROW if table.is_by_row else record.cell.protocol


def _named_columns(
    dataset: str, title: str, protocols: Sequence[str], table: Table
) -> list[Column]:
    """Return a column for each protocol of the table, titled with the table's words for it."""
    texts = zip(protocol_texts(dataset, protocols, table), protocols, strict=True)
    return [
        Column(dataset, text, under_protocol(title, off_validation(protocol)))
        for text, protocol in texts
    ]


def _columns_of_records(
    dataset: str, title: str, protocols: Sequence[str], table: Table
) -> list[Column]:
    """Return a column per protocol, which the title names unless it is the only, default one."""
    card = table.known_card(dataset)
    if not protocols:
        return [Column(dataset, card.protocol if card else "", title)]
    words = [off_validation(protocol) for protocol in protocols]
    if len(protocols) == 1 and (card is None or words[0] in (card.protocol, BY_ROW)):
        return [Column(dataset, protocols[0], title)]
    return [
        Column(dataset, protocol, under_protocol(title, word))
        for protocol, word in zip(protocols, words, strict=True)
    ]


def _cells(
    table: Table,
    columns: Sequence[Column],
    rows: Rows,
    records: Sequence[Record],
    notes: list[str],
) -> dict[tuple[int, Column], Cells]:
    """Place records by row and column; of a cell there twice the first key counts (noted)."""
    placed: dict[tuple[int, str, str], list[Record]] = defaultdict(list)
    for record in records:
        for row in rows.indices(record):
            placed[row, record.cell.dataset, _protocol_of(record, table)].append(record)
    cells = {}
    for column in columns:
        for row in range(len(table.rows)):
            of_cell = placed[row, column.dataset, column.protocol]
            cells[row, column] = _cells_of(table, of_cell, notes)
    return cells


def _oracle_cells(
    table: Table,
    columns: Sequence[Column],
    records: Sequence[Record],
    drawn: Container[str],
    notes: list[str],
) -> dict[tuple[int, Column], Cells]:
    """Place records of the oracle by column, in those of default protocols.

    Only in sets whose rates are `drawn` there are queries for it, so that it lacks seeds.
    """
    cells = {}
    for column in columns:
        card = table.known_card(column.dataset)
        is_default = (
            off_validation(column.protocol) == card.protocol
            if card is not None
            else sum(other.dataset == column.dataset for other in columns) == 1
        )
        of_cell = [r for r in records if is_default and r.cell.dataset == column.dataset]
        is_asked = is_default and column.dataset in drawn
        filled = _cells_of(table, of_cell, notes)
        cells[len(table.rows), column] = filled if of_cell or is_asked else Cells()
    return cells


def _is_drawn(record: Record) -> bool:
    """Say whether queries have rates, as those have that were down-sampled."""
    return any(rate_of(name) for measured in record.metrics.values() for name in measured)


def _cells_of(table: Table, records: Sequence[Record], notes: list[str]) -> Cells:
    """Return the records of one row on one column, in order of their seeds, and what is missing."""
    first = [_first_key(seed, list(same), notes) for seed, same in groupby(records, _seed)]
    missing = sorted(set(table.seeds) - {record.cell.seed for record in first})
    return Cells(tuple(first), tuple(missing))


def _seed(record: Record) -> int:
    return record.cell.seed


def _first_key(seed: int, records: Sequence[Record], notes: list[str]) -> Record:
    chosen = min(records, key=lambda record: record.key)
    if len(records) > 1:
        stale = sorted(record.key for record in records if record is not chosen)
        notes.append(
            f"{chosen.cell.dataset}, {chosen.cell.method}, seed {seed}: {len(records)} records; "
            f"{chosen.key} counts, {listed(stale)} does not. Remove the stale ones from records/."
        )
    return chosen


def _measures(
    table: Table, columns: Sequence[Column], records: Sequence[Record]
) -> list[tuple[str, str]]:
    """Return (gallery rule, metric) of all that the records or the table name, in a fixed order."""
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
    """Return the scores of one metric in all rows and columns, marked column by column.

    Those of the oracle are there, too, and have no part in the marks. What the table does not show
    is not marked: tests of all metrics under both rules are several times the work.
    """
    rows = range(len(table.rows))
    scores = {
        (row, column): _score(table, row, column, cells[row, column].records, gallery, metric)
        for row in range(len(table.lines))
        for column in columns
    }
    marked: Mapping[str, Sequence[Mark]] = {}
    if metric in table.metrics and gallery in {table.rule(c.protocol) for c in columns}:
        by_row = [
            {
                trial: record
                for column in columns
                for trial, record in trials(column, cells[row, column]).items()
            }
            for row in rows
        ]
        marked = marks([sample_of(records, gallery, metric, queries) for records in by_row])
    return {
        (row, column, metric, gallery): replace(score, mark=marked[column.name][row])
        if column.name in marked and row in rows
        else score
        for (row, column), score in scores.items()
    }


def _score(
    table: Table, row: int, column: Column, records: Sequence[Record], gallery: str, metric: str
) -> Score:
    values = {
        r.key: float(metrics[metric])
        for r in records
        if metric in (metrics := r.metrics.get(gallery, {}))
    }
    measured = records if len(values) == len(records) else [r for r in records if r.key in values]
    return Score(
        tuple(values.values()),
        tuple(r.cell.seed for r in measured),
        tuple(values),
        table.published_value(table.lines[row], column.dataset, metric)
        if gallery == table.rule(column.protocol)
        else None,
    )


def _version_notes(records: Sequence[Record]) -> list[str]:
    """Say what makes numbers of one grid less comparable than they look."""
    notes = []
    for record in records:
        notes += [f"{dataset}: {note}" for dataset, note in record.notes_by_set()]
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
