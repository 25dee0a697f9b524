"""How time and memory of an evaluation grow with the gallery."""

import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial

from crossres.benchmark.metrics.rules import Rules
from tools.performance.evaluator import APART, MULTI, SINGLE, measured
from tools.performance.figures import Growth, growth_of
from tools.performance.made_features import made_features
from tools.performance.timing import take_turns

SIZES = (20_000, 40_000, 80_000, 160_000)
QUERIES, WIDTH, IMAGES = 200, 64, 10  # images of a person in the gallery
GROWTH = "evaluator, growing gallery"
SECONDS = 16.0


def growth() -> Iterator[Growth]:
    """Yield the exponents of CPU seconds, then those of the memory beyond the features."""
    rules = {MULTI: Rules(), SINGLE: Rules("single-shot")}
    gallery = {size: made_features(QUERIES, size, WIDTH, size // IMAGES, APART) for size in SIZES}
    for name, some in rules.items():
        functions = {str(size): partial(measured, made, some) for size, made in gallery.items()}
        for function in functions.values():
            function()
        times = take_turns(functions, SECONDS / len(rules))
        seconds = [min(times[str(size)]) for size in SIZES]
        yield growth_of(GROWTH, f"seconds of {name}", "s", SIZES, seconds)
    for name, some in rules.items():
        peaks = [_peak(partial(measured, made, some)) / 2**20 for made in gallery.values()]
        yield growth_of(GROWTH, f"memory of {name}", "MiB", SIZES, peaks)


def _peak(function: Callable[[], object]) -> int:
    """Return the most bytes that a call held at once beyond what was there before."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
