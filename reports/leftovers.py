"""What lies in a results folder beside the numbers of its tables, so that nothing is hidden.

Records outside the tables, files that cannot be used, and cells that failed.
"""

import json
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from benchmark.records import Record


@dataclass(frozen=True)
class FailedCell:
    """A cell that raised or whose worker died: its title and the reason in one line."""

    key: str
    title: str
    reason: str


@dataclass(frozen=True)
class Leftovers:
    """Records that no table shows, one line per unusable file, and the cells that failed.

    `not_drawn`: one line for each part of the report that could not be drawn.
    """

    records: tuple[Record, ...] = ()
    broken: tuple[str, ...] = ()
    failed: tuple[FailedCell, ...] = ()
    not_drawn: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.records) + len(self.broken) + len(self.failed) + len(self.not_drawn)


def read_failures(results: Path, finished: Container[str]) -> tuple[FailedCell, ...]:
    """The failures of a results folder by key, without those whose cell has finished since."""
    logs = sorted((results / "failures").glob("*.log"))
    return tuple(_read_failure(path) for path in logs if path.stem not in finished)


def _read_failure(path: Path) -> FailedCell:
    """The log's first line is the cell's title, its second one JSON with the reason."""
    title, about, *_ = [*path.read_text(encoding="utf-8", errors="replace").splitlines(), "", ""]
    try:
        reason = str(json.loads(about)["reason"])
    except (ValueError, KeyError, TypeError):
        reason = "the log does not say why"
    return FailedCell(path.stem, title or path.stem, reason)
