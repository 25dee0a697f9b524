"""Doors: each room names what others need; inside, modules import each other past the doors.

A door that is loaded by halves would hide from the digest of a cell what the cell's code is.
"""

import ast
import importlib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
ROOMS = ("datasets", "methods", "benchmark", "reports")
DOORS = ("crossres", *(f"crossres.{room}" for room in ROOMS))


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
