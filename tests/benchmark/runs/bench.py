"""A results folder, and what it takes to plan and to run a small table into it."""

import io
from pathlib import Path
from typing import Any

from crossres.benchmark import RunRequest, Summary, plan_table, run_table
from crossres.benchmark.runs.plan import Plan
from crossres.datasets.raw.source import Source

FOLDERS = [
    "artifacts",
    "images",
    "records",
    "runs",
    "tables",
]  # that a run leaves, when all went well
HOW = ("engine", "nodes", "stream")


class Bench:
    """A results folder, and what `run_table` needs to fill it."""

    def __init__(self, tmp_path: Path, root: Path, table: Path, profile: Path) -> None:
        self.out, self.table = tmp_path / "out", table
        self.arguments: dict[str, Any] = {
            "source": Source(root, partial=True, other_sizes=True),
            "profile": profile,
            "cache": tmp_path / "cache",
            "jobs": 2,
        }
        self.lines: list[str] = []

    def run(self, out: Path | None = None, **changes: Any) -> Summary:
        stream = io.StringIO()
        how = {"stream": stream} | {n: changes.pop(n) for n in HOW if n in changes}
        request = RunRequest(self.table, out or self.out, **(self.arguments | changes))
        summary = run_table(request, **how)
        self.lines = stream.getvalue().splitlines()
        return summary

    def plan(self, **changes: Any) -> Plan:
        how = {name: changes.pop(name) for name in HOW if name in changes}
        return plan_table(RunRequest(self.table, self.out, **(self.arguments | changes)), **how)

    def edit(self, old: str, new: str) -> None:
        text = self.table.read_text()
        assert old in text
        self.table.write_text(text.replace(old, new))
