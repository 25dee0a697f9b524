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
from crossres.benchmark.config.tables import Table
from crossres.benchmark.records.record import Record

Kind = Literal["option", "profile", "source", "manifest", "pixels", "code", "environment"]
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
        found = [*_changes(_facts(self.a), _facts(self.b)), *_digest_changes(self.a, self.b)]
        if not found and not self.same_key:
            own = [_text(record.profile.get("methods")) for record in (self.a, self.b)]
            found.append(Change("profile", "methods", *own))
        if self.a.digests["code"] != self.b.digests["code"]:
            found.append(Change("code"))
        return (*found, *_changes(_machine(self.a), _machine(self.b)))


@dataclass(frozen=True)
class Matches:
    """The pairs by row, data set, protocol and seed, and the cells that have no counterpart."""

    pairs: tuple[Pair, ...]
    only_a: tuple[Record, ...]
    only_b: tuple[Record, ...]


def match(a: Iterable[Record], b: Iterable[Record], tables: Sequence[Table]) -> Matches:
    """Pair the cells of A and B; their rows are called as in `tables`, of which the first counts.

    Real data, partial data and twins are never paired with each other. A row that no table has is
    called after its method, and rows of one name also after that in which they differ.
    """
    rows = Rows(tables)
    left, right = ({r.key: r for r in sorted(side, key=lambda r: r.key)} for side in (a, b))
    found = [(left[key], right[key]) for key in left if key in right]
    rest = ([r for r in left.values() if r.key not in right],
            [r for r in right.values() if r.key not in left])  # fmt: skip
    found += _similar(*rest, rows)
    places, titles = _titles(found, rows)
    lines = [(_line(one, other, rows), one, other) for one, other in found]
    lines.sort(key=lambda it: _order(places[it[0]], titles[it[0]], it[1]))
    pairs = [Pair(titles[line], one, other) for line, one, other in lines]
    paired_a, paired_b = {one.key for one, _ in found}, {other.key for _, other in found}
    only_a = tuple(record for key, record in left.items() if key not in paired_a)
    only_b = tuple(record for key, record in right.items() if key not in paired_b)
    return Matches(tuple(pairs), only_a, only_b)


def _order(place: int, title: str, record: Record) -> tuple[Any, ...]:
    return place, title, *column_of(record), record.cell.seed, record.key


# --- what a cell is made of -----------------------------------------------------------------------


def _facts(record: Record) -> Facts:
    """What decides a result beside data set, protocol, seed and code, in text."""
    profile = {name: value for name, value in record.profile.items() if name != "methods"}
    return {
        **{("option", name): _text(value) for name, value in record.cell.options.items()},
        **{("profile", name): _text(value) for name, value in _flat(profile)},
        ("source", ""): record.cell.source,
    }


def _machine(record: Record) -> Facts:
    return {("environment", name): _text(value) for name, value in record.environment.items()}


def _flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested entries under dotted names."""
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _changes(a: Facts, b: Facts) -> list[Change]:
    sides = [(entry, a.get(entry, ABSENT), b.get(entry, ABSENT)) for entry in sorted({**a, **b})]
    return [Change(*entry, left, right) for entry, left, right in sides if left != right]


def _digest_changes(a: Record, b: Record) -> list[Change]:
    """Another source has other manifests, and another manifest has other pixels."""
    if a.cell.source != b.cell.source:
        return []
    kinds: tuple[Kind, ...] = ("manifest", "pixels")
    return [Change(kind) for kind in kinds if a.digests[kind] != b.digests[kind]][:1]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _agree(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Whether all entries that both have are equal."""
    return all(
        _agree(a[k], b[k]) if isinstance(a[k], Mapping) else a[k] == b[k] for k in a.keys() & b
    )


# --- pairs of other keys --------------------------------------------------------------------------


def _similar(
    a: Sequence[Record], b: Sequence[Record], rows: Rows
) -> Iterator[tuple[Record, Record]]:
    """Counterparts among cells whose keys only one side has, column by column."""
    groups = [_by_column_and_setup(side) for side in (a, b)]
    for column in sorted(groups[0].keys() & groups[1].keys()):
        left, right = groups[0][column], groups[1][column]
        candidates = sorted(
            (_distance(next(iter(one.values())), next(iter(other.values())), rows), setup, twin)
            for setup, one in left.items()
            for twin, other in right.items()
            if one.keys() & other.keys()
        )
        taken: set[tuple[str, bytes]] = set()
        for _, setup, twin in candidates:
            if taken.isdisjoint({("a", setup), ("b", twin)}):
                taken |= {("a", setup), ("b", twin)}
                shared = sorted(left[setup].keys() & right[twin].keys())
                yield from ((left[setup][seed], right[twin][seed]) for seed in shared)


def _by_column_and_setup(
    records: Iterable[Record],
) -> dict[tuple[str, ...], dict[bytes, dict[int, Record]]]:
    """Records by method, kind of source and column; by setup; by seed (the first key counts)."""
    groups: dict[tuple[str, ...], dict[bytes, dict[int, Record]]] = defaultdict(dict)
    for record in records:
        kind = record.cell.source.partition(":")[0]
        group = groups[record.cell.method, kind, *column_of(record)]
        group.setdefault(setup_of(record), {}).setdefault(record.cell.seed, record)
    return groups


def _distance(a: Record, b: Record, rows: Rows) -> tuple[bool, int]:
    """Cells of one row come first, then those that differ in the fewest entries."""
    apart = set(rows.indices(a)).isdisjoint(rows.indices(b))
    return apart, len(_changes(_facts(a), _facts(b)))


# --- names of rows --------------------------------------------------------------------------------


def _line(one: Record, other: Record, rows: Rows) -> Line:
    """What the pairs of one row have in common: rows that differ in their protocol alone do."""
    return setup_of(one), _protocol(_place(one, other, rows), rows)


def _protocol(place: int, rows: Rows) -> str | None:
    """The own protocol of the row at this index, if it is one and has one."""
    return rows.rows[place][1].protocol if place < len(rows.rows) else None


def _place(one: Record, other: Record, rows: Rows) -> int:
    """The first row of either; behind all rows where neither has one."""
    return (*rows.indices(one), *rows.indices(other), len(rows.rows))[0]


def _titles(
    found: Iterable[tuple[Record, Record]], rows: Rows
) -> tuple[dict[Line, int], dict[Line, str]]:
    """Of each line: its place among the rows, and its title, which no other one has."""
    firsts: dict[Line, Record] = {}
    places: dict[Line, int] = {}
    for one, other in found:
        line = _line(one, other, rows)
        firsts.setdefault(line, one)
        mine = _place(one, other, rows)
        places[line] = min(mine, places.get(line, mine))
    names = [row.label for _, row in rows.rows]
    titles = {
        line: names[place] if place < len(names) else firsts[line].cell.method
        for line, place in places.items()
    }
    times = Counter(titles.values())
    for title in (title for title, number in times.items() if number > 1):
        same = {line: firsts[line] for line in sorted(titles, key=str) if titles[line] == title}
        titles |= {line: f"{title} ({what})" for line, what in _told_apart(same).items()}
    return places, titles


def _told_apart(records: Mapping[Line, Record]) -> dict[Line, str]:
    """What distinguishes records: the values of the entries in which any two of them differ."""
    facts = {setup: _facts(record) for setup, record in records.items()}
    first = next(iter(facts.values()))
    names = {(c.kind, c.name) for other in facts.values() for c in _changes(first, other)}
    return {
        setup: ", ".join(f"{name[1]} {mine.get(name, ABSENT)}".strip() for name in sorted(names))
        or records[setup].key[:8]
        for setup, mine in facts.items()
    }
