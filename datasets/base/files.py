"""Files and folders that exist whole or not at all, and the digest that names their content.

Whatever kills the process, nobody finds a half-written file under its final name.
"""

import errno
import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crossres.datasets.base.errors import InputError

_DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_REMEDIES = {
    "free the disk or choose another place": _DISK_IS_FULL,
    "choose a shorter name": (errno.ENAMETOOLONG,),
    "another thing of that name is in its place: remove it or choose another place": (
        errno.EEXIST,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.ENOTEMPTY,
    ),
}
TEMPORARY = re.compile(
    r"\.(?P<name>.+)\.[0-9a-f]{32}\.partial"
)  # the name of what is being written
_ELSE = "check its permissions or choose another place"


def digest_of(*parts: bytes) -> str:
    """Return the hex SHA-256 of the parts joined: `digest_of(a, b) == digest_of(a + b)`."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part)
    return sha.hexdigest()


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
    content = data.encode("utf-8") if isinstance(data, str) else data
    temporary = _temporary_beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        # Gone after a successful replace; also runs on KeyboardInterrupt. A failure to clean up
        # must not hide the reason why the write itself failed.
        _remove_quietly(temporary)


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
    temporary = _temporary_beside(path)
    try:
        _make(temporary, path)
        try:
            yield temporary
        except OSError as error:
            if error.errno not in _DISK_IS_FULL:
                raise
            raise cannot_write(path, error) from error
        _move(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _make(temporary: Path, path: Path) -> None:
    try:
        temporary.mkdir(parents=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def _move(temporary: Path, path: Path) -> None:
    try:
        temporary.rename(path)
    except OSError as error:
        if not path.is_dir():
            raise cannot_write(path, error) from error


def _temporary_beside(path: Path) -> Path:
    """Return a name in the same folder (so that renaming is atomic) that no other process takes."""
    return path.parent / f".{path.name}.{uuid.uuid4().hex}.partial"


def _remove_quietly(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def make_folder(folder: Path) -> None:
    """Make a folder and those around it; InputError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error


def cannot_write(path: Path, error: OSError) -> InputError:
    """Return the error about a place that the system refuses to write, with what helps."""
    remedy = next((text for text, numbers in _REMEDIES.items() if error.errno in numbers), _ELSE)
    return InputError(f"{path}: cannot be written ({error.strerror or error}); {remedy}")
