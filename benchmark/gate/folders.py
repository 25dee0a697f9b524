"""Check a results folder against a baseline file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from crossres.benchmark.config.tables import Table, asked_tables
from crossres.benchmark.gate.baseline import read_baseline
from crossres.benchmark.gate.check import Check, check, missing_cells
from crossres.benchmark.gate.checkout import Checkout, checkout_of
from crossres.benchmark.gate.limits import Limits
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
    what other code made where some cells are of this one. Raises InputError when one of the two
    cannot be read, and as `check` does.
    """
    results, baseline = as_path(results, "results"), as_path(baseline, "baseline")
    limits = None if limits is None else as_a(Limits, limits, "limits")
    expected = read_baseline(baseline)
    records, stale = current_records(results)
    by_name = naming_tables(results) if tables is None else asked_tables(tables)
    answer = check(expected.records, records, by_name, limits, expected.more_runs)
    if limits is not None and limits.other_seeds:
        unfinished = missing_cells(_unfinished(results, expected.records, records))
        answer = replace(answer, findings=(*unfinished, *answer.findings))
    answer = replace(answer, notes=(*answer.notes, *stale_lines(stale)))
    failed = read_failures(results, {record.key for record in records})
    names = (results.as_posix(), baseline.as_posix())
    return FolderCheck(*names, answer, failed, checkout_of(results))


def _unfinished(results: Path, baseline: Sequence[Record], records: Sequence[Record]) -> list[Cell]:
    """Return the cells that the folder was asked for and lacks, in lines that the baseline has.

    Of other seeds the baseline cannot say which ones there should be.
    """
    lines = {_line(record.cell) for record in baseline}
    present = {record.key for record in records}
    asked = read_runs(results).asked.cells
    return [
        planned.cell
        for key, planned in asked.items()
        if key not in present and _line(planned.cell) in lines
    ]


def _line(cell: Cell) -> tuple[bytes | str, ...]:
    return cell.way, cell.dataset, cell.protocol


def current_records(results: Path) -> tuple[list[Record], list[Stale]]:
    """Return the records of the latest runs of a folder, and those that these were to make anew.

    Where some cells were made by the code as it is now, those of other code are of neither one code
    nor the other: these are stale, too. A folder all of whose cells are of other code is left as it
    is. Raises InputError where no record is left.
    """
    by_key = {record.key: record for record in require_records(results)}
    current, stale = split_records(results, by_key, read_runs(results).asked)
    code = CodeNow()
    if any(code.digest(record.cell) == record.digests["code"] for record in current.values()):
        current, stale = split_records(results, by_key, read_runs(results).asked, code)
    if not current:
        raise InputError(
            f"{results}: no record of its latest run, whose cells failed or were not run; "
            f"{'; '.join(stale_lines(stale))}; run the same command again"
        )
    return list(current.values()), stale
