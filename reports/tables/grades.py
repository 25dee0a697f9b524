"""What tables say of the method of a row: its grade, and what the profile sets otherwise in it."""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypeVar

from crossres.benchmark.config.post_processing import MARK, in_words
from crossres.datasets.base.words import listed
from crossres.reports.grid.departures import Departure
from crossres.reports.grid.grid import Grid
from crossres.reports.wording import grade_short, rate_words

CHANGED = "*"  # behind the grade of a method in which the profile changes more than the size
_Key = TypeVar("_Key")


def grade_words(grid: Grid, row: int) -> str:
    """Return "faithful structure with quick's head and losses": a grade under a profile."""
    change = change_words(grid, row)
    return f"{grid.methods[row].grade} with {change}" if change else grid.methods[row].grade


def change_words(grid: Grid, row: int) -> str:
    """Return "quick's head and losses", what of the method is the profile's; mostly ""."""
    kinds = grid.changed(row)
    return f"{grid.profile_name}'s {listed(kinds)}" if kinds else ""


def grade_mark(grid: Grid, row: int) -> str:
    """Return "structure*": the grade in one word, marked where `changes_note` has more to say."""
    return grade_short(grid.methods[row].grade) + (CHANGED if grid.changed(row) else "")


def changes_note(grid: Grid) -> str:
    """Say in a sentence what the profile changes in the methods of which rows; "" where nothing."""
    groups = _lines_by(grid, {row: listed(grid.changed(row)) for row in grid.lines})
    named = [
        f"the {kinds} of {'all rows' if len(groups) == 1 else listed(rows)}"
        for kinds, rows in groups.items()
        if kinds
    ]
    return f"Profile {grid.profile_name} changes {'; '.join(named)}." if named else ""


def changes_by_rows(grid: Grid) -> list[tuple[str, str]]:
    """Return (labels of rows, `changes_text`) of the rows whose methods the profile changes."""
    groups = _lines_by(grid, {row: changes_text(grid, row) for row in grid.lines})
    return [(listed(rows), text) for text, rows in groups.items() if text]


def departures_by_rows(grid: Grid) -> list[tuple[str, str, str]]:
    """Return (labels of rows, what changes their method, size and schedule) of rows alike."""
    groups = _lines_by(
        grid, {row: (changes_text(grid, row), sizes_text(grid, row)) for row in grid.lines}
    )
    return [(listed(rows), *texts) for texts, rows in groups.items() if any(texts)]


def changes_text(grid: Grid, row: int) -> str:
    """Return 'parts 4 (6), triplet true (false)': in brackets the method's own values."""
    return _departures_text(d for d in grid.departures[row] if d.changes_method)


def sizes_text(grid: Grid, row: int) -> str:
    """Return 'sr_width 8 (64), reid_lr 0.01 (0.0003)', likewise of size and schedule."""
    return _departures_text(d for d in grid.departures[row] if not d.changes_method)


def processing_words(grid: Grid, row: int) -> str:
    """Return "k-reciprocal re-ranking (k1 20, ...)": the post-processing of a row; mostly ""."""
    return in_words(grid.table.lines[row].post_processing)


def processing_note(grid: Grid) -> str:
    """Say in a sentence which rows have which post-processing; "" where none has any."""
    groups = _lines_by(grid, {row: processing_words(grid, row) for row in grid.lines})
    named = [f"{listed(rows)}: {words}" for words, rows in groups.items() if words]
    return f"{MARK} With post-processing at test time. {'; '.join(named)}." if named else ""


def method_words(grid: Grid, row: int) -> str:
    """Return "grade: our reading, query's rate not used": what a table says of a row's method."""
    return f"grade: {grade_words(grid, row)}, query's rate {rate_words(grid.uses_rate[row])}"


def _lines_by(grid: Grid, keys: dict[int, _Key]) -> dict[_Key, list[str]]:
    """Return the labels of rows by what they have in common."""
    groups: dict[_Key, list[str]] = defaultdict(list)
    for row, key in keys.items():
        groups[key].append(grid.table.lines[row].label)
    return groups


def _departures_text(departures: Iterable[Departure]) -> str:
    return ", ".join(f"{d.option} {_value(d.value)} ({_value(d.own)})" for d in departures)


def _value(value: Any) -> str:
    """Return a JSON value, fractions with four digits."""
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
