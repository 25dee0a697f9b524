"""All rows on all data sets in one drawing: a dot for each mean, a line for its interval.

Places are per cent of a panel's width, so that a page lays it out anew at any width.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from crossres.reports.charts.axis import Axis, Tick, axis_of_means
from crossres.reports.grid.grid import Column, Mark
from crossres.reports.page.choices import Choices, MeanScore
from crossres.reports.wording import percent

PANELS = 5  # beside each other on a wide page


@dataclass(frozen=True)
class DotSpot:
    """One row on one data set; `low` and `high` are the ends of its interval, if it has one.

    cut: the edges of the drawing, in per cent of its width, beyond which the interval goes on.
    """

    line: int
    x: float
    low: float | None
    high: float | None
    cut: tuple[int, ...]
    is_of_one_seed: bool
    value: str
    text: str
    mark: Mark


@dataclass(frozen=True)
class DotPanel:
    """One data set; `spots` has None for a row that was not run there."""

    column: Column
    ticks: tuple[Tick, ...]
    spots: tuple[DotSpot | None, ...]


@dataclass(frozen=True)
class Dots:
    """The panels, PANELS at a time, by the table's first metric and its own gallery rule.

    labels: index into table.lines -> what the row is called, in the order of the panels' spots.
    """

    metric: str
    labels: dict[int, str]
    panels: tuple[tuple[DotPanel, ...], ...]


def dots_of(choices: Choices) -> Dots | None:
    """Draw every row on every data set; None where nothing was measured by the first metric."""
    grid = choices.grid
    metric = grid.table.metrics[0]
    panels = [
        panel for column in grid.shown if (panel := _panel(choices, column, metric)) is not None
    ]
    if not panels:
        return None
    labels = {line: grid.table.lines[line].label for line in grid.lines}
    rows = tuple(tuple(panels[at : at + PANELS]) for at in range(0, len(panels), PANELS))
    return Dots(metric, labels, rows)


def _panel(choices: Choices, column: Column, metric: str) -> DotPanel | None:
    grid = choices.grid
    scores = {line: choices.score(line, column, metric) for line in grid.lines}
    measured = [score for score in scores.values() if score is not None]
    if not measured:
        return None
    axis = axis_of_scores(measured, 0, 100)

    def spot(line: int, score: MeanScore | None) -> DotSpot | None:
        if score is None:
            return None
        ends = [100 * end for end in score.interval or ()]
        low, high = map(axis.inside, ends) if ends else (None, None)
        return DotSpot(
            line,
            axis.at(100 * score.mean),
            low,
            high,
            _cut(ends, axis),
            score.is_of_one_seed,
            percent(score.mean),
            score_words(grid.table.lines[line].label, score),
            grid.score(line, column, metric).mark,
        )

    return DotPanel(column, axis.ticks, tuple(spot(line, score) for line, score in scores.items()))


def _cut(ends: Sequence[float], axis: Axis) -> tuple[int, ...]:
    """Return the edges of the drawing that an interval of these ends, or of none, runs out of."""
    edges = ((0, axis.low > min(ends)), (100, axis.high < max(ends))) if ends else ()
    return tuple(edge for edge, is_beyond in edges if is_beyond)


def axis_of_scores(scores: Sequence[MeanScore], start: float, end: float) -> Axis:
    """Return an axis of per cent for these means and their intervals."""
    ends = [100 * value for score in scores for value in score.interval or ()]
    return axis_of_means([100 * score.mean for score in scores], ends, start, end)


def score_words(label: str, score: MeanScore) -> str:
    """Return "Baseline: 57.5 [53.1, 61.9]", per cent; the interval is that of the mean."""
    text = f"{label}: {percent(score.mean)}"
    if score.is_of_one_seed:
        return f"{text}, one seed, no interval"
    if score.interval is None:
        return f"{text}, no interval"
    low, high = score.interval
    return f"{text} [{percent(low)}, {percent(high)}]"
