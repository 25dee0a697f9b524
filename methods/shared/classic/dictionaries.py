"""Two dictionaries whose codes are coupled by a linear map, learned by alternating minimisation.

Rows are samples: X ~ Y D with codes Y (n, atoms) and dictionary D (atoms, D). With pairs X_H, X_L,
and rows Z that shall become T, it minimises over everything but these

    ||X_H - Y_H D_H||^2 + ||X_L - Y_L D_L||^2 + ||Z - Y_Z D_L||^2 + gamma ||Y_H - Y_L M||^2
    + eta ||T - Y_Z M D_H||^2 + sparsity sum |Y| + ridge ||M||^2 + rank (||D_H||_* + ||D_L||_*).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.methods.shared.classic.projections import Matrix

STEPS = 5  # of descent for each dictionary in a round
FISTA_STEPS = 50


@dataclass(frozen=True)
class Weights:
    """Of the terms of the objective."""

    gamma: float
    eta: float
    sparsity: float
    ridge: float
    rank: float


@dataclass(frozen=True)
class Samples:
    """Rows X_H and X_L (n, D), pairs, and rows Z (m, D) with what they shall become, T (m, D)."""

    high: Matrix
    low: Matrix
    native: Matrix
    target: Matrix

    def part(
        self, pairs: NDArray[np.bool_], natives: NDArray[np.bool_], goal: Matrix, centre: Matrix
    ) -> "Samples":
        """Select pairs and native rows; subtract `goal` (D,) from HR rows, `centre` from LR."""
        return Samples(
            self.high[pairs] - goal,
            self.low[pairs] - centre,
            self.native[natives] - centre,
            self.target[natives] - goal,
        )


@dataclass
class Coupled:
    """D_H and D_L (atoms, D), M (atoms, atoms)."""

    high: Matrix
    low: Matrix
    mapping: Matrix


def couple(x: Samples, start: Coupled, w: Weights, rounds: int) -> Coupled:
    """Minimise for `rounds` over codes, map and dictionaries in turn, the others fixed."""
    d, pull, aim = start, np.sqrt(w.gamma), np.sqrt(w.eta)
    high = sparse_codes(x.high, d.high, w.sparsity)
    for _ in range(rounds):
        both = np.hstack([d.low, pull * d.mapping])
        low = sparse_codes(np.hstack([x.low, pull * high]), both, w.sparsity)
        both = np.hstack([d.high, pull * np.eye(len(d.high))])
        high = sparse_codes(np.hstack([x.high, pull * low @ d.mapping]), both, w.sparsity)
        both = np.hstack([d.low, aim * d.mapping @ d.high])
        native = sparse_codes(np.hstack([x.native, aim * x.target]), both, w.sparsity)
        mapping = best_map(high, low, native, x.target, d.high, w)
        lifted = np.vstack([high, aim * native @ mapping])
        d = Coupled(
            better_atoms(d.high, np.vstack([x.high, aim * x.target]), lifted, w.rank),
            better_atoms(d.low, np.vstack([x.low, x.native]), np.vstack([low, native]), w.rank),
            mapping,
        )
    return d


def sparse_codes(rows: NDArray[Any], atoms: Matrix, sparsity: float) -> Matrix:
    """Return Y (n, atoms) that minimises ||X - Y D||^2 + sparsity sum |Y|: FISTA, from zero."""
    gram, product = atoms @ atoms.T, rows @ atoms.T
    rate = 1 / max(2 * float(np.linalg.norm(gram, 2)), 1e-12)
    codes = ahead = np.zeros_like(product)
    step = 1.0
    for _ in range(FISTA_STEPS):
        moved = ahead - 2 * rate * (ahead @ gram - product)
        shrunk = np.sign(moved) * np.maximum(np.abs(moved) - rate * sparsity, 0)
        after = (1 + np.sqrt(1 + 4 * step**2)) / 2
        ahead = shrunk + (step - 1) / after * (shrunk - codes)
        codes, step = shrunk, after
    return codes


def best_map(
    high: Matrix, low: Matrix, native: Matrix, target: Matrix, atoms: Matrix, w: Weights
) -> Matrix:
    """Solve for M, codes and D_H given: a linear system for each eigenvector of D_H D_H'.

    gamma Y_L'Y_L M + ridge M + eta Y_Z'Y_Z M D_H D_H' = gamma Y_L'Y_H + eta Y_Z'T D_H'
    """
    values, vectors = np.linalg.eigh(atoms @ atoms.T)
    right = (w.gamma * low.T @ high + w.eta * native.T @ target @ atoms.T) @ vectors
    left = w.gamma * low.T @ low + w.ridge * np.eye(len(atoms))
    systems = left + w.eta * values[:, None, None] * (native.T @ native)
    return np.asarray(np.linalg.solve(systems, right.T[..., None])[..., 0].T @ vectors.T)


def better_atoms(atoms: Matrix, rows: Matrix, codes: Matrix, rank: float) -> Matrix:
    """Descend on ||X - Y D||^2 + rank ||D||_*, singular values shrunk, atoms at most 1 long."""
    gram, product = codes.T @ codes, codes.T @ rows
    rate = 1 / max(2 * float(np.linalg.norm(gram, 2)), 1e-12)
    for _ in range(STEPS):
        moved = atoms - 2 * rate * (gram @ atoms - product)
        left, values, right = np.linalg.svd(moved, full_matrices=False)
        low_rank = (left * np.maximum(values - rate * rank, 0)) @ right
        atoms = low_rank / np.maximum(np.linalg.norm(low_rank, axis=1, keepdims=True), 1)
    return atoms
