"""What holds for all tests: in CI a missing tool is a failure, elsewhere its tests are skipped.

A part of a report that cannot be drawn costs users no report, but is a failure of a test.
"""

import logging
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TOOLS = ("chromium", "pdflatex", "pdftoppm", "zsh", "fish")


# Some containers forbid it, where each process that a test starts would compile us anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

PARTS = logging.getLogger("crossres.reports.charts.parts")


class _Refuse(logging.Handler):
    """Raises what a part of a report raised, out of the guard that would hide it."""

    def emit(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if record.levelno >= logging.WARNING and error is not None:
            raise AssertionError(record.getMessage()) from error


REFUSE = _Refuse()


@pytest.fixture
def parts_may_fail() -> Iterator[None]:
    """For the tests of what a report says of a part that cannot be drawn."""
    PARTS.removeHandler(REFUSE)
    yield
    PARTS.addHandler(REFUSE)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared real data; without it the tests that want real images are skipped."""
    shared = os.environ.get("CROSSRES_SHARED")
    folder = Path(shared) if shared else Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}")
    return folder


def pytest_configure() -> None:
    PARTS.addHandler(REFUSE)
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing and os.environ.get("CI"):
        raise pytest.UsageError(f"not found: {', '.join(missing)}; `nox -s tests` installs them")
