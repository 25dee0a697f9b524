"""SLD²L: targets of conversion, and which side is converted."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from crossres.methods import Run
from crossres.methods.interface.conformance import example_images, example_train_set, small_profile
from crossres.methods.interface.registry import method_class
from crossres.methods.sld2l import targets

SMALL = small_profile("sld2l")

Array = NDArray[Any]


def test_targets_make_equation_2_equal_to_its_definition() -> None:
    """Phi for two different blocks differs as the sums over pairs do, up to the constant."""
    blocks = np.random.default_rng(0).normal(size=(7, 2, 3))
    labels, push = np.array([0, 0, 1, 1, 1, 3, 3]), 0.4
    goal, there = targets(blocks, labels, 4, push)
    assert there.tolist() == [True, True, False, True]
    for person in (0, 1, 3):
        for block in range(2):
            pull, away = blocks[labels == person, block], blocks[labels != person, block]

            def phi(p: Array, pull: Array = pull, away: Array = away) -> float:
                near = ((p - pull) ** 2).sum(1).mean()
                return float(near - push * ((p - away) ** 2).sum(1).mean())

            def short(p: Array, goal: Array = goal[person, block]) -> float:
                return float((1 - push) * ((p - goal) ** 2).sum())

            first, second = np.random.default_rng(block).normal(size=(2, 3))
            assert phi(first) - phi(second) == pytest.approx(short(first) - short(second))


def test_sld2l_converts_queries_and_leaves_the_gallery() -> None:
    method = method_class("sld2l")(SMALL)
    method.fit(example_train_set(SMALL), Run(seed=0))
    embedded = method.embed(example_images(3, SMALL, "test")).astype(np.float64)
    half = embedded.shape[1] // 2
    assert not np.allclose(embedded[:, :half], embedded[:, half:])
    expected = np.linalg.norm(embedded[:, None, :half] - embedded[None, :, half:], axis=2)
    rows = embedded.astype(np.float32)
    assert np.allclose(method.distances(rows, rows), expected, atol=1e-5)
    plain = method_class("sld2l")(SMALL, clusters=0)
    plain.fit(example_train_set(SMALL), Run(seed=0))
    unconverted = plain.embed(example_images(3, SMALL, "test"))
    as_query, as_gallery = np.split(unconverted, 2, axis=1)
    assert np.array_equal(as_query, as_gallery)
