"""Three rows on two data sets with four seeds, of tests with 500 identities."""

import pytest

from crossres.benchmark import Record
from tests.benchmark.gate.cases import SETS, TABLE, Make, of_identities


@pytest.fixture
def make(make: Make) -> Make:
    """Records of tests with 500 identities."""
    return lambda *arguments, **more: of_identities(make(*arguments, **more), 500)


@pytest.fixture
def grid(make: Make) -> list[Record]:
    """Three rows on two data sets with four seeds, each value 0.5, of 500 identities."""
    return [
        make(0.5, row.method, name, seed)
        for row in TABLE.rows
        for name in SETS
        for seed in range(4)
    ]
