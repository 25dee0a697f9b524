"""Tables for programs: each metric of each row on each column, with its interval."""

from collections.abc import Iterable, Iterator
from typing import Any

from crossres.reports.grid.grid import Column, Grid


def grids_json(grids: Iterable[Grid]) -> list[dict[str, Any]]:
    """Return grids as JSON values; metrics are fractions, under the gallery rule of the table.

    In `scores` there is an entry for each row, column and metric of the table that was measured:
    `values` and `keys` (of the records) by seed, and `interval`, the 95 % interval of the mean,
    null where one seed does not tell it. `mark` is best, tie, second or "" (docs/statistics.md).
    `missing` counts the cells that have not been run.
    """
    return [
        {
            "table": grid.table.id,
            "source": grid.source,
            "profile": grid.profile_name,
            "cautions": list(grid.cautions),
            "missing": len(grid.missing),
            "scores": [
                entry
                for row in grid.lines
                for column in grid.shown
                for entry in _scores_json(grid, row, column)
            ],
        }
        for grid in grids
    ]


def _scores_json(grid: Grid, row: int, column: Column) -> Iterator[dict[str, Any]]:
    line, records = grid.table.lines[row], grid.cells[row, column].records
    for metric in grid.table.metrics:
        score = grid.score(row, column, metric)
        if not score.n:
            continue
        yield {
            "row": line.label,
            "method": line.method,
            "dataset": column.dataset,
            "protocol": records[0].cell.protocol,
            "gallery": grid.rule(column),
            "metric": metric,
            "mean": score.mean,
            "std": score.std,
            "interval": grid.interval(row, column, metric),
            "n": score.n,
            "values": dict(zip(map(str, score.seeds), score.values, strict=True)),
            "keys": dict(zip(map(str, score.seeds), score.keys, strict=True)),
            "published": _published(grid, row, column, metric),
            "mark": score.mark,
        }


def _published(grid: Grid, row: int, column: Column, metric: str) -> float | None:
    """Return the published value as a fraction, where it may stand beside the measured one."""
    printed = grid.score(row, column, metric).published
    return None if printed is None else round(printed.value / 100, 10)
