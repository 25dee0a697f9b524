"""What several modules of tests of the evaluator share."""

import pytest

from crossres.benchmark.metrics import passes


@pytest.fixture(params=["numpy", "numba"])
def both_passes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is tested with it holds for passes in numpy and for compiled ones."""
    monkeypatch.setattr(passes, "WORTH_COMPILED", 0 if request.param == "numba" else 10**18)
