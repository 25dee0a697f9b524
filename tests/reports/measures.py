"""What a cell keeps of its distances and embeddings, drawn for tests of how reports show it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.measures.distance_histograms import DistanceHistograms

Arrays = dict[str, NDArray[Any]]


def distance_arrays(seed: int, rates: tuple[int, ...], gap: float = 1.0) -> Arrays:
    """20 queries of each rate: true matches are nearer than others by `gap` over the rate."""
    rng = np.random.default_rng(seed)
    of_queries = np.repeat(rates, 20)
    matches = np.arange(80)[None].repeat(len(of_queries), 0) < 4
    nearer = matches * gap / np.maximum(of_queries, 1)[:, None]
    histograms = DistanceHistograms()
    histograms.add(of_queries, 2 + rng.normal(0, 0.3, matches.shape) - nearer, matches)
    return histograms.arrays()


def map_arrays(seed: int, rates: tuple[int, ...], identities: int = 30) -> Arrays:
    """Of each identity five gallery images of rate 1 and five queries, beside one another."""
    rng = np.random.default_rng(seed)
    pids = np.repeat(100 + np.arange(identities), 10)
    is_query = np.tile(np.arange(10) >= 5, identities)
    centres = rng.uniform(100, 900, (identities, 2)).repeat(10, 0)
    places = np.clip(centres + rng.normal(0, 40, centres.shape), 0, 1000)
    of_queries = np.resize(rates, len(pids))
    return {
        "map_pids": pids,
        "map_camids": np.resize([0, 1, 2, -1], len(pids)),
        "map_rates": np.where(is_query, of_queries, 1),
        "map_is_query": is_query,
        "map_places": places.astype(np.uint16),
        "map_share": np.array([0.234]),
        "map_is_own": np.array([seed % 2 == 1]),
    }
