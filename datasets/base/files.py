"""Files and folders that exist whole or not at all, and the digest that names their content.

Whatever kills the process, nobody finds a half-written file under its final name. What it was at
work on stays behind under another one, until `remove_abandoned` finds that nobody holds it.
"""

import errno
import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

from crossres.datasets.base import locks
from crossres.datasets.base.errors import InputError

# The name of what is being written, or was.
TEMPORARY = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{32}\.partial")
DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)
_REMEDIES = {
    "free the disk or choose another place": DISK_IS_FULL,
    "choose a shorter name": (errno.ENAMETOOLONG,),
    "another thing of that name is in its place: remove it or choose another place": (
        errno.EEXIST,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.ENOTEMPTY,
    ),
}
_ELSE = "check its permissions or choose another place"
_USUAL_BYTES = 1 << 16


def digest_of(*parts: bytes) -> str:
    """Return the hex SHA-256 of the parts joined: `digest_of(a, b) == digest_of(a + b)`."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part)
    return sha.hexdigest()


def read_at_most(stream: BinaryIO, count: int) -> bytes:
    """Read `count` bytes, or all that there are.

    A stream asks for the memory of as many as it may read, and most files are small.
    """
    usual = min(count, _USUAL_BYTES)
    content = stream.read(usual)
    return content + stream.read(count - usual) if len(content) == usual else content


def stamp(folder: Path, file: Path) -> str:
    """Name in its folder, size and time of a file: another text when it changes."""
    try:
        stat = file.stat()
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); unpack it again") from error
    return f"{file.relative_to(folder).as_posix()} {stat.st_size} {stat.st_mtime_ns}"


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write `data` (text as UTF-8) to `path` whole or not at all, making the parent folders.

    Raises InputError when the place cannot be written (full disk, no permission); `path` then holds
    what it held before, and nothing else is left behind.
    """
    _write(path, _encoded(data), lasting=True)


def write_if_changed(path: Path, data: bytes | str, *, lasting: bool = True) -> None:
    """Write as `write_atomically` does, but leave a file alone that holds the same already.

    Where it is not to be `lasting`, nothing is forced to the disk, which takes milliseconds a file:
    after a power failure the command that makes it from other files has to be given again.
    """
    content = _encoded(data)
    if not _holds(path, content):
        _write(path, content, lasting=lasting)


def _encoded(data: bytes | str) -> bytes:
    return data.encode("utf-8") if isinstance(data, str) else data


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False


def _write(path: Path, content: bytes, *, lasting: bool) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with held(partial(_made_beside, path, Path.touch)) as temporary:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                if lasting:
                    os.fsync(file.fileno())
            temporary.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error


def check_place(path: Path) -> None:
    """Raise InputError, before anything is computed, when no file can be written there."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give the name of a file to write")
    trial = _temporary_beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        trial.touch(exist_ok=False)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        _remove_quietly(trial)


@contextmanager
def replace_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `path` when the block ends well, and vanishes when not.

    If somebody else made `path` meanwhile, theirs is kept and ours is dropped: both were made from
    the same inputs. Raises InputError when the place cannot be written.
    """
    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = stack.enter_context(held(partial(_made_beside, path, Path.mkdir)))
        except OSError as error:
            raise cannot_write(path, error) from error
        try:
            yield temporary
        except OSError as error:
            if not _is_refused(error, temporary):
                raise
            raise cannot_write(path, error) from error
        _move(temporary, path)


def _is_refused(error: OSError, temporary: Path) -> bool:
    """Say whether the system refuses to write in a folder (rather than to read elsewhere)."""
    here = error.filename is None or temporary in Path(os.fsdecode(error.filename)).parents
    return error.errno in DISK_IS_FULL or (error.errno in _NOT_ALLOWED and here)


def remove_abandoned(folders: Iterable[Path]) -> None:
    """Remove the temporary files and folders in these folders that killed processes left there.

    What somebody is at work on stays, and what cannot be removed: nobody takes it for a result.
    """
    for folder in folders:
        with suppress(OSError):  # there is no such folder
            for path in sorted(folder.iterdir()):
                if TEMPORARY.fullmatch(path.name):
                    remove_unless_held(path)


@contextmanager
def held(make: Callable[[], Path]) -> Iterator[Path]:
    """Make a file or folder, and remove what is left of it at the end of the block.

    It is locked meanwhile, by which `remove_unless_held` tells it from one that was left behind. A
    fork of this process removes nothing, whatever becomes of its copy of the block.
    """
    path, handle, owner = make(), None, os.getpid()
    try:
        while locks.THERE_ARE and (handle := _lock(path)) is None:
            path = make()
        yield path
    finally:
        # Also on KeyboardInterrupt, and without a word: why the block failed counts.
        if handle is not None:
            os.close(handle)
        if os.getpid() == owner:
            _remove_quietly(path)


def _lock(path: Path) -> int | None:
    """Open and lock what was just made; None where it was taken for left behind before that."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    locks.share(handle)  # on a file system without locks nobody removes it, either
    if locks.is_at(path, handle):
        return handle
    os.close(handle)
    return None


def hold_for_life(make: Callable[[], Path]) -> Path:
    """Make a file or folder and hold it, as other processes may, until this process ends.

    `make` may return what is there already. Nothing removes it in the end but `remove_unless_held`.
    """
    path = make()
    while locks.THERE_ARE and _lock(path) is None:
        path = make()
    return path


def remove_unless_held(path: Path) -> None:
    """Remove a file or folder that a killed process left behind, unless somebody holds it."""
    with _abandoned(path) as abandoned:
        if abandoned:
            _remove_quietly(path)


def is_abandoned(path: Path) -> bool:
    """Say whether a file or folder is there that a killed process left behind."""
    with _abandoned(path) as abandoned:
        return abandoned


@contextmanager
def _abandoned(path: Path) -> Iterator[bool]:
    """Say whether nobody holds a path that is there, and let nobody hold it in the block.

    Where there are no locks, nobody can tell, and it counts as held.
    """
    handle = None
    with suppress(OSError):  # it is gone
        handle = os.open(path, os.O_RDONLY) if locks.THERE_ARE else None
    try:
        yield handle is not None and bool(locks.take_alone(handle)) and locks.is_at(path, handle)
    finally:
        if handle is not None:
            os.close(handle)


def _move(temporary: Path, path: Path) -> None:
    try:
        temporary.rename(path)
    except OSError as error:
        if not path.is_dir():
            raise cannot_write(path, error) from error


def _temporary_beside(path: Path) -> Path:
    """Return a name in the same folder (so that renaming is atomic) that no other process takes."""
    return path.parent / f".{path.name}.{uuid.uuid4().hex}.partial"


def _made_beside(path: Path, make: Callable[[Path], None]) -> Path:
    temporary = _temporary_beside(path)
    make(temporary)
    return temporary


def _remove_quietly(path: Path) -> None:
    """Remove a file or folder as far as that can be done."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder and those around it; InputError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error


def cannot_write(path: Path, error: OSError) -> InputError:
    """Return the error about a place that the system refuses to write, with what helps."""
    remedy = next((text for text, numbers in _REMEDIES.items() if error.errno in numbers), _ELSE)
    final = Path(*(TEMPORARY.sub(r"\g<name>", part) for part in path.parts))
    return InputError(f"{final}: cannot be written ({error.strerror or error}); {remedy}")
