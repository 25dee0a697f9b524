"""What is measured, each in a process of its own.

What a process has done before decides how long some calls take in it, such as those that ask for
memory: so a subject starts from the same whether it is measured alone or with all others.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from crossres.datasets.base.errors import InputError
from tools.performance import evaluator, growth, pixels, training
from tools.performance.figures import Figure
from tools.performance.peers import one_thread_each

Measure = Callable[[], Iterator[Figure]]

SUBJECTS: dict[str, Measure] = {
    evaluator.SMALL: evaluator.small,
    evaluator.MARKET: evaluator.market,
    evaluator.WIDE: evaluator.wide,
    evaluator.RANDOM: evaluator.at_random,
    growth.GROWTH: growth.growth,
    pixels.RESAMPLING: pixels.resampling,
    pixels.STORE: pixels.stores,
    training.TRAINING: training.training,
}


def measure_apart(subject: str) -> list[Figure]:
    """Measure a subject in a new process. Raises Disagreement; InputError where that dies."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        try:
            return pool.submit(measure, subject).result()
        except BrokenProcessPool as error:
            raise InputError(
                f"{subject}: the process that measured it was ended, mostly for want of memory; "
                "free some, or measure the other subjects with --only"
            ) from error


def measure(subject: str) -> list[Figure]:
    """Measure a subject here, on one thread. Raises Disagreement."""
    with one_thread_each():
        return list(SUBJECTS[subject]())
