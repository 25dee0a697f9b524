"""Options: defaults, profile, table row, in this order; one clear line for anything else."""

import json
from dataclasses import dataclass, field
from typing import Literal

import pytest

from crossres.datasets import InputError
from crossres.methods import Profile
from crossres.methods.interface.options import LATER, options_as_json, resolve
from crossres.methods.interface.registry import resolve_options
from crossres.methods.msifla import Msifla

PROFILE = Profile("p", 32, 16, methods={"msifla": {"ir_widths": [8, 16], "reid_lr": 1e-3}})


def test_later_sources_win_and_lists_become_tuples() -> None:
    options = Msifla(PROFILE, reid_lr=2e-3, scales=[1]).options
    assert (options.ir_widths, options.reid_lr, options.scales) == ((8, 16), 2e-3, (1,))
    assert options.ir_lr == 3e-3


def test_the_papers_numbers_are_the_defaults() -> None:
    o = Msifla(Profile("p", 256, 128)).options
    assert (o.scales, o.reid, o.parts, o.margin) == ((3, 2, 1), "per-scale", 4, 0.5)
    assert (o.ir_lr, o.reid_lr, o.lr_drop_at, o.lr_drop) == (3e-3, 3e-4, 0.5, 0.1)


def test_resolved_options_are_json_and_resolve_to_themselves() -> None:
    values = resolve_options("msifla", PROFILE, {"scales": (2, 1)})
    resolved = resolve_options("msifla", PROFILE, json.loads(json.dumps(values)))
    assert resolved == values
    assert values["scales"] == [2, 1]
    assert values["ir_widths"] == [8, 16]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": [1]}, "no option 'scale' (did you mean 'scales'?); its options are parts, "),
        ({"scales": [5]}, "different rates out of 4, 3, 2, 1"),
        ({"scales": [2, 2]}, "different rates out of 4, 3, 2, 1"),
        ({"scales": []}, "rates out of 4, 3, 2, 1"),
        ({"scales": 1}, "scales must be a list, not 1"),
        ({"scales": [1.0]}, "scales must be an integer, not 1.0"),
        ({"reid": "both"}, "reid must be one of 'per-scale', 'shared', not 'both'"),
        ({"margin": "0.5"}, "margin must be a finite number, not '0.5'"),
        ({"margin": -1}, "margin and decay must not be negative"),
        ({"flip": 2}, "flip must lie between 0 and 1"),
        ({"ir_detach": 1}, "ir_detach must be true or false, not 1"),
        ({"parts": True}, "parts must be an integer, not True"),
        ({"ir_widths": [8]}, "two numbers of channels"),
        ({"ir_lr": 0}, "ir_lr must be positive"),
    ],
)
def test_wrong_options_are_refused_in_one_line(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match="method msifla") as caught:
        Msifla(PROFILE, **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_profiles_wrong_option_is_refused_too() -> None:
    profile = Profile("p", 32, 16, methods={"plain": {"ir_lr": 1.0}})
    with pytest.raises(InputError, match="plain has no option 'ir_lr'"):
        resolve_options("plain", profile, {})


@dataclass(frozen=True)
class _Options:
    limit: int | None = None
    kind: Literal["a", "b"] = "a"


def test_optional_values_may_be_none() -> None:
    assert resolve("m", _Options, {"limit": 3}, {"limit": None}).limit is None
    assert options_as_json(resolve("m", _Options, {"limit": 4})) == {"limit": 4, "kind": "a"}
    with pytest.raises(InputError, match="limit must be an integer"):
        resolve("m", _Options, {"limit": "many"})


@dataclass(frozen=True)
class _Grown:
    first: int = 1
    second: tuple[int, ...] = field(default=(), metadata=LATER)


def test_an_option_that_came_later_stands_in_json_only_where_it_is_set() -> None:
    assert options_as_json(_Grown()) == {"first": 1}
    assert options_as_json(_Grown(second=(2,))) == {"first": 1, "second": [2]}
