"""Folders that one process at a time works on, and that are removed when nobody has for a week."""

import logging
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from crossres.datasets.base.files import cannot_write, make_folder

_POLL_SECONDS = 0.2
_OLD_SECONDS = 7 * 24 * 3600.0

_log = logging.getLogger(__name__)


@contextmanager
def locked(folder: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a folder, which need not exist; call `waiting` while another holds it.

    The lock is the system's: that of a process which was killed is free. Raises InputError when
    the lock file cannot be written.
    """
    make_folder(folder.parent)
    lock = _lock(folder)
    try:
        _acquire(lock, folder, waiting)
    except OSError as error:
        raise cannot_write(Path(lock.lock_file), error) from error
    try:
        yield
    finally:
        if not folder.exists():
            Path(lock.lock_file).unlink(missing_ok=True)  # whoever waits for it tries anew
        lock.release()


def _lock(folder: Path) -> FileLock:
    return FileLock(folder.with_name(f"{folder.name}.lock"))


def _acquire(lock: FileLock, folder: Path, waiting: Callable[[], None]) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _log.warning("%s: another process is at work here; waiting for it", folder)
        while not lock.is_locked:
            waiting()
            with suppress(Timeout):
                lock.acquire(timeout=_POLL_SECONDS)


@contextmanager
def locked_if_free(folder: Path) -> Iterator[bool]:
    """Hold the lock of a folder unless another process does; yield whether it is held now.

    Raises OSError where the lock file cannot be written.
    """
    lock = _lock(folder)
    Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        if not folder.exists():
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def is_locked(folder: Path) -> bool:
    """Say whether a process holds the lock of a folder; nothing is written."""
    lock = _lock(folder)
    if not Path(lock.lock_file).exists():
        return False
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:  # it is another user's, or the cache is only read
        return False
    lock.release()
    return False


def remove_old(folders: Iterable[Path]) -> None:
    """Remove folders in which no file was made for a week, unless somebody holds their lock."""
    for folder in folders:
        with suppress(OSError):  # another process removes it, or it is not ours to remove
            if _is_old(folder):
                with locked_if_free(folder) as free:
                    if free and _is_old(folder):
                        shutil.rmtree(folder, ignore_errors=True)


def remove_needless(workplaces: Path, made: Path) -> None:
    """Remove those folders, and locks, of which `made` holds the outcome, or that have no folder.

    They are of processes that were killed as they tidied up. What somebody works on stays.
    """
    paths = sorted(workplaces.iterdir()) if workplaces.is_dir() else []
    for name in dict.fromkeys(path.name.removesuffix(".lock") for path in paths):
        folder = workplaces / name
        if (made / name).exists() or not folder.exists():
            with suppress(OSError), locked_if_free(folder) as free:
                if free:
                    shutil.rmtree(folder, ignore_errors=True)


def _is_old(folder: Path) -> bool:
    return folder.is_dir() and time.time() - folder.stat().st_mtime > _OLD_SECONDS
