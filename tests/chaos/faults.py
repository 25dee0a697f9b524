"""File operations that fail: the n-th one in a folder, and if asked for all that follow.

It stands alone (no import of ours), because it is imported as Python starts: a process is asked for
a fault by the variable CROSSRES_FAULT. Only what Python's own files and `os` do is counted; a
library in C that writes by itself is not seen.
"""

# ruff: noqa: PTH109, PTH115, PTH118 - it stands in for what pathlib calls

import builtins
import contextlib
import errno
import io
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VARIABLE = "CROSSRES_FAULT"
ERRORS = ("ENOSPC", "EACCES", "EROFS", "EIO")
TORN, KILL = "torn", "kill"
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
ONE_PATH = ("mkdir", "unlink", "remove", "rmdir", "truncate")
TWO_PATHS = ("rename", "replace", "link", "symlink")


@dataclass(frozen=True)
class Fault:
    """What fails: operation `number` (from 1; 0 for none) in `folder`, and how.

    `what` is an error of ERRORS, TORN (half of what is written arrives, then the disk is full;
    another operation than a write finds it full) or KILL (the process dies before it). With
    `from_then_on` every later operation fails, too.
    """

    folder: str
    number: int
    what: str = "ENOSPC"
    from_then_on: bool = False

    def as_variable(self) -> dict[str, str]:
        """The environment that asks a process for this fault."""
        return {VARIABLE: json.dumps(vars(self))}


@dataclass(frozen=True)
class Operation:
    """One file operation: its name and the path that it changes."""

    name: str
    path: str


class Faults:
    """Counts the file operations in a folder, and makes those fail that a fault says."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.operations: list[Operation] = []
        self._folder = os.path.realpath(fault.folder)
        self._lock = threading.Lock()
        self._open = io.open

    @property
    def failed(self) -> Operation | None:
        """The first operation that was made to fail."""
        number = self.fault.number
        return self.operations[number - 1] if 0 < number <= len(self.operations) else None

    def before(self, name: str, path: Any, dir_fd: int | None = None) -> None:
        """Count an operation; raises OSError where it is to fail."""
        if self._fails(name, path, dir_fd):
            code = "ENOSPC" if self.fault.what == TORN else self.fault.what
            number = getattr(errno, code)
            raise OSError(number, os.strerror(number), str(path))

    def write(self, path: str, data: Any, write: Callable[[Any], int]) -> int:
        """Write, or fail to, having written half where that is asked for."""
        if not self._fails("write", path):
            return write(data)
        if self.fault.what == TORN:
            content = bytes(data)
            write(content[: len(content) // 2])
        number = errno.ENOSPC if self.fault.what == TORN else getattr(errno, self.fault.what)
        raise OSError(number, os.strerror(number))  # as of the system: without the path

    def _fails(self, name: str, path: Any, dir_fd: int | None = None) -> bool:
        place = _place(path, dir_fd)
        if not (place + os.sep).startswith(self._folder + os.sep):
            return False
        with self._lock:
            self.operations.append(Operation(name, place))
            count = len(self.operations)
        number = self.fault.number
        fails = count == number or (self.fault.from_then_on and 0 < number < count)
        if fails and self.fault.what == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        return fails

    def open(self, file: Any, mode: str = "r", buffering: int = -1, *text: Any, **more: Any) -> Any:
        """As `open`, with what is written counted."""
        if not set(mode) & set("wxa+") or more.get("opener") is not None:
            return self._open(file, mode, buffering, *text, **more)
        path = _place(file)
        if not isinstance(file, int):
            self.before("open", path)
        raw = _Counted(self, path, file, mode, closefd=more.pop("closefd", True))
        more.pop("opener", None)
        if buffering == 0:
            return raw
        buffer = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffer if "b" in mode else io.TextIOWrapper(buffer, *text, **more)


class _Counted(io.FileIO):
    def __init__(self, faults: Faults, path: str, file: Any, mode: str, closefd: bool) -> None:
        super().__init__(file, mode.replace("b", "").replace("t", ""), closefd)
        self._faults, self._path = faults, path

    def write(self, data: Any) -> int:
        return self._faults.write(self._path, data, super().write)

    def truncate(self, size: int | None = None) -> int:
        self._faults.before("truncate", self._path)
        return super().truncate(size)


@contextlib.contextmanager
def faulty(fault: Fault) -> Iterator[Faults]:
    """Have the fault in this process inside the block."""
    faults = Faults(fault)
    patched = _patched(faults)
    before = [(module, name, getattr(module, name)) for module, name, _ in patched]
    for module, name, function in patched:
        setattr(module, name, function)
    try:
        yield faults
    finally:
        for module, name, function in before:
            setattr(module, name, function)


def install_asked_for() -> None:
    """Have the fault in this process that its environment asks for, for good."""
    faults = Faults(Fault(**json.loads(os.environ[VARIABLE])))
    for module, name, function in _patched(faults):
        setattr(module, name, function)


def _patched(faults: Faults) -> list[tuple[Any, str, Any]]:
    opening: list[tuple[Any, str, Any]] = [
        (builtins, "open", faults.open),
        (io, "open", faults.open),
        (os, "open", _counting_open(faults, os.open)),
        (os, "fsync", _counting_fsync(faults, os.fsync)),
    ]
    one = [(os, name, _counting(faults, name, getattr(os, name))) for name in ONE_PATH]
    two = [(os, name, _counting_second(faults, name, getattr(os, name))) for name in TWO_PATHS]
    return [*opening, *one, *two]


def _counting(faults: Faults, name: str, function: Any) -> Any:
    def counted(path: Any, *arguments: Any, **more: Any) -> Any:
        faults.before(name, path, more.get("dir_fd"))
        return function(path, *arguments, **more)

    return counted


def _counting_second(faults: Faults, name: str, function: Any) -> Any:
    def counted(path: Any, target: Any, *arguments: Any, **more: Any) -> Any:
        faults.before(name, target)
        return function(path, target, *arguments, **more)

    return counted


def _counting_open(faults: Faults, function: Any) -> Any:
    def counted(path: Any, flags: int, *arguments: Any, **more: Any) -> Any:
        if flags & WRITING:
            faults.before("open", path, more.get("dir_fd"))
        return function(path, flags, *arguments, **more)

    return counted


def _counting_fsync(faults: Faults, function: Any) -> Any:
    def counted(file: Any) -> Any:
        faults.before("fsync", file if isinstance(file, int) else file.fileno())
        return function(file)

    return counted


def _place(path: Any, dir_fd: int | None = None) -> str:
    """Return the absolute path of a path, or of an open file."""
    if isinstance(path, int):
        try:
            return os.readlink(f"/proc/self/fd/{path}")
        except OSError:
            return ""
    text = os.fsdecode(path)
    folder = os.readlink(f"/proc/self/fd/{dir_fd}") if dir_fd is not None else os.getcwd()
    return os.path.normpath(os.path.join(folder, text))


def target(path: str) -> str:
    """Return the path that a temporary file or folder is for: `/a/b` of `/a/.b.<hex>.partial`."""
    parts = [
        part[1:].rsplit(".", 2)[0] if part.startswith(".") and part.endswith(".partial") else part
        for part in Path(path).parts
    ]
    return str(Path(*parts))
