"""JUDEA, SLD²L, SDF: what they share and compute, against numpy; odd data; the optional extra."""

import random
import sys
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from crossres import main
from crossres.datasets import InputError
from crossres.methods import Profile, Run, TrainSet, check_method
from crossres.methods.interface.conformance import example_images, example_train_set, small_profile
from crossres.methods.interface.registry import method_class
from crossres.methods.judea import JudeaOptions, joint_discriminant
from crossres.methods.sdf import SdfOptions, fold_of, signed, training_pairs
from crossres.methods.shared.classic.descriptors import Descriptor, block_histograms
from crossres.methods.shared.classic.dictionaries import (
    Coupled,
    Samples,
    Weights,
    best_map,
    better_atoms,
    couple,
    sparse_codes,
)
from crossres.methods.shared.classic.projections import between, fisher, leading, principal, within
from crossres.methods.sld2l import targets

SMALL = small_profile("judea", "sld2l", "sdf")

CLASSIC = ("judea", "sld2l", "sdf")
Array = NDArray[Any]


def rows_of(people: int, each: int, size: int, seed: int = 0) -> tuple[Array, Array]:
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(people), each)
    looks = generator.normal(size=(people, size))
    return looks[labels] + 0.3 * generator.normal(size=(people * each, size)), labels


def without(train: TrainSet, rates: Array) -> TrainSet:
    """The same images with other rates, and the variants that these leave."""
    hr = np.flatnonzero(rates == 1)
    variants = dict.fromkeys(train.variants, train.images[hr])
    return TrainSet(train.images, train.labels, train.camids, rates, variants, hr)


def test_block_histograms_are_roots_of_shares_over_windows_of_four_cells() -> None:
    levels = np.random.default_rng(0).integers(0, 5, (2, 9, 6, 2))
    histograms = block_histograms(levels, 5, 3)
    assert histograms.shape == (2, 2 * 1, 2 * 5)
    for image in range(2):
        for block in range(2):
            window = levels[image, 3 * block : 3 * block + 6, :6]
            shares = [np.bincount(window[..., c].ravel(), minlength=5) / 36 for c in range(2)]
            assert np.allclose(histograms[image, block], np.sqrt(np.concatenate(shares)))


def test_descriptors_have_a_length_of_one_a_block_and_see_colour() -> None:
    images = example_images(3, SMALL, "test")
    for colours, hog, size in (
        (("rgb", "hsv", "ycbcr"), True, 9 * 8 + 10 + 36),
        (("hsv", "lab"), False, 6 * 8 + 10),
    ):
        blocks = Descriptor((4, 2), colours, hog)(images, 6)
        assert blocks.shape == (3, 3, size)
        assert blocks.dtype == np.float32
        assert np.allclose(np.square(blocks).sum(2), 1, atol=0.06), "HOG's own norm is near 1"
    red, blue = np.zeros((2, 1, 32, 16, 3), dtype=np.uint8)
    red[..., 0], blue[..., 2] = 200, 200
    assert np.linalg.norm(Descriptor((4, 2))(red, 4) - Descriptor((4, 2))(blue, 4)) > 1


def test_scatter_and_fisher_against_their_definitions() -> None:
    rows, labels = rows_of(4, 5, 3)
    inner, outer = np.zeros((3, 3)), np.zeros((3, 3))
    for label in range(4):
        members = rows[labels == label]
        inner += sum(np.outer(x - members.mean(0), x - members.mean(0)) for x in members)
        outer += 5 * np.outer(members.mean(0) - rows.mean(0), members.mean(0) - rows.mean(0))
    assert np.allclose(within(rows, labels), inner)
    assert np.allclose(between(rows, labels), outer)
    axes = fisher(rows, labels, 2, 1e-3)
    below = inner + 1e-3 * np.trace(inner) / 3 * np.eye(3)
    assert np.allclose(axes.T @ below @ axes, np.eye(2))
    top = np.sort(np.linalg.eigvals(np.linalg.solve(below, outer)).real)[::-1][:2]
    assert np.allclose(np.diag(axes.T @ outer @ axes), top)


def test_singular_scatter_still_gives_a_direction() -> None:
    assert leading(np.zeros((3, 3)), np.zeros((3, 3)), 2, 1e-3).shape == (3, 1)
    mean, axes = principal(np.ones((5, 7), dtype=np.float32), 3, 0)
    assert np.isfinite(axes).all()
    assert np.allclose(mean, 1)


def test_the_joint_discriminant_solves_equation_2() -> None:
    """The numerator and denominator written out term by term; no other W has a larger ratio."""
    normal, labels = rows_of(5, 4, 3, 1)
    low, _ = rows_of(5, 4, 2, 2)
    options = JudeaOptions(size=1, alpha=2.0, beta=0.5, rho=1e-3)
    w_n, w_l = joint_discriminant([normal, low], labels, options)

    def ratio(w_n: Array, w_l: Array) -> float:
        above = below = ridge = 0.0
        scales = [(normal @ w_n).ravel(), (low @ w_l).ravel()]
        means = [np.array([z[labels == c].mean() for c in range(5)]) for z in scales]
        apart = [m - z.mean() for m, z in zip(means, scales, strict=True)]
        for z, m, d in zip(scales, means, apart, strict=True):
            above += 4 * float((d**2).sum())
            below += float(((z - m[labels]) ** 2).sum())
        above += 2 * options.beta * 4 * float((apart[0] * apart[1]).sum())
        below += options.alpha * float(((means[0] - means[1]) ** 2).sum())
        mean_n, mean_l = (
            np.stack([x[labels == c].mean(0) for c in range(5)]) for x in (normal, low)
        )
        trace = np.trace(within(normal, labels)) + np.trace(within(low, labels))
        trace += options.alpha * float((mean_n**2).sum() + (mean_l**2).sum())
        ridge = 1e-3 * float(trace) / 5 * float((w_n**2).sum() + (w_l**2).sum())
        return above / (below + ridge)

    best = ratio(w_n, w_l)
    generator = np.random.default_rng(3)
    for scale in (1e-3, 1e-2, 1.0):
        for _ in range(50):
            moved = [w + scale * generator.normal(size=w.shape) for w in (w_n, w_l)]
            assert ratio(*moved) <= best + 1e-9


def test_hcmd_brings_the_class_means_of_both_scales_together() -> None:
    (normal, labels), (low, _) = rows_of(6, 4, 4, 1), rows_of(6, 4, 4, 2)
    gaps = []
    for alpha in (0.0, 1.0, 100.0):
        scales = joint_discriminant([normal, low], labels, JudeaOptions(size=2, alpha=alpha))
        both = [x @ w for x, w in zip((normal, low), scales, strict=True)]
        means = [np.stack([z[labels == c].mean(0) for c in range(6)]) for z in both]
        gaps.append(((means[0] - means[1]) ** 2).sum() / (means[0] ** 2 + means[1] ** 2).sum())
    assert gaps[0] > gaps[1] > gaps[2]


def test_sparse_codes_minimise_what_they_say() -> None:
    """The optimality conditions of the lasso, and scikit-learn's own solver."""
    from sklearn.linear_model import Lasso

    generator = np.random.default_rng(0)
    atoms = generator.normal(size=(6, 12))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    rows = generator.normal(size=(9, 12))
    codes = sparse_codes(rows, atoms, 0.8)
    slope = 2 * (codes @ atoms - rows) @ atoms.T
    assert np.allclose(slope[codes != 0], -0.8 * np.sign(codes[codes != 0]), atol=1e-3)
    assert (np.abs(slope[codes == 0]) <= 0.8 + 1e-3).all()
    solver = Lasso(alpha=0.4 / rows.shape[1], fit_intercept=False, tol=1e-10)
    assert np.allclose(codes, solver.fit(atoms.T, rows.T).coef_, atol=2e-3)


def made_samples() -> tuple[Samples, Coupled, Weights]:
    generator = np.random.default_rng(1)
    high, low, native, target = (generator.normal(size=(n, 6)) for n in (20, 20, 8, 8))
    start = Coupled(*(generator.normal(size=(4, 6)) / 3 for _ in range(2)), np.eye(4))
    return Samples(high, low, native, target), start, Weights(0.7, 0.3, 0.05, 0.02, 0.1)


def test_the_best_map_is_stationary() -> None:
    x, d, w = made_samples()
    y_h, y_l, y_z = (np.random.default_rng(2).normal(size=(n, 4)) for n in (20, 20, 8))

    def loss(m: Array) -> float:
        far = w.gamma * ((y_h - y_l @ m) ** 2).sum() + w.ridge * (m**2).sum()
        return float(far + w.eta * ((x.target - y_z @ m @ d.high) ** 2).sum())

    mapping = best_map(y_h, y_l, y_z, x.target, d.high, w)
    for i in range(4):
        for j in range(4):
            step = np.zeros((4, 4))
            step[i, j] = 1e-4
            assert abs(loss(mapping + step) - loss(mapping - step)) / 2e-4 < 1e-6


def test_atoms_get_better_and_stay_short() -> None:
    x, d, _ = made_samples()
    codes = sparse_codes(x.high, d.high, 0.05)

    def loss(atoms: Array) -> float:
        return float(((x.high - codes @ atoms) ** 2).sum() + 0.1 * np.linalg.norm(atoms, "nuc"))

    better = better_atoms(d.high, x.high, codes, 0.1)
    assert loss(better) < loss(d.high)
    assert (np.linalg.norm(better, axis=1) <= 1 + 1e-12).all()
    shrunk = better_atoms(d.high, x.high, codes, 1e3)
    assert np.allclose(shrunk, 0), "a large weight of the nuclear norm leaves no rank"


def test_coupled_dictionaries_learn_a_map_from_low_to_high() -> None:
    generator = np.random.default_rng(0)
    codes = generator.normal(size=(200, 3)) * (generator.random((200, 3)) < 0.6)
    high, low = codes @ generator.normal(size=(3, 8)), codes @ generator.normal(size=(3, 8))
    none = np.zeros((0, 8))
    start = Coupled(high[:6] / 4, low[:6] / 4, np.eye(6))
    d = couple(
        Samples(high[:150], low[:150], none, none), start, Weights(1, 0, 1e-3, 1e-3, 1e-3), 20
    )
    lifted = sparse_codes(low[150:], d.low, 1e-3) @ d.mapping @ d.high
    assert ((lifted - high[150:]) ** 2).sum() < 0.1 * ((low[150:] - high[150:]) ** 2).sum()


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
