"""Check a results folder against a baseline file."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from crossres.benchmark.config.tables import Table, asked_tables
from crossres.benchmark.gate.baseline import read_baseline
from crossres.benchmark.gate.check import Check, check
from crossres.benchmark.gate.checkout import Checkout, checkout_of
from crossres.benchmark.gate.limits import Limits
from crossres.benchmark.gate.unpaired import line_of
from crossres.benchmark.records.cell import Cell
from crossres.benchmark.records.failures import FailedCell, read_failures
from crossres.benchmark.records.kept import naming_tables
from crossres.benchmark.records.planned import read_runs
from crossres.benchmark.records.record import Record, require_records
from crossres.benchmark.runs.stale import CodeNow, Stale, split_records, stale_lines
from crossres.datasets.base.arguments import as_a, as_path
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.words import counted


@dataclass(frozen=True)
class FolderCheck:
    """A check with the names of the folder and the baseline, and the cells that failed."""

    results: str
    baseline: str
    check: Check
    failed: tuple[FailedCell, ...]
    checkout: Checkout | None = None

    @property
    def verdict(self) -> str:
        """The answer, with the number of cells, what was found, or what could not have been."""
        pairs = self.check.comparison.pairs
        if self.check.answer == "failed":
            kinds = dict.fromkeys(finding.kind for finding in self.check.findings)
            return f"failed: {', '.join(kinds)}"
        if self.check.answer == "unusable":
            return f"unusable: {self.check.blind[0].text}"
        copied = all(pair.copied for pair in pairs)
        are = f"{counted(len(pairs), 'cell')} {'is' if len(pairs) == 1 else 'are'}"
        return (
            f"passed: {are} as the baseline says" + ", being copies of it, not run again" * copied
        )

    @property
    def origin(self) -> str:
        """What was compared: folder and baseline, commit and date."""
        at = f", at {self.checkout.words}" if self.checkout else ""
        return f"{self.results} against {self.baseline}{at}"


def check_folder(
    results: Path | str,
    baseline: Path | str,
    tables: Sequence[Table | str | Path] | None = None,
    limits: Limits | None = None,
) -> FolderCheck:
    """Check a results folder against a baseline file; `tables`: those that name the rows.

    By default these are those that the folder keeps, and the built-in ones. Only records of the
    folder's latest runs count: what such a run was to make anew, and did not, is missing, as is
    what a later run with other code left behind. Raises InputError when one of the two cannot be
    read, and as `check` does.
    """
    results, baseline = as_path(results, "results"), as_path(baseline, "baseline")
    limits = None if limits is None else as_a(Limits, limits, "limits")
    expected = read_baseline(baseline)
    records, stale = current_records(results)
    by_name = naming_tables(results) if tables is None else asked_tables(tables)
    of_other_seeds = limits is not None and limits.other_seeds
    unfinished = _unfinished(results, expected.records, records) if of_other_seeds else []
    answer = check(expected.records, records, by_name, limits, expected.more_runs, unfinished)
    answer = replace(answer, notes=(*answer.notes, *stale_lines(stale)))
    failed = read_failures(results, {record.key for record in records})
    names = (results.as_posix(), baseline.as_posix())
    return FolderCheck(*names, answer, failed, checkout_of(results))


def _unfinished(results: Path, baseline: Sequence[Record], records: Sequence[Record]) -> list[Cell]:
    """Return the cells that the folder was asked for and lacks, in lines that the baseline has.

    Of other seeds the baseline cannot say which ones there should be.
    """
    lines = {line_of(record.cell) for record in baseline}
    present = {record.key for record in records}
    asked = read_runs(results).asked.cells
    return [
        planned.cell
        for key, planned in asked.items()
        if key not in present and line_of(planned.cell) in lines
    ]


def current_records(results: Path) -> tuple[list[Record], list[Stale]]:
    """Return the records of the latest runs of a folder, and those that these were to make anew.

    Those are stale, too, that a later run with the code as it is now left behind, and those of a
    method some of whose cells are of this code, as after `crossres retry`. A folder that was filled
    before the code changed is left as it is. Raises InputError where no record is left.
    """
    by_key = {record.key: record for record in require_records(results)}
    asked, code = read_runs(results).asked, CodeNow()
    current, stale = split_records(results, by_key, asked)
    of_now = [r for r in current.values() if code.digest(r.cell) == r.digests["code"]]
    latest = max((asked.at(record.key) for record in of_now), default=-math.inf)
    methods = {record.cell.method for record in of_now}

    def is_left_behind(record: Record) -> bool:
        is_older = asked.at(record.key) < latest or record.cell.method in methods
        return is_older and not code.is_of(record)

    if any(map(is_left_behind, current.values())):
        current, stale = split_records(results, by_key, asked, is_left_behind)
    if not current:
        raise InputError(
            f"{results}: no record of its latest run, whose cells failed or were not run; "
            f"{'; '.join(stale_lines(stale))}; run the same command again"
        )
    return list(current.values()), stale
