"""Linear projections from second moments: principal axes, scatter, the generalised eigenproblem."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Labels = NDArray[np.int64]
KEPT = 0.98  # share of the variance that the principal axes keep
RANK = 1e-9  # eigenvalues below this share of the largest are noise


def principal(rows: NDArray[Any], most: int, seed: int) -> tuple[Matrix, Matrix]:
    """Return mean (D,) and axes (D, k) of the PCA of (N, ...).

    At most `most` axes, and as many as keep 98 % of the variance.
    """
    from sklearn.decomposition import PCA

    flat = rows.reshape(len(rows), -1)
    count = max(1, min(most, len(flat) - 1, flat.shape[1]))
    with np.errstate(invalid="ignore", divide="ignore"):  # images that are all alike
        pca = PCA(count, random_state=seed % 2**32).fit(flat)
        axes = 1 + int((np.cumsum(pca.explained_variance_ratio_) < KEPT).sum())
    return pca.mean_.astype(np.float64), pca.components_[:axes].T.astype(np.float64)


def class_means(rows: Matrix, labels: Labels) -> Matrix:
    """Return the means (C, D) of rows (N, D) with labels (N,) in 0..C-1; zeros for no rows."""
    sums = np.zeros((int(labels.max()) + 1, rows.shape[1]))
    np.add.at(sums, labels, rows)
    return sums / np.maximum(np.bincount(labels, minlength=len(sums)), 1)[:, None]


def within(rows: Matrix, labels: Labels) -> Matrix:
    """Return the within-class scatter (D, D), a sum over the rows."""
    deviations = rows - class_means(rows, labels)[labels]
    return np.asarray(deviations.T @ deviations)


def between(rows: Matrix, labels: Labels) -> Matrix:
    """Return the between-class scatter (D, D), a sum over the rows."""
    means = class_means(rows, labels)[labels] - rows.mean(0)
    return np.asarray(means.T @ means)


def leading(maximised: Matrix, minimised: Matrix, count: int, ridge: float) -> Matrix:
    """Return at most `count` w (D, k) that maximise w'Aw / w'(B + ridge tr(B)/D I)w, best first.

    A and B are `maximised` and `minimised`, symmetric and positive semidefinite. Null directions of
    A are left out, but for one where there are no others.
    """
    from scipy.linalg import eigh

    size = len(maximised)
    level = max(float(np.trace(minimised)) / size, 1e-12)
    values, vectors = eigh(maximised, minimised + ridge * level * np.eye(size))
    axes = max(1, min(count, int((values > RANK * values[-1]).sum())))
    return np.ascontiguousarray(vectors[:, ::-1][:, :axes])


def fisher(rows: Matrix, labels: Labels, count: int, ridge: float) -> Matrix:
    """Return the axes (D, k) of Fisher's linear discriminant; B of `leading` is 1 along each."""
    return leading(between(rows, labels), within(rows, labels), count, ridge)
