"""What a gate can find: the smallest detectable drop by seeds, and the seeds that a drop needs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from crossres.benchmark.gate.baseline import Baseline
from crossres.benchmark.gate.limits import Limits
from crossres.benchmark.gate.power import MOST_SEEDS, Noise, Sensitivity
from crossres.datasets.base.words import counted
from crossres.reports.wording import duration, metric_title

Needed = Mapping[str, tuple[int | None, int | None]]


def power_json(
    baseline: Baseline,
    noise: Iterable[Noise],
    sensitivities: Iterable[Sensitivity],
    needed: Needed,
    limits: Limits,
) -> dict[str, Any]:
    """Return as JSON noise, what so many seeds find, and the seeds that the drop needs."""
    return {
        "limits": asdict(limits),
        "runs": 1 + len(baseline.more_runs),
        "noise": [asdict(item) for item in noise],
        "sensitivities": [asdict(item) for item in sensitivities],
        "seeds_needed": {
            metric: {"overall": overall, "in_a_row": in_a_row}
            for metric, (overall, in_a_row) in needed.items()
        },
    }


def print_power(
    baseline: Baseline,
    noise: Sequence[Noise],
    sensitivities: Sequence[Sensitivity],
    needed: Needed,
    drop: float,
    limits: Limits,
    console: Console,
) -> None:
    """Print the table, and a sentence per metric; `drop` in points."""
    table = RichTable(
        "Metric", "Seeds", "All rows", "Any row", "Time", box=box.SIMPLE_HEAD, pad_edge=False,
        title="Smallest detectable drop (found in 80 % of cases), in points",
    )  # fmt: skip
    for column in table.columns[1:]:
        column.justify = "right"
    for item in sensitivities:
        numbers = (_points(item.overall), _points(item.in_a_row), duration(item.seconds))
        table.add_row(*map(Text, (metric_title(item.metric), str(item.seeds), *numbers)))
    console.print(table)
    for metric, (overall, in_a_row) in needed.items():
        title = metric_title(metric)
        if any(item.row is None for item in noise):
            console.print(f"Find {drop:g} points of {title} in all rows: {_seeds(overall)}")
        console.print(f"Find {drop:g} points of {title} in any one row: {_seeds(in_a_row)}")
    kind = f"{1 + len(baseline.more_runs)} runs of each cell" if baseline.more_runs else (
        "the scatter of the seeds, which includes that of the splits and so is an upper bound; "
        "--again measures it"
    )  # fmt: skip
    console.print(
        f"False alarms: at most {100 * limits.false_alarms:g} % of checks. The noise is from {kind}"
        f" ({min(item.freedom for item in noise)} degrees of freedom or more). Time: one core.",
        style="dim",
        highlight=False,
    )


def _points(fraction: float | None) -> str:
    """Write points; "none" where no drop that is possible is found, or there is no such test."""
    return "none" if fraction is None else f"{100 * fraction:.1f}"


def _seeds(number: int | None) -> str:
    if number is None:
        return f"more than {MOST_SEEDS} seeds"
    return f"{counted(number, 'seed')} on each data set"
