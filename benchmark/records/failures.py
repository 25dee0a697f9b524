"""Cells that failed: the logs in a results folder."""

import json
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from crossres.benchmark.records.cell import canonical_json
from crossres.datasets.base.files import write_atomically


@dataclass(frozen=True)
class FailedCell:
    """A cell that raised or whose worker died: its title and the reason in one line."""

    key: str
    title: str
    reason: str


def failure_log(results: Path, key: str) -> Path:
    """Return where a results folder keeps the log of a failed cell."""
    return results / "failures" / f"{key}.log"


def write_failure(log: Path, failed: FailedCell, output: str) -> None:
    """Write the log: the title of the cell, a line of JSON with the reason, what it printed."""
    reason = canonical_json({"key": failed.key, "reason": failed.reason}).decode()
    write_atomically(log, f"{failed.title}\n{reason}\n\n{output}")


def read_failures(results: Path, finished: Container[str]) -> tuple[FailedCell, ...]:
    """Read the failures of a results folder by key, but for cells that have finished since."""
    logs = sorted((results / "failures").glob("*.log"))
    return tuple(read_failure(path) for path in logs if path.stem not in finished)


def read_failure(path: Path) -> FailedCell:
    """Read title and reason from the first two lines of a log, the second of which is JSON."""
    title, line, *_ = [*path.read_text(encoding="utf-8", errors="replace").splitlines(), "", ""]
    try:
        reason = str(json.loads(line)["reason"])
    except (ValueError, KeyError, TypeError):
        reason = "the log does not say why"
    return FailedCell(path.stem, title or path.stem, reason)
