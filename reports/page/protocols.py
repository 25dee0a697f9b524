"""Drawings of a metric from protocol to protocol of one data set, or from rate to rate.

Protocols that differ in the rate alone stand at their rates, and a row's points are joined.
Places are x in per cent of a drawing's width and y in pixels, so that a page lays it out anew.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crossres.reports.charts.axis import Axis, Tick, percent_axis, spread
from crossres.reports.grid.grid import Column, Grid, Score
from crossres.reports.wording import percent

TOP, BOTTOM = 14.0, 250.0
SIDE = 3.5  # between the frame and the first and the last rate, in per cent of the width
LABEL_GAP, APART = 16.0, 8.0  # between labels; between rows at one column
_RATE = re.compile(r"^(.*)\[rate=(\d+)\](.*)$")


@dataclass(frozen=True)
class ProtocolSpot:
    """One row on one column: its mean, and from lowest to highest seed; `shift` is in pixels."""

    x: float
    shift: float
    y: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class Series:
    """One row; `line` are SVG points, empty where points must not be joined."""

    row: int
    label: str
    spots: tuple[ProtocolSpot, ...]
    line: str
    label_y: float


@dataclass(frozen=True)
class Across:
    """One data set's columns side by side, by the table's first metric; `axis` names them."""

    title: str
    metric: str
    axis: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    series: tuple[Series, ...]
    summary: str


def across_of(grid: Grid) -> tuple[Across, ...]:
    """Draw each data set that a table with several protocols was run on."""
    by_set: dict[str, list[Column]] = {}
    for column in grid.shown:
        by_set.setdefault(column.dataset, []).append(column)
    drawn = [_across(grid, columns) for columns in by_set.values() if len(columns) > 1]
    return tuple(drawn) if grid.table.protocols else ()


def _across(grid: Grid, columns: Sequence[Column]) -> Across:
    metric, rates = grid.table.metrics[0], _rates(columns)
    names = [_protocol_of(column) for column in columns]
    return across(
        grid,
        columns[0].title.partition(" (")[0],
        metric,
        rates or names,
        {
            row: [
                (grid.score(row, column, metric), name)
                for column, name in zip(columns, names, strict=True)
            ]
            for row in range(len(grid.table.rows))
        },
    )


def across(
    grid: Grid,
    title: str,
    metric: str,
    places: Sequence[int] | Sequence[str],
    scores: Mapping[int, Sequence[tuple[Score, str]]],
) -> Across:
    """Draw scores by row, with their names, at rates or (as evenly) at protocols.

    At rates, the points of a row are joined.
    """
    rates = [place for place in places if isinstance(place, int)]
    values = [100 * value for row in scores.values() for score, _ in row for value in score.values]
    y_axis = percent_axis(values, BOTTOM, TOP)
    positions = _positions(len(places), rates)
    rows = [
        (row, _spots(row if not rates else None, len(grid.table.rows), entries, positions, y_axis))
        for row, entries in scores.items()
    ]
    rows = [(row, spots) for row, spots in rows if spots]
    labels = spread([spots[-1].y for _, spots in rows], LABEL_GAP, TOP, BOTTOM)
    series = tuple(
        Series(
            row,
            grid.table.rows[row].label,
            spots,
            " ".join(f"{spot.x},{spot.y}" for spot in spots) if rates else "",
            round(label_y, 1),
        )
        for (row, spots), label_y in zip(rows, labels, strict=True)
    )
    return Across(
        title,
        metric,
        "down-sampling rate of the queries" if rates else "protocol",
        tuple(Tick(at, str(place)) for at, place in zip(positions, places, strict=True)),
        y_axis.ticks,
        series,
        "; ".join(f"{s.label}: {', '.join(spot.text for spot in s.spots)}" for s in series),
    )


def _protocol_of(column: Column) -> str:
    """Return the protocol as the table names it: "MLR-VIPeR (mlr-sing)" -> "mlr-sing"."""
    return column.title.partition(" (")[2].removesuffix(")")


def _rates(columns: Sequence[Column]) -> list[int]:
    """Return the rates, where the columns differ in nothing else; else []."""
    matches = [_RATE.match(_protocol_of(column)) for column in columns]
    surroundings = {match.group(1, 3) for match in matches if match}
    if len(surroundings) != 1 or None in matches:
        return []
    return [int(match.group(2)) for match in matches if match]


def _positions(count: int, rates: Sequence[int]) -> list[float]:
    """Return positions along the axis: in proportion to the rates, or evenly."""
    if rates:
        axis = Axis(min(rates), max(max(rates), min(rates) + 1), SIDE, 100 - SIDE)
        return [axis.at(rate) for rate in rates]
    return [round(100 / count * (index + 0.5), 1) for index in range(count)]


def _spots(
    row: int | None,
    rows: int,
    scores: Sequence[tuple[Score, str]],
    positions: Sequence[float],
    y_axis: Axis,
) -> tuple[ProtocolSpot, ...]:
    """Return the spots of one row, beside those of the others unless `row` is None."""
    shift = 0.0 if row is None else APART * (row - (rows - 1) / 2)
    return tuple(
        ProtocolSpot(
            position,
            shift,
            y_axis.at(100 * score.mean),
            y_axis.at(100 * min(score.values)),
            y_axis.at(100 * max(score.values)),
            f"{percent(score.mean)} ({name})",
        )
        for (score, name), position in zip(scores, positions, strict=True)
        if score.mean is not None
    )
