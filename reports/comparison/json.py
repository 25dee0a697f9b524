"""A comparison for programs."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from crossres.benchmark.compare.comparison import SAMENESS, ChangeTally, tally
from crossres.benchmark.compare.folders import FolderComparison
from crossres.benchmark.compare.pairs import Pair
from crossres.reports.comparison.sentence import verdict


def against_json(held: FolderComparison) -> dict[str, Any]:
    """The comparison as JSON values; metrics and differences are fractions, B minus A."""
    found = held.comparison
    return {
        "a": held.a,
        "b": held.b,
        "verdict": verdict(held.comparison),
        "copied": sum(pair.copied for pair in found.pairs),
        "same_key": sameness_counts(found.same_key),
        "other_key": sameness_counts(found.other_key),
        "only_a": [record.key for record in found.only_a],
        "only_b": [record.key for record in found.only_b],
        "changes_same_key": [_tally_json(one) for one in tally(found.same_key)],
        "changes_other_key": [_tally_json(one) for one in tally(found.other_key)],
        "gaps": [asdict(gap) for gap in found.gaps],
        "costs": [asdict(cost) for cost in found.costs],
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
            for pair in found.pairs
        ],
    }


def sameness_counts(pairs: Sequence[Pair]) -> dict[str, int]:
    return {one: sum(pair.sameness == one for pair in pairs) for one in SAMENESS}


def _tally_json(one: ChangeTally) -> dict[str, Any]:
    return asdict(one) | {"cells": one.cells}
