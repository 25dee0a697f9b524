"""The areas under the ROC of tables as CSV: a line for each row, data set and rate of queries."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping

from crossres.benchmark.records.artifacts import ArtifactFolder
from crossres.datasets.base.texts import cell_text
from crossres.reports.grid.distances import Histogram, all_pairs, aucs_of, merge, read_histogram
from crossres.reports.grid.grid import Grid, Score
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
            read = {record.cell.seed: read_histogram(artifacts, record.key) for record in records}
            seeds = {seed: histogram for seed, histogram in read.items() if histogram is not None}
            if not seeds:
                continue
            label, caution = cell_text(grid.table.lines[line].label), " ".join(cautions(records))
            where = [label, column.dataset, records[0].cell.protocol]
            of = [grid.source, grid.profile, caution]
            for rate, numbers in _by_rate(seeds):
                yield [*where, ALL_QUERIES if rate is None else str(rate), *of, *numbers]


def _by_rate(seeds: Mapping[int, Histogram]) -> Iterator[tuple[int | None, list[str]]]:
    merged = merge(list(seeds.values()))
    aucs = {seed: aucs_of(histogram) for seed, histogram in seeds.items()}
    rates = [rate for rate in sorted(merged.counts) if rate and len(merged.counts) > 1]
    for rate in (None, *rates):
        known = {seed: by_rate[rate] for seed, by_rate in aucs.items() if rate in by_rate}
        score = Score(tuple(known.values()), tuple(known))
        queries = sum(merged.queries.values()) if rate is None else merged.queries[rate]
        pairs = all_pairs(merged.counts) if rate is None else merged.counts[rate]
        yield (
            rate,
            [
                *(str(number) for number in (queries, *pairs.sum(axis=1).tolist(), score.n)),
                "" if score.mean is None else repr(score.mean),
                "" if score.std is None else repr(score.std),
                ";".join(f"{seed}={auc!r}" for seed, auc in known.items()),
            ],
        )
