"""Locks of open files, which the system frees when their process ends, however it does.

Where there are none (Windows, some file systems), nobody can tell whether another one has a file.
"""

import os
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

THERE_ARE = fcntl is not None


def share(file: int) -> None:
    """Share the lock of an open file with all who do, as soon as nobody has it alone."""
    with suppress(OSError):  # a file system without locks
        fcntl.flock(file, fcntl.LOCK_SH)


def take_alone(file: int) -> bool | None:
    """Take the lock of an open file alone, unless others have it; None where there are no locks."""
    if not THERE_ARE:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def is_at(path: Path, file: int) -> bool:
    """Say whether what was opened still has this path, which by now may be that of another."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except OSError:
        return False
