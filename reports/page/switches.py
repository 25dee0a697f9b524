"""The switches that all drawings and tables of a page share: what there is to choose."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crossres.benchmark.config.tables import Row
from crossres.datasets.protocols.validation import off_validation
from crossres.reports.grid.grid import BY_ROW, Column, Grid
from crossres.reports.page.choices import Choices
from crossres.reports.wording import metric_title, under_protocol

Options = tuple[tuple[str, str], ...]
"""The values of a choice, each with its words; the first is what the page shows at first."""


@dataclass(frozen=True)
class RowSwitch:
    """The switch of a row; `name` stands for it in the address of the page."""

    label: str
    name: str
    row: Row
    is_oracle: bool


@dataclass(frozen=True)
class Switches:
    """What each switch may be set to."""

    metrics: Options
    galleries: Options
    rates: Options
    sets: Options
    rows: tuple[RowSwitch, ...]


def switches_of(choices: Sequence[Choices]) -> Switches:
    """Return the switches of a page with these grids."""
    grids = [entry.grid for entry in choices]
    metrics = dict.fromkeys(metric for entry in choices for metric in entry.metrics)
    galleries = dict.fromkeys(gallery for entry in choices for gallery in entry.galleries)
    rates = sorted({rate for entry in choices for rate in entry.rates})
    rows = {
        grid.table.lines[line].label: (grid.table.lines[line], line == grid.oracle)
        for grid in reversed(grids)
        for line in reversed(grid.lines)
    }
    labels = [*reversed(rows)]
    return Switches(
        tuple((metric, metric_title(metric)) for metric in metrics),
        (("", "as the table's"), *((gallery, gallery) for gallery in galleries))
        if len(galleries) > 1
        else (),
        (("", "all"), *((str(rate), f"of rate {rate}") for rate in rates)) if rates else (),
        (("", "all"), *_set_titles(grids).items()),
        tuple(
            RowSwitch(label, name, *rows[label])
            for label, name in zip(labels, names_of(labels), strict=True)
        ),
    )


def _set_titles(grids: Sequence[Grid]) -> dict[str, str]:
    """Return what the columns are called; with the protocol where another one's title goes on."""
    columns = {column.name: column for grid in grids for column in grid.shown}
    return {name: _set_title(column, columns.values()) for name, column in columns.items()}


def _set_title(column: Column, columns: Iterable[Column]) -> str:
    titles = [other.title for other in columns if other.dataset == column.dataset]
    if sum(title.startswith(column.title) for title in titles) < 2:
        return column.title
    is_by_row = column.protocol == BY_ROW
    protocol = "each row its own protocol" if is_by_row else off_validation(column.protocol)
    return under_protocol(column.title, protocol)


def names_of(labels: Iterable[str]) -> tuple[str, ...]:
    """Return what labels are called in an address: "Baseline + CMSR²" is "baseline-cmsr2".

    A name does not depend on the place of its row, so that a link stays true where the table has
    got other rows. Of labels that differ in signs alone the later ones are numbered.
    """
    names: dict[str, None] = {}
    for label in labels:
        plain = unicodedata.normalize("NFKD", label.casefold())
        letters = "".join(sign for sign in plain if not unicodedata.combining(sign))
        first = re.sub(r"\W+", "-", letters).strip("-") or "row"
        name, number = first, 1
        while name in names:
            number += 1
            name = f"{first}-{number}"
        names[name] = None
    return tuple(names)
