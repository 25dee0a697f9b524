"""What the switches of a page choose from: all rows by metric, gallery rule and rate of the query.

Computed here once for all choices; the page's script only moves marks and writes numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from crossres.benchmark.metrics.by_rate import NAMES, RATES, over_all_rates, rate_of
from crossres.benchmark.metrics.rules import GALLERY_RULES
from crossres.reports.grid.grid import Column, Grid

MOST_CELLS = 2000  # beyond, intervals of all choices take longer than the rest of the page

Choice = tuple[str, str]
"""A gallery rule and the name of a metric, which may be of one rate: ("multi-shot", "mAP@4")."""


@dataclass(frozen=True)
class MeanScore:
    """A row on a data set by one choice, fractions: mean over the seeds, 95 % interval, deviation.

    The interval is that of new seeds and other identities; it and the standard deviation over the
    seeds are None with one seed. by_seed: (seed, value) in the order of the seeds.
    """

    mean: float
    interval: tuple[float, float] | None
    std: float | None
    by_seed: tuple[tuple[int, float], ...] = ()

    @property
    def is_of_one_seed(self) -> bool:
        """Whether nothing says how far another seed would be from it."""
        return self.std is None

    def as_numbers(self) -> list[float | list[tuple[int, float | None]] | None]:
        """Return mean, ends of the interval, deviation, and values by seed, in per cent."""
        ends = self.interval or (None, None)
        numbers = [_percent(value) for value in (self.mean, *ends, self.std)]
        return [*numbers, [(seed, _percent(value)) for seed, value in self.by_seed]]


def _percent(value: float | None) -> float | None:
    return None if value is None else round(100 * value, 3)


@dataclass(frozen=True)
class Choices:
    """The numbers of a grid by choice, line and column; None where nothing was measured."""

    grid: Grid
    numbers: dict[Choice, tuple[tuple[MeanScore | None, ...], ...]]

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that there are, the table's own first."""
        names = dict.fromkeys(over_all_rates(m) for m in self.grid.table.metrics)
        return tuple(names | dict.fromkeys(over_all_rates(metric) for _, metric in self.numbers))

    @cached_property
    def galleries(self) -> tuple[str, ...]:
        """The gallery rules that there are."""
        return tuple(dict.fromkeys(gallery for gallery, _ in self.numbers))

    @cached_property
    def rates(self) -> tuple[int, ...]:
        """The known rates of queries; () unless there are several, as one is all queries."""
        rates = {rate_of(metric) for _, metric in self.numbers} - {None}
        return tuple(rate for rate in RATES if rate in rates) if len(rates) > 1 else ()

    def score(self, line: int, column: Column, metric: str) -> MeanScore | None:
        """Return the score of a line (index into table.lines) under the column's own rule."""
        rows = self.numbers.get((self.grid.rule(column), metric))
        return rows[line][self.grid.shown.index(column)] if rows else None

    def as_json(self, anchor: str) -> Markup:
        """Return what the page's script reads, fit to stand in a <script> element."""
        grid = self.grid
        numbers: dict[str, dict[str, object]] = {gallery: {} for gallery in self.galleries}
        for (gallery, metric), rows in self.numbers.items():
            numbers[gallery][metric] = {
                str(line): [None if score is None else score.as_numbers() for score in rows[line]]
                for line in grid.lines
            }
        content = {
            "anchor": anchor,
            "metric": grid.table.metrics[0],
            "columns": [column.name for column in grid.shown],
            "own": [grid.rule(column) for column in grid.shown],
            "labels": {str(line): grid.table.lines[line].label for line in grid.lines},
            "numbers": numbers,
        }
        return htmlsafe_json_dumps(content, separators=(",", ":"))


def choices_of(grid: Grid) -> Choices:
    """Return the numbers behind all switches; of very many cells only what the table shows."""
    own = {(grid.rule(column), metric) for column in grid.shown for metric in grid.table.metrics}
    named = {(gallery, metric) for _, _, metric, gallery in grid.scores if metric in NAMES}
    chosen = own if len(grid.records) > MOST_CELLS else own | named
    order = [*dict.fromkeys((*grid.table.metrics, *NAMES))]
    return Choices(
        grid,
        {
            (gallery, metric): tuple(
                tuple(_score(grid, line, column, metric, gallery) for column in grid.shown)
                for line in range(len(grid.table.lines))
            )
            for gallery in _in_order({gallery for gallery, _ in chosen})
            for metric in order
            if (gallery, metric) in chosen
        },
    )


def _in_order(galleries: set[str]) -> Sequence[str]:
    return [rule for rule in GALLERY_RULES if rule in galleries]


def _score(grid: Grid, line: int, column: Column, metric: str, gallery: str) -> MeanScore | None:
    score = grid.score(line, column, metric, gallery)
    if score.mean is None:
        return None
    interval = grid.interval(line, column, metric, gallery)
    by_seed = tuple(zip(score.seeds, score.values, strict=True))
    return MeanScore(score.mean, interval, score.std, by_seed)
