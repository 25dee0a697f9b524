"""Coupled dictionaries: each step of the minimisation, and that they learn a map."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.methods.shared.classic.dictionaries import (
    Coupled,
    Samples,
    Weights,
    best_map,
    better_atoms,
    couple,
    sparse_codes,
)

Array = NDArray[Any]


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
