"""Which cells of two results folders, A and B, belong together, and what differs in such a pair.

Cells of one key do. What is left is paired by data set, protocol and seed: first the same row of a
table, then the same method with the fewest differences in its options and profile.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from crossres.benchmark.compare.rows import Rows, column_of, setup_of
from crossres.benchmark.config.post_processing import MARK
from crossres.benchmark.config.tables import Table
from crossres.benchmark.records.record import Record

Kind = Literal[
    "option",
    "post-processing",
    "profile",
    "source",
    "manifest",
    "pixels",
    "code",
    "environment",
]
Sameness = Literal["bit-equal", "same metrics", "other metrics"]
Facts = Mapping[tuple[Kind, str], str]
Line = tuple[bytes, str | None]  # a setup and the own protocol of its row
OUTPUTS = ("weights", "embeddings")
ABSENT = "absent"


@dataclass(frozen=True)
class Change:
    """One thing in which B differs from A; `a` and `b` as text, "absent" where one lacks it.

    Digests (manifest, pixels, code) differ from cell to cell: only that they differ is said.
    """

    kind: Kind
    name: str = ""
    a: str = ""
    b: str = ""


@dataclass(frozen=True)
class Pair:
    """A cell of A and its counterpart in B; `row` is the title of the row they stand in."""

    row: str
    a: Record
    b: Record

    @property
    def same_key(self) -> bool:
        """Whether method, options, data, split, seed and profile are the same: all but the code."""
        return self.a.key == self.b.key

    @cached_property
    def copied(self) -> bool:
        """Whether both are one record, times included: a copy, which no second run bears out."""
        return self.a == self.b

    @cached_property
    def sameness(self) -> Sameness:
        """How equal the results are; a measure that only one of them has does not count."""
        if not (_agree(self.a.metrics, self.b.metrics) and _agree(self.a.cmc, self.b.cmc)):
            return "other metrics"
        return "same metrics" if self.other_outputs else "bit-equal"

    @property
    def other_outputs(self) -> tuple[str, ...]:
        """Which of weights and embeddings are not the same to the bit."""
        return tuple(n for n in OUTPUTS if self.a.digests[n] != self.b.digests[n])

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """What differs in how the two were made: causes, not consequences of them."""
        changes = [*_changes(_facts(self.a), _facts(self.b)), *_digest_changes(self.a, self.b)]
        if not changes and not self.same_key:
            overrides = [_text(record.profile.get("methods")) for record in (self.a, self.b)]
            changes.append(Change("profile", "methods", *overrides))
        if self.a.digests["code"] != self.b.digests["code"]:
            changes.append(Change("code"))
        return (*changes, *_changes(_machine(self.a), _machine(self.b)))


@dataclass(frozen=True)
class Matches:
    """The pairs by row, data set, protocol and seed, and the cells that have no counterpart."""

    pairs: tuple[Pair, ...]
    only_a: tuple[Record, ...]
    only_b: tuple[Record, ...]


def match(a: Iterable[Record], b: Iterable[Record], tables: Sequence[Table]) -> Matches:
    """Pair the cells of A and B; their rows are called as in `tables`, of which the first counts.

    Real data, partial data and twins are never paired with each other, nor cells with and without
    post-processing. A row that no table has is called after its method, and rows of one name also
    after that in which they differ.
    """
    rows = Rows(tables)
    left, right = ({r.key: r for r in sorted(side, key=lambda r: r.key)} for side in (a, b))
    matched = [(left[key], right[key]) for key in left if key in right]
    matched += _similar(
        [record for key, record in left.items() if key not in right],
        [record for key, record in right.items() if key not in left],
        rows,
    )
    indices, titles = _titles(matched, rows)
    pairs = []
    for line, a_record, b_record in ((_line(*sides, rows), *sides) for sides in matched):
        pair = Pair(titles[line], a_record, b_record)
        pairs.append((_order(indices[line], pair), pair))
    pairs.sort(key=lambda entry: entry[0])
    paired_a, paired_b = {a.key for a, _ in matched}, {b.key for _, b in matched}
    return Matches(
        tuple(pair for _, pair in pairs),
        tuple(record for key, record in left.items() if key not in paired_a),
        tuple(record for key, record in right.items() if key not in paired_b),
    )


def _order(index: int, pair: Pair) -> tuple[Any, ...]:
    return index, pair.row, *column_of(pair.a), pair.a.cell.seed, pair.a.key


# --- what a cell is made of -----------------------------------------------------------------------


def _facts(record: Record) -> Facts:
    """Return what decides a result beside data set, protocol, seed and code, in text."""
    profile = {name: value for name, value in record.profile.items() if name != "methods"}
    return {
        **{("option", name): _text(value) for name, value in record.cell.options.items()},
        **{
            ("post-processing", name): _text(value)
            for name, value in (record.cell.post_processing or {}).items()
        },
        **{("profile", name): _text(value) for name, value in _flat(profile)},
        ("source", ""): record.cell.source,
    }


def _machine(record: Record) -> Facts:
    return {("environment", name): _text(value) for name, value in record.environment.items()}


def _flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield nested entries under dotted names."""
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _changes(a: Facts, b: Facts) -> list[Change]:
    sides = [(entry, a.get(entry, ABSENT), b.get(entry, ABSENT)) for entry in sorted({**a, **b})]
    return [Change(*entry, left, right) for entry, left, right in sides if left != right]


def _digest_changes(a: Record, b: Record) -> list[Change]:
    """Return the first digest that differs: with another manifest pixels differ, too."""
    if a.cell.source != b.cell.source:  # which has other manifests
        return []
    if a.cell.trained_on != b.cell.trained_on:
        return [Change("manifest")]
    kinds: tuple[Kind, ...] = ("manifest", "pixels")
    names = {kind: (kind, f"training {kind}") for kind in kinds}
    return [
        Change(kind)
        for kind in kinds
        if any(a.digests.get(name) != b.digests.get(name) for name in names[kind])
    ][:1]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _agree(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Say whether all entries that both have are equal."""
    return all(
        _agree(a[k], b[k]) if isinstance(a[k], Mapping) else a[k] == b[k] for k in a.keys() & b
    )


# --- pairs of other keys --------------------------------------------------------------------------


def _similar(
    only_a: Sequence[Record], only_b: Sequence[Record], rows: Rows
) -> Iterator[tuple[Record, Record]]:
    """Yield counterparts among cells whose keys only one side has, column by column."""
    groups = [_by_column_and_setup(records) for records in (only_a, only_b)]
    for column in sorted(groups[0].keys() & groups[1].keys()):
        left, right = groups[0][column], groups[1][column]
        candidates = sorted(
            (_distance(next(iter(a.values())), next(iter(b.values())), rows), setup_a, setup_b)
            for setup_a, a in left.items()
            for setup_b, b in right.items()
            if a.keys() & b.keys()
        )
        taken: set[tuple[str, bytes]] = set()
        for _, setup_a, setup_b in candidates:
            if taken.isdisjoint({("a", setup_a), ("b", setup_b)}):
                taken |= {("a", setup_a), ("b", setup_b)}
                shared = sorted(left[setup_a].keys() & right[setup_b].keys())
                yield from ((left[setup_a][seed], right[setup_b][seed]) for seed in shared)


def _by_column_and_setup(
    records: Iterable[Record],
) -> dict[tuple[str, ...], dict[bytes, dict[int, Record]]]:
    """Group records by method, kind of source and column; by setup; by seed (first key).

    One with post-processing is never held against one without.
    """
    groups: dict[tuple[str, ...], dict[bytes, dict[int, Record]]] = defaultdict(dict)
    for record in records:
        kind = record.cell.source.partition(":")[0]
        mark = MARK if record.cell.post_processing else ""
        group = groups[record.cell.method, mark, kind, *column_of(record)]
        group.setdefault(setup_of(record), {}).setdefault(record.cell.seed, record)
    return groups


def _distance(a: Record, b: Record, rows: Rows) -> tuple[bool, int]:
    """Order cells of one row before others, then by the number of entries that differ."""
    apart = set(rows.indices(a)).isdisjoint(rows.indices(b))
    return apart, len(_changes(_facts(a), _facts(b)))


# --- names of rows --------------------------------------------------------------------------------


def _line(a: Record, b: Record, rows: Rows) -> Line:
    """Return what the pairs of one row have in common: rows that differ in protocol alone do."""
    return setup_of(a), _protocol(_row_index(a, b, rows), rows)


def _protocol(index: int, rows: Rows) -> str | None:
    """Return the protocol that the row at this index names, if there is such a row."""
    return rows.rows[index][1].protocol if index < len(rows.rows) else None


def _row_index(a: Record, b: Record, rows: Rows) -> int:
    """Return the index of the first row of either; behind all rows where neither has one."""
    return (*rows.indices(a), *rows.indices(b), len(rows.rows))[0]


def _titles(
    matched: Iterable[tuple[Record, Record]], rows: Rows
) -> tuple[dict[Line, int], dict[Line, str]]:
    """Return for each line its index among the rows, and its title, which no other line has."""
    firsts: dict[Line, Record] = {}
    indices: dict[Line, int] = {}
    for a, b in matched:
        line = _line(a, b, rows)
        firsts.setdefault(line, a)
        index = _row_index(a, b, rows)
        indices[line] = min(index, indices.get(line, index))
    labels = [row.label for _, row in rows.rows]
    titles = {
        line: labels[index] if index < len(labels) else _name(firsts[line])
        for line, index in indices.items()
    }
    times = Counter(titles.values())
    for title in (title for title, number in times.items() if number > 1):
        lines = [line for line in sorted(titles, key=str) if titles[line] == title]
        words = _distinctions({line: firsts[line] for line in lines})
        titles |= {line: f"{title} ({words[line]})" for line in lines}
    return indices, titles


def _name(record: Record) -> str:
    """Return what a row is called that no table has."""
    return f"{record.cell.method} {MARK}" if record.cell.post_processing else record.cell.method


def _distinctions(records: Mapping[Line, Record]) -> dict[Line, str]:
    """Say what distinguishes records: the entries in which any two of them differ."""
    facts = {line: _facts(record) for line, record in records.items()}
    first = next(iter(facts.values()))
    changes = [change for entries in facts.values() for change in _changes(first, entries)]
    names = sorted({(change.kind, change.name) for change in changes})
    return {
        line: ", ".join(f"{name[1]} {entries.get(name, ABSENT)}".strip() for name in names)
        or records[line].key[:8]
        for line, entries in facts.items()
    }
