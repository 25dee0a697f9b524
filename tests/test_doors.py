"""Doors: each room names what others need; inside, modules import each other past the doors.

A door that is loaded by halves would hide from the digest of a cell what the cell's code is.
"""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
ROOMS = ("datasets", "methods", "benchmark", "reports")
DOORS = ("crossres", *(f"crossres.{room}" for room in ROOMS))

LISTS_AND_EVALUATES = """
import sys
from crossres import benchmark
benchmark.load_table("table2"), benchmark.load_profile("paper")
benchmark.evaluate([[0.0]], [[0.0]], [1], [1], [1], [2])
print([name for name in ("torch", "rich", "pandas", "matplotlib") if name in sys.modules])
"""


@pytest.mark.parametrize("name", DOORS)
def test_every_name_of_a_door_is_there(name: str) -> None:
    door = importlib.import_module(name)
    assert len(door.__all__) > 5
    assert sorted(dir(door)) == sorted(set(door.__all__) - {"main"})
    for public in door.__all__:
        assert getattr(door, public) is not None
    with pytest.raises(AttributeError):
        _ = door.nothing


@pytest.mark.parametrize("room", ROOMS)
def test_no_module_of_a_room_imports_through_a_door(room: str) -> None:
    through = {
        f"{path.relative_to(REPOSITORY)}: {node.module}: {alias.name}"
        for path in (REPOSITORY / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module in DOORS
        for alias in node.names
        if alias.name in importlib.import_module(node.module).__all__
    }
    assert through == set()


def test_what_needs_no_torch_does_not_load_it() -> None:
    process = subprocess.run(
        [sys.executable, "-c", LISTS_AND_EVALUATES], capture_output=True, text=True, check=True
    )
    assert "torch" not in process.stdout
    assert "rich" not in process.stdout
