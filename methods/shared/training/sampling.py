"""Batches of P identities x K images with a fixed share of HR and of LR images.

Paper section 4.2: 5 identities, 2 HR and 2 LR images each; all choices come from one generator.
"""

from collections.abc import Iterator
from dataclasses import dataclass

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
    """How often an epoch visits each identity: ceil(its images / images a visit), (C,)."""
    return -(-np.bincount(labels) // spec.per_identity)


def batches_per_epoch(labels: NDArray[np.int64], spec: BatchSpec) -> int:
    """The least number of batches in which every identity gets its visits, once a batch."""
    wanted = visits(labels, spec)
    width = min(spec.identities, len(wanted))
    return int(max(-(-wanted.sum() // width), wanted.max()))


def lacking(train: TrainSet) -> dict[str, int]:
    """How many identities have no HR or no LR image; their images of the other kind fill in."""
    hr = np.bincount(train.labels[train.rates == 1], minlength=train.identities)
    lr = np.bincount(train.labels[train.rates != 1], minlength=train.identities)
    return {"hr": int((hr == 0).sum()), "lr": int((lr == 0).sum())}


def batches(
    train: TrainSet, spec: BatchSpec, count: int, generator: np.random.Generator
) -> Iterator[Indices]:
    """`count` batches of image indices, (P * K,) int64, identity by identity, HR images first.

    Epochs follow one another; a batch holds min(P, C) different identities. An identity with
    fewer images than asked for is drawn with replacement.
    """
    wanted = visits(train.labels, spec)
    pools = _pools(train)
    made = 0
    while made < count:
        for chosen in _epoch(wanted, spec.identities, generator):
            yield np.concatenate([_draw(*pools[int(pid)], spec, generator) for pid in chosen])
            made += 1
            if made == count:
                return


def _pools(train: TrainSet) -> list[tuple[Indices, Indices]]:
    """The HR and the LR images of every identity; one kind stands in where the other is absent."""
    pools = []
    for pid in range(train.identities):
        own = np.flatnonzero(train.labels == pid)
        hr, lr = own[train.rates[own] == 1], own[train.rates[own] != 1]
        pools.append((hr if len(hr) else lr, lr if len(lr) else hr))
    return pools


def _epoch(
    wanted: NDArray[np.int64], width: int, generator: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """The identities of each batch of an epoch, in random order, none twice in one batch.

    An identity whose visits left equal the batches left must come now; the others are drawn in
    proportion to their visits left; identities already done fill up the last batches.
    """
    left = wanted.copy()
    width = min(width, len(left))
    for remaining in range(int(max(-(-left.sum() // width), left.max())), 0, -1):
        due = np.flatnonzero(left == remaining)
        open_ = np.flatnonzero((left > 0) & (left < remaining))
        done = np.flatnonzero(left == 0)
        more = _weighted(open_, left[open_], width - len(due), generator)
        rest = _weighted(done, np.ones(len(done)), width - len(due) - len(more), generator)
        chosen = generator.permutation(np.concatenate([due, more, rest]))
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
    """One visit: HR images, then LR images; an identity of one kind gives all from that kind."""
    if hr is lr:
        return _some(hr, spec.per_identity, generator)
    return np.concatenate(
        [_some(hr, spec.hr_images, generator), _some(lr, spec.lr_images, generator)]
    )


def _some(pool: Indices, count: int, generator: np.random.Generator) -> Indices:
    return generator.choice(pool, count, replace=len(pool) < count)
