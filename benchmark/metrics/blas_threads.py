"""One thread for each matrix product: several at once are quicker than one on several threads."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController


@dataclass
class _Users:
    """How many evaluations run in this process, and the limit that all of them share."""

    count: int = 0
    limit: Any = None  # what puts the number back


_lock, _users = threading.Lock(), _Users()


@lru_cache(maxsize=1)
def _libraries(modules: int) -> ThreadpoolController:
    """Look for the libraries of this process, which takes longer than to measure a few queries.

    Another one comes with a module, so that they need not be looked for while `modules`, the number
    of those that are loaded, stays the same.
    """
    del modules
    return ThreadpoolController()


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Limit BLAS to one thread meanwhile.

    The number is the process's: the last of several evaluations at once puts it back as it was.
    """
    with _lock:
        if not _users.count:
            _users.limit = _libraries(len(sys.modules)).limit(limits=1, user_api="blas")
        _users.count += 1
    try:
        yield
    finally:
        with _lock:
            _users.count -= 1
            if not _users.count and _users.limit is not None:
                _users.limit.restore_original_limits()
