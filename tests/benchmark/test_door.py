"""The room's door: every name is there, and listing or evaluating never loads torch."""

import subprocess
import sys

from crossres import benchmark

SCRIPT = """
import sys
from crossres import benchmark
benchmark.load_table("table2"), benchmark.load_profile("paper")
benchmark.evaluate([[0.0]], [[0.0]], [1], [1], [1], [2])
print([name for name in ("torch", "rich", "pandas", "matplotlib") if name in sys.modules])
"""


def test_every_name_of_the_door_is_there() -> None:
    assert all(getattr(benchmark, name) is not None for name in benchmark.__all__)


def test_what_needs_no_torch_does_not_load_it() -> None:
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert "torch" not in found.stdout
    assert "rich" not in found.stdout
