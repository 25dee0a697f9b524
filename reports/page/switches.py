"""The switches that all drawings and tables of a page share: what there is to choose."""

from collections.abc import Sequence
from dataclasses import dataclass

from crossres.benchmark.config.tables import Row
from crossres.reports.page.choices import Choices
from crossres.reports.wording import metric_title

Options = tuple[tuple[str, str], ...]
"""The values of a choice, each with its words; the first is what the page shows at first."""


@dataclass(frozen=True)
class Switches:
    """What each switch may be set to; `labels` are (label, row, whether an oracle)."""

    metrics: Options
    galleries: Options
    rates: Options
    sets: Options
    labels: tuple[tuple[str, Row, bool], ...]


def switches_of(choices: Sequence[Choices]) -> Switches:
    """Return the switches of a page with these grids."""
    grids = [entry.grid for entry in choices]
    metrics = dict.fromkeys(metric for entry in choices for metric in entry.metrics)
    galleries = dict.fromkeys(gallery for entry in choices for gallery in entry.galleries)
    rates = sorted({rate for entry in choices for rate in entry.rates})
    sets = {column.name: column.title for grid in grids for column in grid.shown}
    labels = {
        grid.table.lines[line].label: (grid.table.lines[line], line == grid.oracle)
        for grid in reversed(grids)
        for line in reversed(grid.lines)
    }
    return Switches(
        tuple((metric, metric_title(metric)) for metric in metrics),
        (("", "as the table's"), *((gallery, gallery) for gallery in galleries))
        if len(galleries) > 1
        else (),
        (("", "all"), *((str(rate), f"of rate {rate}") for rate in rates)) if rates else (),
        (("", "all"), *sets.items()),
        tuple((label, *place) for label, place in reversed(labels.items())),
    )
