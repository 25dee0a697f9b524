"""Collecting garbage rarely while many small objects are made that all stay."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

RARELY = 100_000  # objects more than before, from one look for garbage to the next


@contextmanager
def few_collections() -> Iterator[None]:
    """Look for garbage rarely inside: thousands of records are looked through again each time."""
    first, *others = gc.get_threshold()
    if not first:  # nobody looks for garbage at all
        yield
        return
    gc.set_threshold(max(first, RARELY), *others)
    try:
        yield
    finally:
        gc.set_threshold(first, *others)
