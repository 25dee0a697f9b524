"""Mappings become dataclasses, or one line says what is wrong with which entry."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from crossres.datasets import InputError
from crossres.datasets.base.build import build, checked


@dataclass(frozen=True)
class Entry:
    name: str
    size: float = 1.0
    rates: tuple[int, ...] = ()
    kind: Literal["a", "b"] = "a"
    limit: int | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("size must not be negative")


def test_values_become_those_of_the_annotations() -> None:
    more = {"x": 1}
    entry = build(Entry, {"name": "n", "size": 2, "rates": [2, 3], "more": more}, "file")
    assert entry == Entry("n", 2.0, (2, 3), more=more)
    assert type(entry.size) is float
    assert entry.more is more


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ({}, "file: name is missing; add name = ... (text)"),
        ({"name": 1}, "file: name must be text, not 1"),
        (
            {"name": "n", "nam": 1},
            "file: unknown entry 'nam' (did you mean 'name'?)",
        ),
        ({"name": "n", "size": True}, "file: size must be a finite number, not True"),
        ({"name": "n", "size": float("nan")}, "file: size must be a finite number, not nan"),
        ({"name": "n", "size": -1}, "file: size must not be negative"),
        ({"name": "n", "rates": 2}, "file: rates must be a list, not 2"),
        ({"name": "n", "rates": [2.0]}, "file: rates must be an integer, not 2.0"),
        ({"name": "n", "kind": "c"}, "file: kind must be one of 'a', 'b', not 'c'"),
        ({"name": "n", "limit": "3"}, "file: limit must be an integer, not '3'"),
        ({"name": "n", "limit": 10**9}, "file: limit must be within ±10000000, not 1000000000"),
        ({"name": "n", "more": [1]}, "file: more must be a table, not [1]"),
        (3, "file must be a table, not 3"),
    ],
)
def test_each_mistake_is_one_line(content: Any, line: str) -> None:
    with pytest.raises(InputError) as caught:
        build(Entry, content, "file")
    assert str(caught.value).startswith(line)


def test_a_field_with_a_default_may_be_required() -> None:
    with pytest.raises(InputError, match="size is missing"):
        build(Entry, {"name": "n"}, "file", required=("size",))


def test_of_several_types_one_has_to_fit() -> None:
    hints = {"right": Literal["others"] | tuple[str, ...]}
    assert checked("file", {"right": "others"}, hints) == {"right": "others"}
    assert checked("file", {"right": ["a"]}, hints) == {"right": ("a",)}
    with pytest.raises(InputError, match="right must be a list, not 'some'"):
        checked("file", {"right": "some"}, hints)
