"""The schema as a compiled function, and as jsonschema reads it: one verdict on every record."""

import json
import math
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from crossres.benchmark.records import record as module
from crossres.benchmark.records.record import SCHEMA_PATH, record_content, record_fault
from tests.benchmark.records.test_record import make_record

SCHEMA = Draft202012Validator(json.loads(SCHEMA_PATH.read_text(encoding="utf-8")))
ENERGY = {"cpu": {"fit": 1.5}, "own_share": {"fit": 0.5}}
CONTENT = json.loads(json.dumps(record_content(replace(make_record(), energy=ENERGY))))
OTHERS = [
    *(None, True, False, 0, 1, -1, 2, 1.0, 1.5, -0.5, 10**30, math.inf, math.nan),
    *("", "x", "multi-shot", "0" * 64, "0" * 64 + "\n", "\ud800", [], {}, [0.5], {"x": 1}),
]


def places(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where each value stands, however deep."""
    yield path
    keys = {dict: list, list: lambda values: range(min(2, len(values)))}.get(type(content))
    for key in keys(content) if keys else ():
        yield from places(content[key], (*path, key))


PLACES = sorted(places(CONTENT), key=str)


def altered(path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    """Return the record with the entry at `path` changed."""
    around = content = deepcopy(CONTENT)
    for key in path[:-1]:
        around = around[key]
    change(around, path[-1])
    return content


def test_there_are_many_places() -> None:
    assert len(PLACES) > 80


@given(st.sampled_from([path for path in PLACES if path]), st.sampled_from(OTHERS))
def test_another_value_is_judged_alike(path: tuple[Any, ...], value: Any) -> None:
    content = altered(path, lambda around, key: around.__setitem__(key, value))
    assert module._is_plainly_sound(content) <= SCHEMA.is_valid(content)


@given(st.sampled_from([path for path in PLACES if path and isinstance(path[-1], str)]))
def test_an_entry_that_is_missing_or_has_another_name_is_judged_alike(
    path: tuple[Any, ...],
) -> None:
    for change in (
        lambda around, key: around.pop(key),
        lambda around, key: around.__setitem__(f"{key}x", around.pop(key)),
    ):
        content = altered(path, change)
        assert module._is_plainly_sound(content) == SCHEMA.is_valid(content)


def test_what_is_stricter_there_has_no_say() -> None:
    content = altered(("digests", "weights"), lambda d, key: d.__setitem__(key, "0" * 64 + "\n"))
    assert not module._is_plainly_sound(content)
    assert SCHEMA.is_valid(content)
    assert record_fault(content) is None


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (("schema",), True, "at schema: 1 was expected"),
        (
            ("cmc", "multi-shot", 0),
            33.3,
            "at cmc/multi-shot/0: 33.3 is greater than the maximum of 1",
        ),
        (("colour",), 1, "at the record: Additional properties are not allowed"),
        (("cell", "seed"), -1, "at cell/seed: -1 is less than the minimum of 0"),
        (("digests", "code"), "x", "at digests/code: 'x' does not match '^[0-9a-f]{64}$'"),
    ],
)
def test_people_are_told_where(path: tuple[Any, ...], value: Any, fault: str) -> None:
    content = altered(path, lambda around, key: around.__setitem__(key, value))
    assert (record_fault(content) or "").startswith(f"does not follow the record schema {fault}")


def test_sound_records_are_read_without_jsonschema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_schema_fault", None)
    assert record_fault(CONTENT) is None
