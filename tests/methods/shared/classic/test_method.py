"""JUDEA, SLD²L and SDF alike: conformance, odd data, wrong options; the optional extra."""

import random
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from crossres import main
from crossres.datasets import InputError
from crossres.methods import Profile, Run, TrainSet, check_method
from crossres.methods.interface.conformance import example_images, example_train_set, small_profile
from crossres.methods.interface.registry import method_class

SMALL = small_profile("judea", "sld2l", "sdf")

CLASSIC = ("judea", "sld2l", "sdf")

Array = NDArray[Any]


def without(train: TrainSet, rates: Array) -> TrainSet:
    """Return the same images with other rates, and the variants that these leave."""
    hr = np.flatnonzero(rates == 1)
    variants = dict.fromkeys(train.variants, train.images[hr])
    return TrainSet(train.images, train.labels, train.camids, rates, variants, hr)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("judea", {"alpha": 0.0}),
        ("judea", {"scales": [4], "beta": 0.0}),
        ("sld2l", {"clusters": 0}),
        ("sld2l", {"metric": "euclidean", "eta": 0.0}),
        ("sdf", {"surface": False, "metric": "euclidean"}),
        ("sdf", {"folds": 1, "degree": 1}),
    ],
)
def test_their_rows_conform(name: str, options: dict[str, Any]) -> None:
    assert "determinism" in check_method(name, None, **options)


@pytest.mark.parametrize("name", CLASSIC)
@pytest.mark.parametrize("rates", ["no LR", "no HR", "unknown"])
def test_sets_that_lack_a_kind_of_image(name: str, rates: str) -> None:
    full = example_train_set(SMALL)
    lacking = {
        "no LR": np.ones_like(full.rates),
        "no HR": np.full_like(full.rates, 3),
        "unknown": np.where(full.rates == 1, 1, 0),
    }[rates]
    method = method_class(name)(SMALL)
    method.fit(without(full, lacking), Run(seed=0))
    rows = method.embed(example_images(3, SMALL, "test"))
    assert np.isfinite(method.distances(rows[:1], rows[1:])).all()


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("judea", {"cells": [4]}),
        ("judea", {"scales": []}),
        ("judea", {"beta": 2.0}),
        ("judea", {"size": 0}),
        ("sld2l", {"cells": [1, 4]}),
        ("sld2l", {"push": 1.0}),
        ("sld2l", {"atoms": 0}),
        ("sld2l", {"ridge": 0.0}),
        ("sdf", {"cells": [1, 4]}),
        ("sdf", {"scales": [1, 2]}),
        ("sdf", {"rho": 0.0}),
        ("sdf", {"positives": 0}),
        ("sdf", {"folds": 0}),
    ],
)
def test_wrong_options_are_named(name: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        method_class(name)(SMALL, **wrong)


@pytest.mark.parametrize("name", CLASSIC)
def test_arrays_of_another_shape_or_name_are_refused(name: str) -> None:
    fitted = method_class(name)(SMALL)
    with pytest.raises(InputError, match="not trained yet"):
        fitted.embed(example_images(1, SMALL, "test"))
    fitted.fit(example_train_set(SMALL), Run(seed=0))
    arrays = dict(fitted.arrays())
    first = sorted(key for key in arrays if key.startswith("mean."))[0]
    with pytest.raises(InputError, match="do not fit"):
        method_class(name)(SMALL).restore({**arrays, first: arrays[first][:-1]})
    del arrays[first]
    with pytest.raises(InputError, match="saved arrays"):
        method_class(name)(SMALL).restore(arrays)


def test_without_the_extra_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state = random.getstate()
    monkeypatch.setitem(sys.modules, "sklearn.decomposition", None)
    with pytest.raises(InputError, match=r"judea needs scikit-image.*crossres\[classic\]"):
        method_class("judea")(SMALL)
    assert random.getstate() == state
    assert main(["methods", "list"]) == 0
    assert "JUDEA" in capsys.readouterr().out


def test_the_sizes_of_the_paper() -> None:
    """256 x 128 pixels and the default options, but little to learn from."""
    profile = Profile(name="paper size", height=256, width=128)
    train = example_train_set(profile)
    for name, options in (
        ("judea", {}),
        ("sld2l", {"clusters": 2, "patches": 50, "rounds": 1}),
        ("sdf", {}),
    ):
        method = method_class(name)(profile, **options)
        method.fit(train, Run(seed=0))
        assert np.isfinite(method.embed(train.images[:2])).all()
