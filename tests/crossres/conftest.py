"""The command line in a folder of the test, and one cache for all."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.command_line import Answered, called, started


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache, so that each twin is drawn once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def command(cache: Path, tmp_path: Path) -> Callable[..., Answered]:
    """command(*arguments): the command line, called in this process."""
    return partial(called, tmp_path, cache)


@pytest.fixture
def process(cache: Path, tmp_path: Path) -> Callable[..., Answered]:
    """process(*arguments): the command line, started as a process of its own."""
    return partial(started, tmp_path, cache)
