"""One thread for each matrix product: several at once are quicker than one on several threads."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from threadpoolctl import threadpool_limits


@dataclass
class _Users:
    """How many evaluations run in this process, and the limit that all of them share."""

    count: int = 0
    limit: threadpool_limits | None = None


_lock, _users = threading.Lock(), _Users()


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Limit BLAS to one thread meanwhile.

    The number is the process's: the last of several evaluations at once puts it back as it was.
    """
    with _lock:
        if not _users.count:
            _users.limit = threadpool_limits(1, user_api="blas")
        _users.count += 1
    try:
        yield
    finally:
        with _lock:
            _users.count -= 1
            if not _users.count and _users.limit is not None:
                _users.limit.restore_original_limits()
