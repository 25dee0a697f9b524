"""The areas under the ROC of tables as CSV: a line for each row, data set and rate of queries."""

import csv
import io
from collections.abc import Iterable, Iterator

from crossres.benchmark.records.artifacts import ArtifactFolder
from crossres.datasets.base.texts import cell_text
from crossres.reports.grid.distances import RatePairs, pairs_of
from crossres.reports.grid.grid import Grid
from crossres.reports.grid.standing import cautions
from crossres.reports.tables.csv import ALL_QUERIES

COLUMNS = (
    "row",
    "dataset",
    "protocol",
    "query_rate",
    "source",
    "profile",
    "caution",
    "queries",
    "true_matches",
    "others",
    "n",
    "auc",
    "std",
    "values",
)


def distances_to_csv(grids: Iterable[Grid], artifacts: ArtifactFolder) -> str:
    """Return the AUC of each row, data set and rate of the queries, as the report draws them.

    "" where no cell keeps its distances. `query_rate` is ALL_QUERIES or a rate; queries,
    true_matches and others count what the AUC is of, over all seeds; auc, std (empty for one seed)
    and values ("seed=..." joined by ";") are fractions. `caution` is as that of `to_csv`.
    """
    lines = [line for grid in grids for line in _lines(grid, artifacts)]
    if not lines:
        return ""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([COLUMNS, *lines])
    return out.getvalue()


def _lines(grid: Grid, artifacts: ArtifactFolder) -> Iterator[list[str]]:
    for line in grid.lines:
        for column in grid.shown:
            records = grid.cells[line, column].records
            row = pairs_of(records, artifacts)
            if row is None:
                continue
            label, caution = cell_text(grid.table.lines[line].label), " ".join(cautions(records))
            where = [label, column.dataset, records[0].cell.protocol]
            of = [grid.source, grid.profile, caution]
            for pairs in row.by_rate:
                rate = ALL_QUERIES if pairs.rate is None else str(pairs.rate)
                yield [*where, rate, *of, *_numbers(pairs)]


def _numbers(pairs: RatePairs) -> list[str]:
    auc = pairs.auc
    seeds = zip(auc.seeds, auc.values, strict=True)
    return [
        *(str(number) for number in (pairs.queries, *pairs.counts.sum(axis=1).tolist(), auc.n)),
        "" if auc.mean is None else repr(auc.mean),
        "" if auc.std is None else repr(auc.std),
        ";".join(f"{seed}={value!r}" for seed, value in seeds),
    ]
