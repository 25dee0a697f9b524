"""Functions take turns, backwards every second round, and the quickest call counts."""

import gc
from collections.abc import Callable

import pytest

from tools.performance.timing import LEAST_ROUNDS, MOST_ROUNDS, quickest_ratio, spread, take_turns


class Clock:
    """A clock that only moves when a function says how long it takes."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls = ""

    def __call__(self) -> float:
        return self.now

    def function(self, name: str, *seconds: float) -> Callable[[], None]:
        """Return a function that takes these seconds in turn, the last ones for ever."""
        left = list(seconds)

        def call() -> None:
            assert not gc.isenabled()
            self.calls += name
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return call


def test_functions_take_turns_and_keep_their_own_times() -> None:
    clock = Clock()
    functions = {"a": clock.function("a", 3.0, 1.0), "b": clock.function("b", 2.0)}
    times = take_turns(functions, 15.0, clock)
    assert clock.calls == "abba" * 2
    assert times == {"a": (3.0, 1.0, 1.0, 1.0), "b": (2.0,) * 4}
    assert gc.isenabled()


@pytest.mark.parametrize(("seconds", "rounds"), [(0.0, LEAST_ROUNDS), (1e9, MOST_ROUNDS)])
def test_the_number_of_rounds_has_bounds(seconds: float, rounds: int) -> None:
    clock = Clock()
    assert len(take_turns({"a": clock.function("a", 1.0)}, seconds, clock)["a"]) == rounds


def test_the_quickest_call_of_each_counts() -> None:
    assert quickest_ratio((9.0, 3.0, 4.0), (2.0, 7.0, 5.0)) == 1.5


def test_spread_is_that_of_the_rounds_own_ratios() -> None:
    assert spread((2.0, 4.0, 6.0), (1.0, 2.0, 3.0)) == 0.0  # disturbed alike
    assert spread((8.0, 9.0, 10.0, 11.0, 12.0), (1.0,) * 5) == pytest.approx(0.2)


def test_a_function_that_does_twice_as_much_takes_twice_as_long() -> None:
    """With the real clock: the bounds are far from 1, and from each other, for a busy machine."""
    work = [float(number) for number in range(20_000)]
    functions = {"once": lambda: sorted(work), "twice": lambda: (sorted(work), sorted(work))}
    times = take_turns(functions, 0.2)
    assert 1.4 < quickest_ratio(times["twice"], times["once"]) < 2.8
