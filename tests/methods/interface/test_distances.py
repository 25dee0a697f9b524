"""Euclidean distances against numpy."""

import numpy as np

from crossres.methods.interface.conformance import SMALL
from crossres.methods.plain import Plain


def test_distances_are_euclidean() -> None:
    generator = np.random.default_rng(0)
    query, gallery = generator.random((3, 5), np.float32), generator.random((4, 5), np.float32)
    expected = np.linalg.norm(query[:, None].astype(float) - gallery[None], axis=2)
    distances = Plain(SMALL).distances(query, gallery)
    assert distances.dtype == np.float64
    assert np.allclose(distances, expected)
