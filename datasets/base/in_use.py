"""Marks in a cache: what is there by a name for people, when it was last opened, who has it open.

The mark of `cache`/KIND/NAME is the file `cache`/used/KIND/NAME: its time is that of the last
opening, and each process that opened the thing holds a shared lock of it until that process ends.
So nothing is written into the thing itself, whose digests and times others compare.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossres.datasets.base import locks

USED = "used"
MOST_HELD = 256  # of one process: it may not open as many files as it likes
MOST_BYTES = 10_000
_held: dict[Path, int] = {}  # the marks of this process, the oldest first


@dataclass(frozen=True)
class Mark:
    """When a thing was last opened, in seconds since 1970, and what people call it."""

    last_used: float
    title: Mapping[str, Any] = field(default_factory=dict)


def mark_used(cache: Path, kind: str, name: str, title: Mapping[str, Any]) -> None:
    """Mark a thing of the cache as opened now; call it before looking whether it is there.

    In a cache that is only read nothing is marked.
    """
    path = _path(cache, kind, name)
    content = json.dumps(title, sort_keys=True).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not locks.THERE_ARE:  # Windows itself refuses to remove a file that is open
            path.write_bytes(content)
            return
        if path not in _held or not locks.is_at(path, _held[path]):
            _hold(path)
        _write(_held[path], content)
    except OSError:
        return


@contextmanager
def marked_while_made(
    cache: Path, kind: str, name: str, title: Mapping[str, Any]
) -> Iterator[None]:
    """Mark a thing that the block makes; where it fails, nothing is left of the mark."""
    mark_used(cache, kind, name, title)
    try:
        yield
    except BaseException:
        path = _path(cache, kind, name)
        _release(path)
        path.unlink(missing_ok=True)
        for folder in path.parents[:2]:
            with suppress(OSError):  # other marks are there
                folder.rmdir()
        raise


def mark_of(cache: Path, kind: str, name: str) -> Mark | None:
    """Return the mark of a thing; None where it was never opened by a version that marks."""
    path = _path(cache, kind, name)
    try:
        time = path.stat().st_mtime
        title = json.loads(path.read_bytes()[:MOST_BYTES])
    except OSError:
        return None
    except ValueError:
        title = {}
    return Mark(time, title if isinstance(title, dict) else {})


def is_in_use(cache: Path, kind: str, name: str) -> bool:
    """Say whether a process that is still running has opened the thing."""
    try:
        file = os.open(_path(cache, kind, name), os.O_RDWR)
    except OSError:
        return False
    try:
        return locks.take_alone(file) is False
    finally:
        os.close(file)


@contextmanager
def to_be_removed(cache: Path, kind: str, name: str, *, forget: bool) -> Iterator[bool]:
    """Yield whether nobody has the thing open; where so, whoever wants to open it waits.

    With `forget` its mark goes, too, at the end of the block. Raises OSError where the cache cannot
    be written.
    """
    path = _path(cache, kind, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    forget = forget or not path.exists()
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        is_free = locks.take_alone(file) is not False
        yield is_free
        if is_free and forget:
            path.unlink(missing_ok=True)
    finally:
        os.close(file)


def _path(cache: Path, kind: str, name: str) -> Path:
    return cache / USED / kind / name


def _hold(path: Path) -> None:
    """Open the mark and share its lock with all that do; wait for who is removing the thing."""
    _release(path)
    while len(_held) >= MOST_HELD:
        _release(next(iter(_held)))
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        locks.share(file)
        if locks.is_at(path, file):
            _held[path] = file
            return
        os.close(file)  # the mark was removed together with the thing


def _release(path: Path) -> None:
    if path in _held:
        os.close(_held.pop(path))


def _write(file: int, content: bytes) -> None:
    """Write the content where it is another one; in either case the time is that of now."""
    os.lseek(file, 0, os.SEEK_SET)
    if os.read(file, MOST_BYTES) != content:
        os.ftruncate(file, 0)
        os.lseek(file, 0, os.SEEK_SET)
        os.write(file, content)
    os.utime(file)
