"""Values and samples of one data set."""

import numpy as np
from hypothesis import strategies as st

from crossres.benchmark.stats.sample import Sample, scored_queries

fractions = st.floats(0, 1, allow_nan=False)


def values(dataset: str, numbers: list[float]) -> dict[tuple[str, int], float]:
    return {(dataset, seed): number for seed, number in enumerate(numbers)}


def sample(scores: dict[int, np.ndarray], pids: np.ndarray | None = None) -> Sample:
    """One data set: seed -> the score of each query, by default one of each identity."""
    queries = {
        ("a", seed): scored_queries("a", np.arange(len(s)) if pids is None else pids, s)
        for seed, s in scores.items()
    }
    return Sample({("a", seed): float(np.nanmean(s)) for seed, s in scores.items()}, queries)
