"""What holds for all tests: in CI a missing tool is a failure, elsewhere its tests are skipped."""

import os
import shutil

import pytest

TOOLS = ("chromium", "pdflatex", "pdftoppm")


def pytest_configure() -> None:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing and os.environ.get("CI"):
        raise pytest.UsageError(f"not found: {', '.join(missing)}; `nox -s tests` installs them")
