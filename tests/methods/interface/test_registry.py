"""Methods by name: ours and those of plug-ins, without loading torch."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crossres.datasets import InputError
from crossres.methods.interface.declaration import Declaration
from crossres.methods.interface.registry import (
    METHODS,
    declaration,
    is_method,
    method_class,
    method_module,
    method_names,
)


def test_names_and_classes_of_the_registry() -> None:
    assert method_names()[: len(METHODS)] == list(METHODS)
    assert all(method_class(name).name == name for name in METHODS)
    with pytest.raises(
        InputError,
        match="unknown method 'msflia' \\(did you mean 'msifla'\\?\\); known are msifla, ",
    ):
        method_class("msflia")


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_what_it_declares(name: str) -> None:
    declared, method = declaration(name), method_class(name)
    assert declared.name == name
    assert issubclass(method, declared)
    assert method_module(name) == method.__module__
    for variable in Declaration.__annotations__:
        assert getattr(method, variable) is getattr(declared, variable)


class _Point:
    def __init__(self, name: str, value: str) -> None:
        self.name, self.value = name, value


def test_plugins_are_found_by_entry_point_and_do_not_replace_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    points = [
        _Point("mine", "crossres.methods.plain:Plain"),
        _Point("plain", "crossres.methods.msifla:Msifla"),
        _Point("gone", "no_such_module:Method"),
        _Point("wrong", "crossres.methods.interface.options:resolve"),
    ]
    monkeypatch.setattr(
        "crossres.methods.interface.registry.entry_points",
        lambda group: points if "crossres" in group else [],
    )
    assert method_names() == [*METHODS, "gone", "mine", "wrong"]
    assert method_class("mine").name == "plain"
    assert declaration("mine") is method_class("mine")
    assert method_module("mine") == "crossres.methods.plain"
    assert method_class("plain").name == "plain"
    with pytest.raises(InputError, match="'gone': cannot import no_such_module:Method"):
        method_class("gone")
    with pytest.raises(InputError, match=r"'wrong'.*is not a subclass of"):
        method_class("wrong")


def test_a_plugin_that_comes_or_goes_while_we_run_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    assert not is_method("late")
    info = tmp_path / "late-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: late\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[crossres.methods]\nlate = no_such_module:Late\n")
    os.utime(tmp_path, ns=(1, 1))  # its clock may be too coarse to show that it has changed
    assert is_method("late")
    shutil.rmtree(info)
    os.utime(tmp_path, ns=(2, 2))
    assert not is_method("late")


def test_what_methods_declare_is_there_without_torch() -> None:
    code = (
        "import sys; from crossres.methods.interface.registry import METHODS, declaration; "
        "[declaration(name).Options() for name in METHODS]; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
