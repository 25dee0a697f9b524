"""The files of our rooms: any change of one is noticed, and nothing else."""

import os
from pathlib import Path
from types import ModuleType

import pytest

from crossres.benchmark.runs import source_files
from crossres.benchmark.runs.source_files import state_of_files


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "room"
    (folder / "sub" / "__pycache__").mkdir(parents=True)
    (folder / "method.py").write_text("LAYERS = 3\n")
    (folder / "sub" / "options.toml").write_text("margin = 0.3\n")
    module = ModuleType("room")
    module.__path__ = [str(folder), str(tmp_path / "not there")]
    monkeypatch.setattr(source_files, "ROOMS", (module,))
    return folder


def test_every_module_of_a_cell_is_among_them() -> None:
    paths = {Path(path).as_posix() for path, _, _ in state_of_files()}
    for end in ("benchmark/runs/cell.py", "methods/msifla.py", "datasets/cards.toml"):
        assert any(path.endswith(end) for path in paths)


@pytest.mark.parametrize("name", ["method.py", "sub/options.toml"])
def test_a_changed_file_is_noticed(room: Path, name: str) -> None:
    before = state_of_files()
    path = room / name
    times = path.stat()
    path.write_text(path.read_text().replace("3", "4"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns + 1))
    assert state_of_files() != before


def test_a_file_more_or_less_is_noticed(room: Path) -> None:
    before = state_of_files()
    (room / "sub" / "more.py").touch()
    assert state_of_files() != before
    (room / "sub" / "more.py").unlink()
    assert state_of_files() == before


def test_what_python_compiles_does_not_count(room: Path) -> None:
    before = state_of_files()
    (room / "sub" / "__pycache__" / "more.pyc").touch()
    assert state_of_files() == before
