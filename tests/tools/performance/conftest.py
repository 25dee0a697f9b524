"""Figures that were measured nowhere, and times that a test states."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tools.performance.figures import Figures, Growth, Ratio

MACHINE = {"cpu": "A CPU", "numpy": "2.4.6", "caches": {"L1 data": "48K"}}


@pytest.fixture
def ratio() -> Ratio:
    """Ours takes twice as long."""
    return Ratio("evaluator, small", "measure", "product", 2.0, 0.2, 0.1, 9, 0.02)


@pytest.fixture
def growth() -> Growth:
    """Memory that does not grow."""
    return Growth("growing", "memory", "MiB", (100, 200), (5.0, 5.0), 0.0)


@pytest.fixture
def committed(ratio: Ratio, growth: Growth) -> Figures:
    """Both of them, of one machine."""
    return Figures(MACHINE, (ratio, growth), {})


@pytest.fixture
def now(ratio: Ratio, growth: Growth) -> Callable[..., Figures]:
    """now(ratio=..., exponent=..., missing=...): the figures of a later run."""
    first, second = ratio, growth

    def figures(
        ratio: float = 2.0, exponent: float = 0.0, missing: dict[str, str] | None = None
    ) -> Figures:
        changed = (replace(first, ratio=ratio), replace(second, exponent=exponent))
        return Figures(MACHINE, changed, missing or {})

    return figures
