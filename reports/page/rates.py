"""How good rows are by the down-sampling rate of the queries: drawn, and in numbers.

Places are per cent of a panel's width and height, so that a page lays it out anew at any size.
"""

from dataclasses import dataclass

from crossres.reports.charts.axis import Axis, Tick
from crossres.reports.grid.grid import Column, Score
from crossres.reports.grid.rates import metrics_by_rate
from crossres.reports.page.choices import Choices, MeanScore
from crossres.reports.page.dots import axis_of_scores, score_words

FEW_LINES = 4  # whose bands can be told apart
SIDE = 6.0  # between the frame and the first and the last rate, in per cent of the width


@dataclass(frozen=True)
class RateSpot:
    """The mean of a row at one rate."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class RateLine:
    """One row: its spots, the points of the line through them and of the band of intervals."""

    line: int
    label: str
    spots: tuple[RateSpot, ...]
    points: str
    band: str


@dataclass(frozen=True)
class RateNumbers:
    """One row on one data set: for each metric its scores, rate by rate."""

    label: str
    row: int
    scores: tuple[tuple[Score, ...], ...]


@dataclass(frozen=True)
class ByRate:
    """One data set: its drawing by the first metric, and all `metrics` of all rows by `rates`."""

    column: Column
    rates: tuple[int, ...]
    metrics: tuple[str, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[RateLine, ...]
    rows: tuple[RateNumbers, ...]

    @property
    def summary(self) -> str:
        """The drawing in words."""
        return "; ".join(
            f"{line.label}: {', '.join(spot.text.rpartition(': ')[2] for spot in line.spots)}"
            for line in self.lines
        )


def by_rate_of(choices: Choices) -> tuple[ByRate, ...]:
    """Return each data set whose queries have several known rates; natively LR ones have none."""
    metrics = metrics_by_rate(choices.grid)
    drawn = (_by_rate(choices, column, metrics) for column in choices.grid.shown)
    return tuple(panel for panel in drawn if panel is not None)


def _by_rate(choices: Choices, column: Column, metrics: tuple[str, ...]) -> ByRate | None:
    grid = choices.grid
    scores = {
        line: {rate: choices.score(line, column, f"{metrics[0]}@{rate}") for rate in choices.rates}
        for line in grid.lines
    }
    measured = {
        line: {rate: score for rate, score in by_rate.items() if score is not None}
        for line, by_rate in scores.items()
    }
    rates = tuple(rate for rate in choices.rates if any(rate in row for row in measured.values()))
    if len(rates) < 2:
        return None
    all_scores = [score for by_rate in measured.values() for score in by_rate.values()]
    x = Axis(rates[0], rates[-1], SIDE, 100 - SIDE)
    y = axis_of_scores(all_scores, 100, 0)
    lines = [line for line, by_rate in measured.items() if by_rate]
    return ByRate(
        column,
        rates,
        metrics,
        tuple(Tick(x.at(rate), str(rate)) for rate in rates),
        y.ticks,
        tuple(_line(line, grid.table.lines[line].label, measured[line], x, y) for line in lines),
        tuple(
            RateNumbers(
                grid.table.lines[line].label,
                line,
                tuple(
                    tuple(grid.score(line, column, f"{metric}@{rate}") for rate in rates)
                    for metric in metrics
                ),
            )
            for line in lines
        ),
    )


def _line(line: int, label: str, scores: dict[int, MeanScore], x: Axis, y: Axis) -> RateLine:
    places = [(x.at(rate), y.at(100 * score.mean)) for rate, score in scores.items()]
    ends = [(x.at(r), score.interval) for r, score in scores.items() if score.interval]
    band = [(at, y.at(100 * high)) for at, (_, high) in ends]
    band += [(at, y.at(100 * low)) for at, (low, _) in reversed(ends)]
    return RateLine(
        line,
        label,
        tuple(
            RateSpot(*place, f"{score_words(label, score)} (rate {rate})")
            for place, (rate, score) in zip(places, scores.items(), strict=True)
        ),
        _points(places),
        _points(band),
    )


def _points(places: list[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in places)
