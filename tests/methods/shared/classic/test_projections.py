"""Scatter and linear discriminants against their definitions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.methods.shared.classic.projections import between, fisher, leading, principal, within
from tests.methods.oracles import rows_of

Array = NDArray[Any]


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
