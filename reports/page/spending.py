"""What the cells of a row took: time, size and, where counters were read, energy."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crossres.benchmark.measures.energy import CPU, GPU, OWN_SHARE
from crossres.benchmark.records.record import Record
from crossres.reports.grid.grid import Column, Grid
from crossres.reports.page.cost import short
from crossres.reports.wording import counted, duration

WHOLE = 0.95  # of the CPU time of the machine: with less, much of its energy was used by others
JOULES = 3600.0  # of a watt-hour
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Energy:
    """Energy of a cell in words, NOT_MEASURED where it is not known; `note`: what belongs to it."""

    text: str
    note: str = ""


@dataclass(frozen=True)
class RowSpending:
    """Means over the cells of a row, in words, and what all of them took together."""

    row: int
    label: str
    cells: int
    training: str
    embedding: str
    flops: str
    parameters: str
    core_hours: str
    energies: tuple[Energy, ...]


@dataclass(frozen=True)
class Spending:
    """One column: its rows, and of which hardware their energies are."""

    column: Column
    hardware: tuple[str, ...]
    rows: tuple[RowSpending, ...]

    @property
    def is_measured(self) -> bool:
        """Whether the energy of any cell is known."""
        return any(e.text != NOT_MEASURED for row in self.rows for e in row.energies)


def spending_of(grid: Grid) -> tuple[Spending, ...]:
    """Return what was spent on each column."""
    records = grid.records
    hardware = (CPU, GPU) if any(GPU in record.energy for record in records) else (CPU,)
    return tuple(
        Spending(
            column,
            hardware,
            tuple(
                _row(line, grid.table.lines[line].label, of_row, hardware)
                for line in grid.lines
                if (of_row := grid.cells[line, column].records)
            ),
        )
        for column in grid.shown
    )


def _row(line: int, label: str, records: Sequence[Record], hardware: Sequence[str]) -> RowSpending:
    return RowSpending(
        line,
        label,
        len(records),
        _mean(records, lambda r: r.seconds.get("fit"), duration),
        _mean(records, _seconds_per_image, per_image),
        _mean(records, lambda r: r.counts.get("flops_per_image"), short),
        _mean(records, lambda r: r.counts["parameters"], short),
        hours_text(math.fsum(core_hours(record) for record in records)),
        tuple(_energy(records, kind) for kind in hardware),
    )


def core_hours(record: Record) -> float:
    """Return the hours that a cell took, times its threads."""
    return record.seconds["total"] * int(record.environment["threads"]) / 3600


def hours_text(hours: float) -> str:
    """Write core-hours with three significant digits, none below a hundredth."""
    return _three_digits(hours) if hours >= 0.01 else "< 0.01"


def _seconds_per_image(record: Record) -> float:
    return record.seconds["embed"] / (
        record.counts["query_images"] + record.counts["gallery_images"]
    )


def _mean(
    records: Sequence[Record],
    value: Callable[[Record], float | None],
    text: Callable[[float], str],
) -> str:
    known = [number for record in records if (number := value(record)) is not None]
    return text(statistics.fmean(known)) if len(known) == len(records) else "–"


def per_image(seconds: float) -> str:
    """Return the time of one image: "850 µs", "3.21 ms", "1.5 s"."""
    for size, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def _energy(records: Sequence[Record], kind: str) -> Energy:
    """Return the energy of training and embedding, a mean over the cells of which it is known."""
    both = ("fit", "embed")
    by_record = [record.energy.get(kind, {}) for record in records]
    measured = [phases for phases in by_record if all(name in phases for name in both)]
    if not measured:
        return Energy(NOT_MEASURED)
    joules = statistics.fmean(sum(phases[name] for name in both) for phases in measured)
    notes = []
    if len(measured) < len(records):
        notes.append(f"of {counted(len(measured), 'cell')}")
    shares = [
        share
        for record in records
        for share in record.energy.get(OWN_SHARE, {}).values()
        if kind == CPU
    ]
    if shares and statistics.fmean(shares) < WHOLE:
        notes.append(f"{100 * statistics.fmean(shares):.0f} % own")
    return Energy(watt_hours(joules), ", ".join(notes))


def watt_hours(joules: float) -> str:
    """Return "0.0123 Wh", "4.5 Wh", "1.2 kWh"."""
    hours = joules / JOULES
    return f"{_three_digits(hours / 1000)} kWh" if hours >= 1000 else f"{hours:.3g} Wh"


def _three_digits(number: float) -> str:
    return f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"
