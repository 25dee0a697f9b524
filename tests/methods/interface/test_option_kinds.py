"""What options set: each option of each method has one kind."""

from collections import Counter
from dataclasses import dataclass, fields
from typing import Any, ClassVar, get_args

import pytest

from crossres.methods.interface.option_kinds import CHANGING, NAMES, OptionKind, kind_of
from crossres.methods.interface.registry import METHODS, method_class
from tests.methods.mean_method import Mean


def options_of(name: str) -> set[str]:
    return {field.name for field in fields(method_class(name).Options)}


@pytest.mark.parametrize("name", METHODS)
def test_each_option_of_a_method_is_classed(name: str) -> None:
    classed = {option for names in NAMES.values() for option in names}
    assert options_of(name) <= classed


def test_each_entry_is_an_option_and_stands_once_in_order() -> None:
    entries = [option for names in NAMES.values() for option in names]
    assert [option for option, times in Counter(entries).items() if times > 1] == []
    assert set(entries) <= set.union(*map(options_of, METHODS))
    assert all(names == sorted(names) for names in NAMES.values())


def test_kinds_are_those_that_reports_know() -> None:
    assert {*NAMES, "options"} == set(get_args(OptionKind))
    assert {*CHANGING, "size", "schedule"} == set(get_args(OptionKind))


@dataclass(frozen=True)
class PluginOptions:
    margin: float = 0.3
    bins: int = 8
    stripes: int = 6


class Plugin(Mean):
    Options: ClassVar[type] = PluginOptions
    small_options: ClassVar[dict[str, Any]] = {"bins": 2}


def test_options_of_a_plug_in_change_it_unless_they_make_it_small() -> None:
    kinds = {field.name: kind_of(Plugin, field.name) for field in fields(PluginOptions)}
    assert kinds == {"margin": "losses", "bins": "size", "stripes": "options"}
