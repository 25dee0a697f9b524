"""Arrays to write into again and again: new memory costs as much time as what is written there."""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

_kept = threading.local()


def buffer(use: str, *shape: int) -> NDArray[np.float32]:
    """Return an array to write into; the thread's last one for this use is gone then."""
    size = math.prod(shape)
    numbers = getattr(_kept, use, np.empty(0, np.float32))
    if numbers.size < size:
        numbers = np.empty(size, np.float32)
        setattr(_kept, use, numbers)
    return np.asarray(numbers[:size].reshape(shape))


@contextmanager
def kept() -> Iterator[None]:
    """Keep arrays of one evaluation in this thread, apart from those of one that calls it."""
    outer = dict(_kept.__dict__)
    _kept.__dict__.clear()
    try:
        yield
    finally:
        _kept.__dict__.clear()
        _kept.__dict__.update(outer)
