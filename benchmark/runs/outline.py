"""What a run of a whole table would take, from its files alone: no data is looked at."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossres.benchmark.config.profiles import load_profile, stated_seconds, typical_seconds
from crossres.benchmark.config.tables import Row, Table
from crossres.benchmark.records.cell import canonical_json
from crossres.benchmark.runs.capacity import Node, wall_seconds
from crossres.datasets.base.cores import usable_cores
from crossres.datasets.base.errors import InputError
from crossres.methods.interface.profile import Profile
from crossres.methods.interface.registry import resolve_options


@dataclass(frozen=True)
class Outline:
    """How many cells a table has on twins, and how long they take on this machine.

    `oracle_cells` come on top of `cells`: at most so many, as natively LR sets have none. `seconds`
    is the wall time of both with `jobs` workers, by what the profile states.
    """

    profile: str
    cells: int
    oracle_cells: int
    seconds: float
    jobs: int


def outline(table: Table, profile: str | Path | None = None) -> Outline:
    """Return the outline of a table with a profile (None: its own); InputError as `plan_table`.

    Rows that the profile makes equal are one.
    """
    name = profile or table.profile
    loaded, stated = load_profile(name), stated_seconds(name)
    of_rows = [
        (row.method, typical_seconds(stated, row.method, options))
        for row, options in _different(table, loaded)
    ]
    places = len(table.datasets) * len(table.seeds)
    of_rows *= places * max(1, len(table.protocols))
    of_oracle = []
    if table.oracle is not None:
        options = resolved_options(table, table.oracle, loaded)
        seconds = typical_seconds(stated, table.oracle.method, options)
        of_oracle = [(table.oracle.method, seconds)] * places
    jobs = usable_cores() if loaded.device == "cpu" else 1
    cells = ((seconds, loaded.needs_of(method)) for method, seconds in (*of_rows, *of_oracle))
    longest_first = sorted(cells, key=lambda cell: -cell[0])
    wall = wall_seconds(longest_first, (Node(),), jobs)
    return Outline(loaded.name, len(of_rows), len(of_oracle), wall, jobs)


def _different(table: Table, profile: Profile) -> Iterator[tuple[Row, dict[str, object]]]:
    """Yield the rows that are run, with all their options."""
    seen = set()
    for row in table.rows:
        options = resolved_options(table, row, profile)
        protocol = row.protocol_on(twin=True)
        way = canonical_json([row.method, options, dict(row.post_processing), protocol])
        if way not in seen:
            seen.add(way)
            yield row, options


def resolved_options(table: Table, row: Row, profile: Profile) -> dict[str, Any]:
    """Return the options of a row under a profile; InputError names the row where one is wrong."""
    try:
        return resolve_options(row.method, profile, dict(row.options))
    except InputError as error:
        raise InputError(f"table {table.id}, row {row.label!r}: {error}") from error
