"""What papers print of a table, where it may not stand beside what was measured."""

from dataclasses import dataclass, replace

from crossres.benchmark.config.tables import Published
from crossres.reports.grid.grid import Grid
from crossres.reports.wording import set_title


@dataclass(frozen=True)
class PrintedRow:
    """A row, by its index, and what is printed of it: of each data set its metrics, in order."""

    row: int
    label: str
    by_set: tuple[tuple[Published | None, ...], ...]


@dataclass(frozen=True)
class Printed:
    """The printed numbers of a table; `datasets` are titles, `sources` say where they stand."""

    datasets: tuple[str, ...]
    metrics: tuple[str, ...]
    rows: tuple[PrintedRow, ...]
    sources: tuple[str, ...]


def printed_of(grid: Grid) -> Printed | None:
    """Return what the grid has withheld; rows, sets and metrics without numbers are left out.

    None where nothing is, as nothing was printed or it stands beside what was measured.
    """
    table = replace(grid.table, published=grid.withheld)
    values = {
        (row, dataset, metric): entry
        for row, line in enumerate(table.rows)
        for dataset in table.datasets
        for metric in table.metrics
        if (entry := table.published_value(line, dataset, metric)) is not None
    }
    if not values:
        return None
    rows, datasets, metrics = (set(names) for names in zip(*values, strict=True))
    shown = [
        (dataset, tuple(metric for metric in table.metrics if metric in metrics))
        for dataset in table.datasets
        if dataset in datasets
    ]
    return Printed(
        tuple(set_title(dataset) for dataset, _ in shown),
        shown[0][1],
        tuple(
            PrintedRow(
                row,
                line.label,
                tuple(tuple(values.get((row, d, m)) for m in of_set) for d, of_set in shown),
            )
            for row, line in enumerate(table.rows)
            if row in rows
        ),
        tuple(sorted({entry.source for entry in values.values()})),
    )
