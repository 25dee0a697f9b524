"""Leases: which cells of a results folder a run is at work on, so that several runs share them.

running/<key>.lock is held, by the system's lock, by the driver of the cell, and running/<key>.json
beside it says who that is and how far the cell has come. The lock of a killed driver is free.
"""

import errno
import json
import logging
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from filelock import BaseFileLock, FileLock, Timeout

from crossres.datasets.base.files import cannot_write, make_folder

FOLDER = "running"
TELL_EVERY_SECONDS = 2.0
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lease:
    """A cell that a run is at work on: whose run it is, since when, and how far it has come.

    `started` in seconds since 1970, `expected` in seconds of the whole cell; `phase` is "" and
    `total` 0 before the first progress.
    """

    key: str
    title: str
    host: str
    pid: int
    started: float
    expected: float
    phase: str = ""
    done: int = 0
    total: int = 0


class Leases:
    """Those of one run. A context: none is held any more when it ends."""

    def __init__(self, results: Path) -> None:
        self._folder = results / FOLDER
        self._held: dict[str, BaseFileLock | None] = {}
        self._contents: dict[str, dict[str, Any]] = {}
        self._told_at: dict[str, float] = {}

    def take(self, key: str, title: str, expected: float) -> bool:
        """Take the lease of a cell, unless another run has it; say whether it is ours now.

        Where the file system has no locks, it always is, and a warning says so once. Raises
        InputError where the folder cannot be written.
        """
        make_folder(self._folder)
        lock = _lock(self._folder, key)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise cannot_write(self._folder, error) from error
            if None not in self._held.values():
                _log.warning(
                    "%s: this file system has no locks (%s); do not start a second run here",
                    self._folder,
                    error.strerror,
                )
            self._held[key] = None
        else:
            self._held[key] = lock
        about = {"title": title, "host": socket.gethostname(), "pid": os.getpid()}
        self._contents[key] = {"key": key, **about, "started": time.time(), "expected": expected}
        self._write(key)
        return True

    def tell(self, key: str, phase: str, done: int, total: int) -> None:
        """Note how far the cell has come; what follows within two seconds is left out."""
        if key in self._held and time.monotonic() - self._told_at[key] >= TELL_EVERY_SECONDS:
            self._contents[key] |= {"phase": phase, "done": done, "total": total}
            self._write(key)

    def give_back(self, key: str) -> None:
        """End the lease of a cell."""
        lock = self._held.pop(key)
        _description(self._folder, key).unlink(missing_ok=True)
        if lock is not None:
            Path(lock.lock_file).unlink(missing_ok=True)  # whoever waits for it tries anew
            lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for key in list(self._held):
            self.give_back(key)
        with suppress(OSError):  # another run is at work, or never was anybody
            self._folder.rmdir()

    def _write(self, key: str) -> None:
        """Write what is known; not safe from a crash, as nobody needs it after one."""
        text = json.dumps(self._contents[key])
        with suppress(OSError):  # it only informs people
            _description(self._folder, key).write_text(text, encoding="utf-8")
        self._told_at[key] = time.monotonic()


def running_cells(results: Path) -> list[Lease]:
    """Return the leases that some run holds now, by key."""
    keys = sorted(path.stem for path in (results / FOLDER).glob("*.lock"))
    return [_lease(results, key) for key in keys if _is_held(results / FOLDER, key)]


def remove_left_over(results: Path) -> list[str]:
    """Remove the files of runs that were killed; return the keys of their cells."""
    folder = results / FOLDER
    left = sorted({path.stem for name in ("*.lock", "*.json") for path in folder.glob(name)})
    removed = []
    for key in left:
        with suppress(Timeout, OSError), _lock(folder, key).acquire(timeout=0) as lock:
            _description(folder, key).unlink(missing_ok=True)
            Path(lock.lock_file).unlink(missing_ok=True)
            removed.append(key)
    with suppress(OSError):
        folder.rmdir()
    return removed


def _lock(folder: Path, key: str) -> BaseFileLock:
    return FileLock(folder / f"{key}.lock")


def _description(folder: Path, key: str) -> Path:
    return folder / f"{key}.json"


def _is_held(folder: Path, key: str) -> bool:
    """Say whether a run holds the lease; without one, what is left over stays as it is."""
    try:
        with _lock(folder, key).acquire(timeout=0) as lock:
            if not _description(folder, key).exists():  # it has ended just now
                Path(lock.lock_file).unlink(missing_ok=True)
            return False
    except Timeout:
        return True
    except OSError:
        return False


def _lease(results: Path, key: str) -> Lease:
    """Return what the description says, as far as it can be read: it may be just being written."""
    content: Mapping[str, Any] = {}
    with suppress(OSError, ValueError):
        content = json.loads(_description(results / FOLDER, key).read_text(encoding="utf-8"))
    usual = {"title": key, "host": "", "pid": 0, "started": time.time(), "expected": 0.0}
    fields = {name: content[name] for name in Lease.__dataclass_fields__ if name in content}
    return Lease(**{**usual, **fields, "key": key})
