"""What tasks still take, by what their like took."""

import pytest

from crossres.benchmark.runs.time_left import corrected, wall_left

EXPECTED = {"a1": 10.0, "a2": 10.0, "b1": 20.0, "c1": 40.0}
GROUPS = {key: key[0] for key in EXPECTED}


@pytest.mark.parametrize(
    ("measured", "seconds"),
    [
        ({}, EXPECTED),
        ({"a1": 30.0}, {"a1": 30.0, "a2": 30.0, "b1": 60.0, "c1": 120.0}),
        ({"a1": 4.0, "a2": 8.0}, {"a1": 6.0, "a2": 6.0, "b1": 12.0, "c1": 24.0}),
        ({"a1": 20.0, "b1": 10.0}, {"a1": 20.0, "a2": 20.0, "b1": 10.0, "c1": 40.0}),
    ],
)
def test_a_group_goes_by_its_own_and_the_rest_by_all(
    measured: dict[str, float], seconds: dict[str, float]
) -> None:
    assert corrected(EXPECTED, measured, GROUPS) == pytest.approx(seconds)


def test_what_was_expected_to_take_nothing_corrects_nothing() -> None:
    assert corrected({"a": 0.0, "b": 5.0}, {"a": 1.0}, {"a": 1, "b": 2}) == {"a": 1.0, "b": 5.0}


def test_the_longest_task_is_waited_for_whatever_the_workers() -> None:
    assert wall_left([10.0, 10.0, 10.0], 2) == 15.0
    assert wall_left([30.0, 2.0], 8) == 30.0
    assert wall_left([], 3) == 0.0
