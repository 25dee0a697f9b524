"""Methods by name: ours and those of plug-ins, without loading torch."""

import subprocess
import sys

import pytest

from crossres.datasets import InputError
from crossres.methods.interface.registry import METHODS, method_class, method_names


def test_names_and_classes_of_the_registry() -> None:
    assert method_names()[: len(METHODS)] == list(METHODS)
    assert all(method_class(name).name == name for name in METHODS)
    with pytest.raises(
        InputError,
        match="unknown method 'msflia' \\(did you mean 'msifla'\\?\\); known are msifla, ",
    ):
        method_class("msflia")


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
    assert method_class("plain").name == "plain"
    with pytest.raises(InputError, match="'gone': cannot import no_such_module:Method"):
        method_class("gone")
    with pytest.raises(InputError, match=r"'wrong'.*is not a subclass of"):
        method_class("wrong")


def test_listing_methods_loads_no_torch() -> None:
    names = "import sys; from crossres.methods import method_names; method_names(); "
    code = names + "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
