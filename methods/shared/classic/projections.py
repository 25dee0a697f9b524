"""Linear projections from second moments: principal axes, scatter, the generalised eigenproblem."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Labels = NDArray[np.int64]
KEPT = 0.98  # share of the variance that the principal axes keep
RANK = 1e-9  # eigenvalues below this share of the largest are noise


def principal(rows: NDArray[Any], most: int, seed: int) -> tuple[Matrix, Matrix]:
    """PCA of (N, ...): mean (D,) and at most `most` axes (D, k), as keep 98 % of the variance."""
    from sklearn.decomposition import PCA

    flat = rows.reshape(len(rows), -1)
    count = max(1, min(most, len(flat) - 1, flat.shape[1]))
    with np.errstate(invalid="ignore", divide="ignore"):  # images that are all alike
        found = PCA(count, random_state=seed % 2**32).fit(flat)
        kept = 1 + int((np.cumsum(found.explained_variance_ratio_) < KEPT).sum())
    return found.mean_.astype(np.float64), found.components_[:kept].T.astype(np.float64)


def class_means(rows: Matrix, labels: Labels) -> Matrix:
    """(N, D), (N,) in 0..C-1 -> (C, D); zeros for a class without rows."""
    sums = np.zeros((int(labels.max()) + 1, rows.shape[1]))
    np.add.at(sums, labels, rows)
    return sums / np.maximum(np.bincount(labels, minlength=len(sums)), 1)[:, None]


def within(rows: Matrix, labels: Labels) -> Matrix:
    """The within-class scatter (D, D), a sum over the rows."""
    apart = rows - class_means(rows, labels)[labels]
    return np.asarray(apart.T @ apart)


def between(rows: Matrix, labels: Labels) -> Matrix:
    """The between-class scatter (D, D), a sum over the rows."""
    means = class_means(rows, labels)[labels] - rows.mean(0)
    return np.asarray(means.T @ means)


def leading(wanted: Matrix, unwanted: Matrix, count: int, ridge: float) -> Matrix:
    """At most `count` w (D, k) that maximise w'Aw / w'(B + ridge tr(B)/D I)w, best first.

    A and B are `wanted` and `unwanted`, symmetric and positive semidefinite. Directions of which A
    knows nothing are left out; one is always kept.
    """
    from scipy.linalg import eigh

    size = len(wanted)
    level = max(float(np.trace(unwanted)) / size, 1e-12)
    values, vectors = eigh(wanted, unwanted + ridge * level * np.eye(size))
    kept = max(1, min(count, int((values > RANK * values[-1]).sum())))
    return np.ascontiguousarray(vectors[:, ::-1][:, :kept])


def fisher(rows: Matrix, labels: Labels, count: int, ridge: float) -> Matrix:
    """The axes (D, k) of Fisher's linear discriminant, scaled so that B of `leading` is 1."""
    return leading(between(rows, labels), within(rows, labels), count, ridge)
