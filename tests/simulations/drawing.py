"""Tables of rows that are truly equal, or of which the first truly leads, drawn at random.

Each query has a latent value: what its identity is like for all rows, what it is like for this one,
what this training made of it, and noise. Rank-1 is whether it is above zero, AP its normal
distribution function. Under an official split all seeds share the test identities, under a drawn
one about half of them.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from crossres.benchmark.stats.sample import Sample, scored_queries

Split = Literal["official", "drawn"]
QUERIES_PER_IDENTITY = 2
IDENTITY, OF_ROW, TRAINING, COMMON, QUERY, NOISE = 0.9, 0.5, 0.15, 0.1, 0.6, 0.6
TOTAL = float(np.sqrt(np.sum(np.square([IDENTITY, OF_ROW, TRAINING, COMMON, QUERY, NOISE]))))
LEVEL_OF_ALL = 0.6  # rank-1 of every row


@dataclass(frozen=True)
class Layout:
    """The size of a table, and how its test identities are drawn."""

    rows: int
    sets: int
    seeds: int
    queries: int
    split: Split
    metric: Literal["rank1", "mAP"] = "rank1"


def drawn_table(layout: Layout, rng: np.random.Generator, lead: float = 0.0) -> list[Sample]:
    """One table: its rows on data sets "0", "1", ...; the first row's rank-1 truly leads by `lead`.

    `COMMON` is what a seed does to a row on all its data sets alike.
    """
    shifts = np.full(layout.rows, stats.norm.ppf(LEVEL_OF_ALL) * TOTAL)
    shifts[0] = stats.norm.ppf(LEVEL_OF_ALL + lead) * TOTAL
    common = rng.normal(0, COMMON, (layout.rows, 1, layout.seeds))
    training = common + rng.normal(0, TRAINING, (layout.rows, layout.sets, layout.seeds))
    values: list[dict[tuple[str, int], float]] = [{} for _ in range(layout.rows)]
    queries: list[dict[tuple[str, int], object]] = [{} for _ in range(layout.rows)]
    for dataset in range(layout.sets):
        for seed, (pids, latent) in enumerate(_latents(layout, rng)):
            for row in range(layout.rows):
                score = latent[row] + shifts[row] + training[row, dataset, seed]
                score = (score > 0) * 1.0 if layout.metric == "rank1" else special.ndtr(score)
                values[row][str(dataset), seed] = float(score.mean())
                queries[row][str(dataset), seed] = scored_queries(str(dataset), pids, score)
    return [Sample(v, q) for v, q in zip(values, queries, strict=True)]  # type: ignore[arg-type]


def _latents(
    layout: Layout, rng: np.random.Generator
) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """For each seed of one data set the pids (Q,) and latent values (rows, Q) of its queries."""
    tested = layout.queries // QUERIES_PER_IDENTITY
    pool = tested if layout.split == "official" else 2 * tested
    alike = rng.normal(0, IDENTITY, pool) + rng.normal(0, OF_ROW, (layout.rows, pool))
    of_query = rng.normal(0, QUERY, (pool, QUERIES_PER_IDENTITY))
    by_seed = []
    for _ in range(layout.seeds):
        chosen = np.sort(rng.permutation(pool)[:tested])
        latent = alike[:, chosen, None] + of_query[chosen]
        latent = latent + rng.normal(0, NOISE, latent.shape)
        by_seed.append((np.repeat(chosen, QUERIES_PER_IDENTITY), latent.reshape(layout.rows, -1)))
    return by_seed
