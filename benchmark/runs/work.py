"""The cells of a plan that are still to be run, given out one by one.

Several runs into one folder share them by leases; a cell whose worker died is given out once more.
"""

from collections.abc import Callable

from crossres.benchmark.records.failures import FailedCell, failure_log, read_failure
from crossres.benchmark.records.leases import Leases
from crossres.benchmark.runs.engine import Task
from crossres.benchmark.runs.plan import Plan, PlannedCell

MOST_DEATHS = 2


class Work:
    """What is left to do of a plan, as an engine takes it."""

    def __init__(self, plan: Plan, leases: Leases, task_of: Callable[[PlannedCell], Task]) -> None:
        self._plan, self._leases, self._task_of = plan, leases, task_of
        self._waiting = {cell.job.key: cell for cell in plan.todo}
        self._tried = {key: self._last_failure(key) for key in self._waiting}
        self._deaths: dict[str, int] = {}
        self._elsewhere: list[tuple[PlannedCell, FailedCell | None]] = []

    @property
    def waiting(self) -> list[PlannedCell]:
        """The cells that are not given out."""
        return list(self._waiting.values())

    def take(self) -> Task | None:
        """Lease the next cell that no other run is at work on; None where there is none now."""
        while (cell := self._leased()) is not None:
            key = cell.job.key
            del self._waiting[key]
            if self._plan.is_done(cell):
                self._elsewhere.append((cell, None))
            elif self._last_failure(key) != self._tried[key]:
                self._elsewhere.append((cell, read_failure(failure_log(self._plan.out, key))))
            else:
                return self._task_of(cell)
            self._leases.give_back(key)
        return None

    def ended_elsewhere(self) -> list[tuple[PlannedCell, FailedCell | None]]:
        """Return, each once, the cells that another run has ended since; with why it failed."""
        ended, self._elsewhere = self._elsewhere, []
        return ended

    def _leased(self) -> PlannedCell | None:
        cells = self._waiting.values()
        return next(
            (c for c in cells if self._leases.take(c.job.key, c.title, c.seconds)),
            None,
        )

    def again(self, cell: PlannedCell) -> bool:
        """Note that the worker of a cell died; say whether the cell is given out once more."""
        key = cell.job.key
        self._deaths[key] = self._deaths.get(key, 0) + 1
        if self._deaths[key] == MOST_DEATHS:
            return False
        self._waiting[key] = cell
        return True

    def _last_failure(self, key: str) -> int:
        """Return when the failure of a cell was noted last, in ns; 0: never."""
        try:
            return failure_log(self._plan.out, key).stat().st_mtime_ns
        except OSError:
            return 0
