"""Tables as CSV: a line for each row, data set, metric, rate of the queries and gallery rule."""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import groupby

from crossres.benchmark.config.transfers import set_ids
from crossres.benchmark.metrics.by_rate import over_all_rates, rate_of
from crossres.datasets.base.texts import cell_text
from crossres.reports.grid.grid import Grid, Score
from crossres.reports.grid.standing import cautions
from crossres.reports.tables.grades import changes_text, grade_words, processing_words

CSV_COLUMNS = (
    "row",
    "grade",
    "departures",
    "rate_given",
    "post_processing",
    "dataset",
    "train",
    "test",
    "protocol",
    "metric",
    "query_rate",
    "gallery",
    "source",
    "profile",
    "caution",
    "n",
    "mean",
    "std",
    "values",
    "published",
    "keys",
)
ALL_QUERIES = "all"


def to_csv(grids: Iterable[Grid]) -> str:
    """Return all grids as tidy CSV, one line per row, data set, metric, rate and gallery rule.

    `query_rate` is the down-sampling rate of the queries that a line is of, ALL_QUERIES for all.

    mean, std, values and published are fractions; `values` and `keys` are "seed=..." joined by
    ";"; empty means not measured (std: fewer than two seeds) or not published. `caution` is what
    must be said of a number wherever it appears; empty for real data. `departures`: what stands
    behind the grade, option by option, with the method's own values in brackets. A label that a
    spreadsheet would take for a formula has a blank before it. The oracle has its own protocol.
    `train` and `test` are the sets that cells are trained and tested on, two for a transfer only.
    `post_processing`: what was done at test time beyond one embedding an image; mostly empty.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for grid in grids:
        writer.writerows(_csv_lines(grid))
    return out.getvalue()


def _csv_lines(grid: Grid) -> Iterator[list[str]]:
    places = {column: place for place, column in enumerate(grid.columns)}
    in_order = sorted(grid.scores.items(), key=lambda item: (item[0][0], places[item[0][1]]))
    for (row, column), scores in groupby(in_order, key=lambda item: item[0][:2]):
        row_words = [
            cell_text(grid.table.lines[row].label),
            grade_words(grid, row),
            changes_text(grid, row),
            str(grid.uses_rate[row]).lower(),
            processing_words(grid, row),
        ]
        records = grid.cells[row, column].records
        caution = " ".join(cautions(records))
        for (_, _, metric, gallery), score in scores:
            if not score.n and score.published is None:
                continue
            protocol = records[0].cell.protocol if row == grid.oracle else column.protocol
            rate = rate_of(metric)
            queries = ALL_QUERIES if rate is None else str(rate)
            base = over_all_rates(metric)
            sets = [column.dataset, *set_ids(column.dataset)]
            where = [*row_words, *sets, protocol, base, queries, gallery]
            yield [*where, grid.source, grid.profile, caution, str(score.n), *_csv_numbers(score)]


def _csv_numbers(score: Score) -> list[str]:
    return [
        "" if score.mean is None else repr(score.mean),
        "" if score.std is None else repr(score.std),
        ";".join(f"{s}={v!r}" for s, v in zip(score.seeds, score.values, strict=True)),
        "" if score.published is None else repr(round(score.published.value / 100, 10)),
        ";".join(f"{s}={k}" for s, k in zip(score.seeds, score.keys, strict=True)),
    ]
