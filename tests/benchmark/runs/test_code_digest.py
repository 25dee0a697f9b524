"""The code digest: a changed comment changes nothing, a changed method or helper does."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crossres.benchmark.runs import code_digest as code_digests
from crossres.benchmark.runs.code_digest import (
    cell_code,
    code_digest,
    known_modules,
    learn_modules,
)
from crossres.datasets.base.errors import InputError
from crossres.methods.interface.method_files import Source, read_sources
from tests.methods.file_method import write_method

METHOD = '''
"""A method."""
import os
from codepack.shared import helper
from . import numbers

class Mine:
    """What it does."""
    def fit(self, train):
        """Learn."""
        return helper(train) + numbers.ONE  # the sum
'''
SHARED = '''
def helper(x):
    """Help."""
    from codepack import deep
    return deep.f(x)
'''
FILES = {
    "__init__.py": '"""A plug-in."""\n',
    "mine.py": METHOD,
    "shared.py": SHARED,
    "numbers.py": "ONE = 1\n",
    "deep.py": "def f(x):\n    return x * 2.0\n",
    "unused.py": "TWO = 2\n",
}
USED = ("mine", "shared", "numbers", "deep")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "codepack"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "codepack"]:
        del sys.modules[name]


def edit(package: Path, name: str, old: str, new: str) -> str:
    path = package / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return code_digest(["codepack.mine"])


def test_writing_it_differently_changes_nothing(package: Path) -> None:
    before = code_digest(["codepack.mine"])
    assert len(before) == 64
    assert before == edit(package, "mine.py", "# the sum", "# the sum of both")
    assert before == edit(package, "mine.py", '"""What it does."""', '"""What it is for."""')
    assert before == edit(package, "mine.py", '        """Learn."""\n', "")
    assert before == edit(package, "shared.py", "x):", "  x  ) :\n")
    assert before == edit(package, "mine.py", '"""A method."""\n', "")
    assert before == edit(package, "unused.py", "2", "3")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("mine.py", "+ numbers.ONE", "- numbers.ONE"),
        ("numbers.py", "1", "2"),
        ("numbers.py", "1", "1.0"),
        ("shared.py", "deep.f(x)", "deep.f(-x)"),
        ("deep.py", "2.0", "2.5"),
    ],
)
def test_any_other_change_does(package: Path, name: str, old: str, new: str) -> None:
    before = code_digest(["codepack.mine"])
    assert before != edit(package, name, old, new)
    assert before == edit(package, name, new, old)


def test_a_root_without_source_is_named() -> None:
    with pytest.raises(InputError, match="module nothing_like_it has no source file"):
        code_digest(["nothing_like_it"])


def test_a_method_does_not_hang_on_its_neighbours() -> None:
    plain, msifla = (cell_code(name, "pku") for name in ("plain", "msifla"))
    assert plain != msifla
    assert plain != cell_code("plain", "viper")


def test_no_module_is_imported_to_be_hashed(package: Path) -> None:
    for name in ("mine.py", "shared.py"):
        path = package / name
        path.write_text(path.read_text() + "\nraise RuntimeError('imported')\n")
    code_digest(["codepack.mine"])
    assert not any(name.startswith("codepack") for name in sys.modules)


def test_what_another_process_found_out_is_used_while_files_are_the_same(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forget() -> None:
        monkeypatch.setattr(code_digests, "_known", {})
        code_digests._read.cache_clear()

    forget()
    before = code_digest(["codepack.mine"])
    modules = known_modules()
    assert {name for name, _ in modules} == {"codepack", *(f"codepack.{n}" for n in USED)}
    forget()
    learn_modules(modules)
    parsed: list[str] = []
    monkeypatch.setattr(code_digests, "_parsed", counting(parsed, code_digests._parsed))
    assert code_digest(["codepack.mine"]) == before
    assert parsed == []
    assert edit(package, "deep.py", "2.0", "2.5") != before
    assert parsed == ["codepack.deep"]


def counting(
    names: list[str], parse: Callable[..., tuple[str, tuple[str, ...]]]
) -> Callable[..., tuple[str, tuple[str, ...]]]:
    def counted(name: str, source: Source) -> tuple[str, tuple[str, ...]]:
        names.append(name)
        return parse(name, source)

    return counted


def code_of_file(folder: Path) -> str:
    sources = read_sources("colours.py:Colours", folder).sources
    return code_digest(["crossres.datasets.base.errors"], None, sources)


@pytest.mark.parametrize(
    ("file", "old", "new", "same"),
    [
        ("colours.py", "# of it", "# of all of it", True),
        ("stripes.py", '"""Stripes of images."""', '"""Means of stripes."""', True),
        ("colours.py", "bins: int = 2", "bins: int = 3", False),
        ("stripes.py", "axis=1)\n    return", "axis=2)\n    return", False),
        ("parts/scale.py", "255.0", "256.0", False),
    ],
)
def test_the_code_of_a_method_in_a_file_is_the_file_and_what_it_imports_from_beside_it(
    file: str, old: str, new: str, same: bool, tmp_path: Path
) -> None:
    path = write_method(tmp_path / "here")
    path.write_text(path.read_text() + "# of it\n")
    before = code_of_file(path.parent)
    changed = path.parent / file
    text = changed.read_text()
    assert old in text
    changed.write_text(text.replace(old, new))
    assert (code_of_file(path.parent) == before) is same
    changed.write_text(text)
    path.parent.rename(tmp_path / "there")
    assert code_of_file(tmp_path / "there") == before


@pytest.mark.parametrize(
    ("how", "counts"),
    [
        ("from crossres import TorchMethod", True),
        ("import crossres", True),
        ("from crossres import Method", False),
        ("from crossres.methods.shared import torch_method", True),
    ],
)
def test_what_comes_through_a_door_is_code_of_the_method(
    how: str, counts: bool, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a change of our loop would leave the results of a user's method as they are."""
    name = "crossres.methods.shared.torch_method"
    text = (package / "mine.py").read_text()
    (package / "mine.py").write_text(f"{how}\n{text}")
    monkeypatch.setattr(code_digests, "_known", {})
    code_digests._read.cache_clear()
    code_digest(["codepack.mine"])
    assert (name in {module for module, _ in known_modules()}) is counts
