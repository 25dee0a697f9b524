"""Limits that make no sense are refused."""

from typing import Any

import pytest

from crossres.benchmark.gate.limits import Limits
from crossres.datasets import InputError


@pytest.mark.parametrize(
    "wrong",
    [{"metrics": ()}, {"metrics": ("map",)}, {"false_alarms": 0.0}, {"tolerance": 3.0},
     {"time": 0.0}, {"time": float("nan")}, {"memory": float("inf")}, {"must_find": 0.0},
     {"must_find": float("nan")}, {"must_find": 1.01}, {"tolerance": float("nan")},
     {"false_alarms": float("nan")}, {"exact": True, "other_seeds": True}],
)  # fmt: skip
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Limits(**wrong)
