"""Opening the files of a raw folder: regular files only, of a plausible size, read whole.

A pipe, device or socket in place of a file would make a reader wait for ever; a sparse file of a
terabyte would fill the memory.
"""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import read_at_most

MAX_BYTES = 1 << 26  # of an image or list: a BMP of the largest picture fits in


def is_file(path: Path) -> bool:
    """Return whether a regular file is there; False when that cannot be found out."""
    return os.path.isfile(path)  # noqa: PTH113 - the method of Path raises when access is denied


def is_folder(path: Path) -> bool:
    """Return whether a folder is there; False when that cannot be found out."""
    return os.path.isdir(path)  # noqa: PTH112 - as above


def exists(path: Path) -> bool:
    """Return whether anything is there; False when that cannot be found out."""
    return os.path.exists(path)  # noqa: PTH110 - as above


def require_regular(file: Path) -> None:
    """Raise InputError when the file is missing, or something that is no regular file."""
    try:
        mode = file.stat().st_mode
    except FileNotFoundError as error:
        raise InputError(f"{file}: {_absence(file)}; unpack the data set again") from error
    except (OSError, ValueError) as error:
        raise _unreadable(file, error) from error
    if stat.S_ISDIR(mode):
        raise InputError(f"{file}: is a folder, not a file; replace it by the file of the data set")
    if not stat.S_ISREG(mode):
        raise InputError(f"{file}: is no regular file; replace it by the file of the data set")


def open_file(file: Path) -> BinaryIO:
    """Open a regular file for reading; InputError when it is none or cannot be read."""
    require_regular(file)
    try:
        return file.open("rb")
    except OSError as error:
        raise _unreadable(file, error) from error


def read_whole(file: Path, limit: int = MAX_BYTES) -> bytes:
    """Return the content of a regular file; InputError as `open_file`, or above `limit` bytes."""
    with open_file(file) as stream:
        try:
            content = read_at_most(stream, limit + 1)
        except OSError as error:
            raise _unreadable(file, error) from error
    if len(content) > limit:
        raise InputError(
            f"{file}: is larger than {limit} bytes, which no file of a data set is; copy it again"
        )
    return content


def _absence(file: Path) -> str:
    if file.is_symlink():
        return f"is a link to {file.readlink()}, which is not there"
    return "the file is missing"


def _unreadable(file: Path, error: OSError | ValueError) -> InputError:
    reason = getattr(error, "strerror", None) or str(error)
    return InputError(f"{file}: cannot be read ({reason}); check its permissions or copy it again")
