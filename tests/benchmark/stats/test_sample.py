"""Queries of one identity are one draw."""

import numpy as np
import pytest

from tests.benchmark.stats.cases import sample


def test_queries_of_one_identity_are_one_draw() -> None:
    rng = np.random.default_rng(2)
    of_identity = rng.integers(0, 2, 60).astype(float)
    once, four = (
        sample({0: of_identity}),
        sample({0: np.repeat(of_identity, 4)}, np.repeat(range(60), 4)),
    )
    spread = [s.queries["a", 0].square for s in (once, four)]
    assert spread[0] == pytest.approx(spread[1])
    assert spread[0] == pytest.approx(of_identity.var() / 60)
