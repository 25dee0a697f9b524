"""The pytest fixture `assert_no_regression`, for the test suites of methods' authors.

pytest finds it where crossres is installed; it costs nothing until a test asks for it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def assert_no_regression() -> Callable[..., None]:
    """Return assert_no_regression(results, baseline, tables=None, **limits): the gate, asserted.

    `results` is a results folder, `baseline` a file of `crossres baseline`; `tables` are names or
    paths of the tables that name the rows; `limits` are the fields of `crossres.Limits`. The
    failure lists what was found, or what could not have been; InputError when nothing can be
    compared.
    """

    def check(
        results: str | Path,
        baseline: str | Path,
        tables: list[str] | None = None,
        **limits: Any,
    ) -> None:
        __tracebackhide__ = True
        from crossres.benchmark import load_table
        from crossres.benchmark.gate.folders import check_folder
        from crossres.benchmark.gate.limits import Limits

        loaded = None if tables is None else [load_table(name) for name in tables]
        gate = check_folder(Path(results), Path(baseline), loaded, Limits(**limits))
        if not gate.check.passed:
            lines = [f"{finding.kind}: {finding.text}" for finding in gate.check.findings]
            lines = lines or [f"blind: {blind.text}" for blind in gate.check.blind]
            pytest.fail("\n  ".join([f"crossres {gate.verdict}", *lines]), pytrace=False)

    return check
