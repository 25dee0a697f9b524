"""A bench for the tests of plans and of the driver."""

import operator
from pathlib import Path

import pytest

from crossres.benchmark.measures.kernels import kernel_variables
from crossres.benchmark.runs.engine import Task, local
from tests.benchmark.runs.bench import Bench


@pytest.fixture(scope="session")
def fork_server_of_cells() -> None:
    """Have the first task of this process, to whose variables its fork server keeps, be a cell's.

    For tests of tasks with other variables: if theirs came first, all cells of later tests would
    start from scratch, which takes seconds each.
    """
    list(local([Task("first", operator.is_, None, kernel_variables("portable"))], 1))


@pytest.fixture
def bench(
    tmp_path: Path, pku_root: Path, table_path: Path, profile_path: Path, plugin: Path
) -> Bench:
    assert plugin.is_dir()
    return Bench(tmp_path, pku_root, table_path, profile_path)
