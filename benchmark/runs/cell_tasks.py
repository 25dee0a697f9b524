"""What a driver hands out and gets back: the tasks of cells, and the result of one.

Nothing here loads torch before a task runs, as a driver has no use for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from crossres.benchmark.records.cell import Job
from crossres.benchmark.records.record import Record
from crossres.benchmark.runs.data import Prepared, Progress, Report


@dataclass(frozen=True)
class CellResult:
    """What a finished cell hands to the driver, which may sit on another machine, to write.

    The record, the arrays of its artifact, those of the thumbnails that it retrieved and that the
    folder lacks, and where asked for the files of the trained method (name -> content: a worker
    needs no disk that it shares with the driver).
    """

    record: Record
    artifact: dict[str, NDArray[Any]]
    images: dict[str, NDArray[Any]]
    weights: Mapping[str, bytes] = field(default_factory=dict)


def prepared(job: Job, progress: Progress, **options: Any) -> Prepared:
    """Call `prepare_cell`, in a worker."""
    from crossres.benchmark.runs.cell import prepare_cell

    return prepare_cell(job, progress, **options)


def finished(job: Job, progress: Report, **options: Any) -> CellResult:
    """Call `run_cell`, in a worker."""
    from crossres.benchmark.runs.cell import run_cell

    return run_cell(job, progress, **options)
