"""What lies in a results folder beside the numbers of its tables, so that nothing is hidden.

Records outside the tables, files that cannot be used, and cells that failed.
"""

from dataclasses import dataclass

from crossres.benchmark.records.failures import FailedCell
from crossres.benchmark.records.record import Record


@dataclass(frozen=True)
class Leftovers:
    """Records that no table shows, one line per unusable file, and the cells that failed.

    `not_drawn`: one line for each part of the report that could not be drawn. `not_run`: how many
    cells were asked for that have no record. `stale`: lines of records, shown or not, that the
    latest runs were to make anew.
    """

    records: tuple[Record, ...] = ()
    broken: tuple[str, ...] = ()
    failed: tuple[FailedCell, ...] = ()
    not_drawn: tuple[str, ...] = ()
    not_run: int = 0
    stale: tuple[str, ...] = ()

    def __len__(self) -> int:
        parts = (self.records, self.broken, self.failed, self.not_drawn, self.stale)
        return sum(map(len, parts))
