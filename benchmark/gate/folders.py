"""Check a results folder against a baseline file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crossres.benchmark.config.tables import Table, asked_tables
from crossres.benchmark.gate.baseline import read_baseline
from crossres.benchmark.gate.check import Check, check
from crossres.benchmark.gate.checkout import Checkout, checkout_of
from crossres.benchmark.gate.limits import Limits
from crossres.benchmark.records.failures import FailedCell, read_failures
from crossres.benchmark.records.kept import naming_tables
from crossres.benchmark.records.record import require_records
from crossres.datasets.base.arguments import as_a, as_path
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

    By default these are those that the folder keeps, and the built-in ones. Raises InputError when
    one of the two cannot be read, and as `crossres.benchmark.gate.check.check` does.
    """
    results, baseline = as_path(results, "results"), as_path(baseline, "baseline")
    limits = None if limits is None else as_a(Limits, limits, "limits")
    expected = read_baseline(baseline)
    records = require_records(results)
    by_name = naming_tables(results) if tables is None else asked_tables(tables)
    answer = check(expected.records, records, by_name, limits, expected.more_runs)
    failed = read_failures(results, {record.key for record in records})
    names = (results.as_posix(), baseline.as_posix())
    return FolderCheck(*names, answer, failed, checkout_of(results))
