"""Batches of P identities x K images with a fixed share of HR and of LR images.

Paper section 4.2: 5 identities, 2 HR and 2 LR images each; all choices come from one generator.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from crossres.methods.interface.training_data import TrainSet

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class BatchSpec:
    """How many identities a batch has, and how many HR and LR images of each."""

    identities: int = 5
    hr_images: int = 2
    lr_images: int = 2

    @property
    def per_identity(self) -> int:
        return self.hr_images + self.lr_images


def visits(labels: NDArray[np.int64], spec: BatchSpec) -> NDArray[np.int64]:
    """Return how often an epoch visits each identity: ceil(its images / images a visit), (C,)."""
    return -(-np.bincount(labels) // spec.per_identity)


def batches_per_epoch(labels: NDArray[np.int64], spec: BatchSpec) -> int:
    """Return the least number of batches in which each identity gets its visits, one a batch."""
    counts = visits(labels, spec)
    width = min(spec.identities, len(counts))
    return int(max(-(-counts.sum() // width), counts.max()))


def lacking(train: TrainSet) -> dict[str, int]:
    """Count the identities without HR and without LR images, whose other images fill in."""
    hr = np.bincount(train.labels[train.rates == 1], minlength=train.identities)
    lr = np.bincount(train.labels[train.rates != 1], minlength=train.identities)
    return {"hr": int((hr == 0).sum()), "lr": int((lr == 0).sum())}


def batches(
    train: TrainSet, spec: BatchSpec, count: int, generator: np.random.Generator
) -> Iterator[Indices]:
    """Yield `count` batches of image indices, (P * K,) int64, by identity, HR images first.

    Epochs follow one another; a batch holds min(P, C) different identities. An identity with
    fewer images than asked for is drawn with replacement.
    """
    return islice(_endless(train, spec, generator), count)


def _endless(train: TrainSet, spec: BatchSpec, generator: np.random.Generator) -> Iterator[Indices]:
    visit_counts = visits(train.labels, spec)
    pools = _pools(train)
    while True:
        for chosen in _epoch(visit_counts, spec.identities, generator):
            yield np.concatenate([_draw(*pools[int(label)], spec, generator) for label in chosen])


def _pools(train: TrainSet) -> list[tuple[Indices, Indices]]:
    """Return the HR and LR images of each identity; one kind stands in where the other lacks."""
    pools = []
    for label in range(train.identities):
        indices = np.flatnonzero(train.labels == label)
        hr, lr = indices[train.rates[indices] == 1], indices[train.rates[indices] != 1]
        pools.append((hr if len(hr) else lr, lr if len(lr) else hr))
    return pools


def _epoch(
    visit_counts: NDArray[np.int64], width: int, generator: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Yield the identities of each batch of an epoch, in random order, none twice in one batch.

    An identity with as many visits left as there are batches is due; others that wait are drawn in
    proportion to their visits left; finished ones fill up the last batches.
    """
    left = visit_counts.copy()
    width = min(width, len(left))
    for remaining in range(int(max(-(-left.sum() // width), left.max())), 0, -1):
        due = np.flatnonzero(left == remaining)
        waiting = np.flatnonzero((left > 0) & (left < remaining))
        finished = np.flatnonzero(left == 0)
        drawn = _weighted(waiting, left[waiting], width - len(due), generator)
        fillers = _weighted(
            finished, np.ones(len(finished)), width - len(due) - len(drawn), generator
        )
        chosen = generator.permutation(np.concatenate([due, drawn, fillers]))
        left[chosen] = np.maximum(left[chosen] - 1, 0)
        yield chosen


def _weighted(
    items: Indices, weights: NDArray[np.generic], count: int, generator: np.random.Generator
) -> Indices:
    size = min(count, len(items))
    if size <= 0:
        return items[:0]
    return generator.choice(items, size, replace=False, p=weights / weights.sum())


def _draw(hr: Indices, lr: Indices, spec: BatchSpec, generator: np.random.Generator) -> Indices:
    """Draw the images of one visit, HR ones first; all of one kind where an identity has one."""
    if hr is lr:
        return _some(hr, spec.per_identity, generator)
    return np.concatenate(
        [_some(hr, spec.hr_images, generator), _some(lr, spec.lr_images, generator)]
    )


def _some(pool: Indices, count: int, generator: np.random.Generator) -> Indices:
    return generator.choice(pool, count, replace=len(pool) < count)
