"""A bench for the tests of plans and of the driver."""

from pathlib import Path

import pytest

from tests.benchmark.runs.bench import Bench


@pytest.fixture
def bench(
    tmp_path: Path, pku_root: Path, table_path: Path, profile_path: Path, plugin: Path
) -> Bench:
    assert plugin.is_dir()
    return Bench(tmp_path, pku_root, table_path, profile_path)
