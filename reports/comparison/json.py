"""A comparison for programs."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from crossres.benchmark.compare.comparison import SAMENESS, ChangeTally, tally
from crossres.benchmark.compare.folders import FolderComparison
from crossres.benchmark.compare.pairs import Pair
from crossres.reports.comparison.queries import PairQueries
from crossres.reports.comparison.sentence import verdict


def against_json(folders: FolderComparison, queries: PairQueries) -> dict[str, Any]:
    """Return the comparison as JSON values; metrics and differences are fractions, B minus A."""
    comparison = folders.comparison
    return {
        "a": folders.a,
        "b": folders.b,
        "last_runs": [run.when_json() if run else None for run in folders.last_runs],
        "verdict": verdict(folders.comparison),
        "copied": sum(pair.copied for pair in comparison.pairs),
        "same_key": sameness_counts(comparison.same_key),
        "other_key": sameness_counts(comparison.other_key),
        "only_a": [record.key for record in comparison.only_a],
        "only_b": [record.key for record in comparison.only_b],
        "changes_same_key": [_tally_json(change) for change in tally(comparison.same_key)],
        "changes_other_key": [_tally_json(change) for change in tally(comparison.other_key)],
        "gaps": [asdict(gap) for gap in comparison.gaps],
        "costs": [asdict(cost) for cost in comparison.costs],
        "flips": [asdict(flips) for flips in queries.flips],
        "remarks": list(queries.remarks),
        "pairs": [
            {
                "row": pair.row,
                "dataset": pair.a.cell.dataset,
                "protocol": pair.a.cell.protocol,
                "seed": pair.a.cell.seed,
                "a": pair.a.key,
                "b": pair.b.key,
                "sameness": pair.sameness,
            }
            for pair in comparison.pairs
        ],
    }


def sameness_counts(pairs: Sequence[Pair]) -> dict[str, int]:
    """Count the pairs of each sameness."""
    return {sameness: sum(pair.sameness == sameness for pair in pairs) for sameness in SAMENESS}


def _tally_json(change: ChangeTally) -> dict[str, Any]:
    return asdict(change) | {"cells": change.cells}
