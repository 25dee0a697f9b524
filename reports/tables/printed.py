"""What papers print of a table, whatever was measured."""

from collections.abc import Mapping
from dataclasses import dataclass

from crossres.benchmark.config.tables import Published, Table


@dataclass(frozen=True)
class Printed:
    """The printed numbers by row (index into table.rows), data set and metric.

    `rows`, `datasets` and `metrics` are those that any number is of, in the order of the table.
    """

    numbers: Mapping[tuple[int, str, str], Published]
    rows: tuple[int, ...]
    datasets: tuple[str, ...]
    metrics: tuple[str, ...]

    def value(self, row: int, dataset: str, metric: str) -> float | None:
        """Return a number, in per cent as printed; None where there is none."""
        number = self.numbers.get((row, dataset, metric))
        return None if number is None else number.value

    @property
    def sources(self) -> list[str]:
        """Where the numbers stand, each once."""
        return sorted({number.source for number in self.numbers.values()})


def printed_of(table: Table) -> Printed | None:
    """Return what is printed of a table; None where that is nothing."""
    numbers = {
        (row, dataset, metric): number
        for row, line in enumerate(table.rows)
        for dataset in table.datasets
        for metric in table.metrics
        if (number := table.published_value(line, dataset, metric)) is not None
    }
    if not numbers:
        return None
    rows, datasets, metrics = map(set, zip(*numbers, strict=True))
    return Printed(
        numbers,
        tuple(sorted(rows)),
        tuple(name for name in table.datasets if name in datasets),
        tuple(name for name in table.metrics if name in metrics),
    )
