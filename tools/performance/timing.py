"""CPU time of functions that take turns, so that what disturbs one of them disturbs all."""

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import median, quantiles

Clock = Callable[[], float]
Times = tuple[float, ...]

LEAST_ROUNDS, MOST_ROUNDS = 3, 100


def take_turns(
    functions: Mapping[str, Callable[[], object]],
    seconds: float,
    clock: Clock = time.process_time,
) -> dict[str, Times]:
    """Return the seconds of each function in every round; all rounds take about `seconds`.

    CPU seconds of all threads by default. Every second round goes backwards. The functions have
    been called before: what only a first call costs is not measured.
    """
    times: dict[str, list[float]] = {name: [] for name in functions}
    with no_garbage_collected():
        start = clock()
        for done in range(MOST_ROUNDS):
            spent = clock() - start
            if done >= LEAST_ROUNDS and spent + spent / done > seconds:
                break
            for name in list(functions)[:: -1 if done % 2 else 1]:
                before = clock()
                functions[name]()
                times[name].append(clock() - before)
    return {name: tuple(some) for name, some in times.items()}


@contextmanager
def no_garbage_collected() -> Iterator[None]:
    """Collect garbage before, not inside, where it would cost whoever has his turn."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def quickest_ratio(ours: Sequence[float], peer: Sequence[float]) -> float:
    """Divide the quickest time by the peer's: whatever disturbs a call only makes it slower."""
    return min(ours) / min(peer)


def spread(ours: Sequence[float], peer: Sequence[float]) -> float:
    """Return how far the rounds disagree: between the quartiles of their ratios, over the median.

    ours, peer: seconds, round by round.
    """
    ratios = [a / b for a, b in zip(ours, peer, strict=True)]
    low, _, high = quantiles(ratios, n=4, method="inclusive")
    return (high - low) / median(ratios)
