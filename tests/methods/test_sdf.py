"""SDF: the surface over scale-distance functions, in numpy; training pairs."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from crossres.datasets import InputError
from crossres.methods import Run, TrainSet
from crossres.methods.interface.conformance import example_images, example_train_set, small_profile
from crossres.methods.interface.registry import method_class
from crossres.methods.sdf import SdfOptions, fold_of, signed, training_pairs

SMALL = small_profile("sdf")


def test_the_surface_is_a_kernel_machine_over_a_cubic() -> None:
    """theta by least squares in orthonormal polynomials, f term by term."""
    method: Any = method_class("sdf")(SMALL)
    method.fit(example_train_set(SMALL), Run(seed=0))
    learned, scales = method.arrays(), np.array([1, 2, 3, 4, 5]) / 5
    rows = method.embed(example_images(5, SMALL, "test"))
    query, gallery = rows[:2], rows[2:]
    distances = method.distances(query, gallery)
    ends = [0, *learned["ends"]]
    for q in range(2):
        for g in range(3):
            d = [
                np.linalg.norm(query[q, a:b].astype(float) - gallery[g, a:b].astype(float))
                for a, b in pairwise(ends)
            ]
            theta = learned["cubic"].T @ np.array(d)
            fitted = learned["cubic"] @ theta
            assert np.allclose(fitted, np.polyval(np.polyfit(scales, d, 3), scales))
            theta = (theta - learned["centre"]) / learned["spread"]
            bends = np.exp(-((theta - learned["landmarks"]) ** 2).sum(1) / 4) @ learned["weights"]
            expected = bends + theta @ learned["slope"] + learned["intercept"][0]
            assert distances[q, g] == pytest.approx(-expected, abs=1e-6)
    assert signed(np.zeros((2, 3, 5)), learned).shape == (2, 3)


def test_distances_of_sdf_do_not_depend_on_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    method = method_class("sdf")(SMALL)
    method.fit(example_train_set(SMALL), Run(seed=0))
    rows = method.embed(example_images(9, SMALL, "test"))
    at_once = method.distances(rows, rows)
    monkeypatch.setattr("crossres.methods.sdf.BLOCK_BYTES", 1)
    assert np.allclose(method.distances(rows, rows), at_once, atol=1e-9)


def test_without_a_surface_the_distance_is_that_at_full_scale() -> None:
    method = method_class("sdf")(SMALL, surface=False, metric="euclidean")
    method.fit(example_train_set(SMALL), Run(seed=0))
    rows = method.embed(example_images(4, SMALL, "test"))
    full = rows[:, method.arrays()["ends"][-2] :].astype(np.float64)
    expected = np.linalg.norm(full[:, None] - full[None], axis=2)
    assert np.allclose(method.distances(rows, rows), expected, atol=1e-6)


def test_training_pairs_join_lr_to_hr_images_within_a_fold() -> None:
    train, options = example_train_set(SMALL), SdfOptions(positives=5, negatives=3, folds=2)
    left, right = training_pairs(train, options, Run(seed=0))
    same_person, fold = train.labels[left] == train.labels[right], fold_of(train.labels, 2)
    assert same_person.sum() == 5
    assert (~same_person).sum() > 5
    assert (train.rates[left] != 1).all()
    assert (train.rates[right] == 1).all()
    assert (fold[left] == fold[right]).all()
    assert fold_of(np.array([0, 1, 2]), 9).max() == 0, "a fold has two persons or more"


def test_sdf_says_when_nobody_has_two_images() -> None:
    full = example_train_set(SMALL)
    chosen = np.array([0, 4, 8, 12])
    labels, rates = np.arange(4), np.array([1, 1, 1, 1])
    variants = dict.fromkeys(full.variants, full.images[chosen])
    train = TrainSet(
        full.images[chosen], labels, labels * 0, rates, variants, np.arange(4, dtype=np.int64)
    )
    with pytest.raises(InputError, match="two images of one of them"):
        method_class("sdf")(SMALL).fit(train, Run(seed=0))
