"""Batches: identities, HR and LR quotas, visits an epoch, the same for the same seed."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from crossres.methods.interface.training_data import TrainSet
from crossres.methods.shared.training.sampling import (
    BatchSpec,
    batches,
    batches_per_epoch,
    lacking,
    visits,
)


def train_set(counts: list[tuple[int, int]]) -> TrainSet:
    """Return a set in which identity k has counts[k] = (HR, LR) images without content."""
    labels = np.repeat(np.arange(len(counts)), [sum(c) for c in counts])
    rates = np.concatenate([[1] * hr + [3] * lr for hr, lr in counts]).astype(np.int64)
    order = np.random.default_rng(len(labels)).permutation(len(labels))
    labels, rates = labels[order].astype(np.int64), rates[order]
    images = np.zeros((len(labels), 2, 2, 3), dtype=np.uint8)
    return TrainSet(images, labels, labels * 0, rates, {}, np.flatnonzero(rates == 1))


COUNTS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda c: sum(c) > 0),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(counts=COUNTS, width=st.integers(1, 6), hr=st.integers(1, 3), lr=st.integers(1, 3))
def test_every_batch_keeps_its_quotas(
    counts: list[tuple[int, int]], width: int, hr: int, lr: int
) -> None:
    train, spec = train_set(counts), BatchSpec(width, hr, lr)
    for batch in batches(train, spec, 8, np.random.default_rng(0)):
        groups = batch.reshape(min(width, len(counts)), hr + lr)
        pids = train.labels[groups]
        assert (pids == pids[:, :1]).all()
        assert len(set(pids[:, 0])) == len(groups)
        for pid, group in zip(pids[:, 0], groups, strict=True):
            have_hr, have_lr = counts[pid]
            quota = 0 if have_hr == 0 else hr + lr if have_lr == 0 else hr
            assert (train.rates[group] == 1).sum() == quota
            for rate, have in ((1, have_hr), (3, have_lr)):
                drawn = group[train.rates[group] == rate]
                if len(drawn) <= have:
                    assert len(set(drawn)) == len(drawn)


@settings(max_examples=60, deadline=None)
@given(counts=COUNTS, width=st.integers(1, 6), seed=st.integers(0, 5))
def test_an_epoch_visits_every_identity_as_often_as_its_images_ask(
    counts: list[tuple[int, int]], width: int, seed: int
) -> None:
    train, spec = train_set(counts), BatchSpec(width, 2, 2)
    count = batches_per_epoch(train.labels, spec)
    batch_counts = np.zeros(len(counts), dtype=int)
    for batch in batches(train, spec, count, np.random.default_rng(seed)):
        batch_counts[np.unique(train.labels[batch])] += 1
    expected = np.array([-(-sum(c) // 4) for c in counts])
    assert (visits(train.labels, spec) == expected).all()
    assert (batch_counts >= expected).all()
    lower = max(-(-expected.sum() // min(width, len(counts))), expected.max())
    assert count == lower


def test_same_seed_same_batches_other_seed_others() -> None:
    train, spec = train_set([(4, 4)] * 9), BatchSpec()
    runs = [np.stack(list(batches(train, spec, 6, np.random.default_rng(s)))) for s in (1, 1, 2)]
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_the_paper_batch_is_twenty_images() -> None:
    train = train_set([(3, 3)] * 7)
    batch = next(iter(batches(train, BatchSpec(), 1, np.random.default_rng(0))))
    assert batch.shape == (20,)
    assert (train.rates[batch] == 1).sum() == 10


def test_lacking_counts_identities_without_one_kind() -> None:
    assert lacking(train_set([(2, 2), (3, 0), (0, 1), (1, 0)])) == {"hr": 1, "lr": 2}
