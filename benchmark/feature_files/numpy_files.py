"""Arrays of an .npz archive, or of the .npy files of a folder."""

import math
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.feature_files.stored import (
    DAMAGE,
    NotPlainError,
    Stored,
    StoredArray,
    is_mapped,
    require_memory,
)
from crossres.datasets.base.errors import InputError

LOCAL_HEADER = struct.Struct("<8xH16xHH")  # of a zip member: its method, lengths of name and extras
PYTHON_OBJECTS = (
    "holds Python objects, which are never read; save plain numbers (.astype(float) or "
    ".astype(int)) or texts (.astype(str))"
)


@contextmanager
def open_npz(path: Path) -> Iterator[Stored]:
    """Open an archive of arrays; large ones are mapped unless they are compressed."""
    with zipfile.ZipFile(path) as archive:
        yield {
            member.filename.removesuffix(".npy"): StoredArray(
                path,
                partial(_words_of_member, archive, member),
                partial(_of_archive, path, archive, member),
            )
            for member in archive.infolist()
        }


@contextmanager
def open_folder(folder: Path) -> Iterator[Stored]:
    """List the arrays of a folder; InputError where it cannot be read."""
    yield {
        file.stem: StoredArray(
            file, partial(words_of_file, file), partial(_of_file, file), "write it again"
        )
        for file in _npy_files(folder)
    }


def _npy_files(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if file.suffix == ".npy" and file.is_file())
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}; give a folder that can be read") from error


def words_of_file(file: Path) -> str:
    """Return shape and type of a single array; one of DAMAGE where it is none."""
    with file.open("rb") as stream:
        return _words(stream)


def _words_of_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str:
    with archive.open(member) as stream:
        return _words(stream)


def _words(stream: IO[bytes]) -> str:
    shape, _, kind = _header(stream)
    return f"{shape} {kind.name}"


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read shape, whether columns come first (Fortran order), and type; no pickle is opened."""
    old = np.lib.format.read_magic(stream) == (1, 0)
    read = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
    return read(stream)


def _of_archive(
    path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, may_map: bool
) -> NDArray[Any]:
    size, is_stored = member.file_size, member.compress_type == zipfile.ZIP_STORED
    with archive.open(member) as stream:  # compares the names in its two headers
        if is_stored and is_mapped(size, may_map):
            return _mapped(path, stream, _start_of(path, archive, member), size)
        return _read(stream, size)


def _of_file(file: Path, may_map: bool) -> NDArray[Any]:
    size = file.stat().st_size
    with file.open("rb") as stream:
        return _mapped(file, stream, 0, size) if is_mapped(size, may_map) else _read(stream, size)


def _read(stream: IO[bytes], size: int) -> NDArray[Any]:
    """Read an array, and what follows it: at the end of a member its checksum is compared.

    MemoryError where its `size` bytes, or those that it claims, do not fit.
    """
    shape, _, dtype = _header(stream)
    if dtype.hasobject:
        raise NotPlainError(PYTHON_OBJECTS)
    require_memory(max(size, stream.tell() + math.prod(shape) * dtype.itemsize))
    stream.seek(0)
    array = np.lib.format.read_array(stream, allow_pickle=False)
    if stream.read(1):
        raise ValueError("there are more bytes than those of the array")
    return array


def _mapped(path: Path, stream: IO[bytes], start: int, size: int) -> NDArray[Any]:
    """Map an array read-only that lies in a file from `start`, `size` bytes with its header.

    stream: those bytes; only the header is read of them, unless the system makes no map. ValueError
    where the two do not agree.
    """
    shape, fortran, dtype = _header(stream)
    if dtype.hasobject:
        raise NotPlainError(PYTHON_OBJECTS)
    header, count = stream.tell(), math.prod(shape)
    if min(shape, default=0) < 0 or header + count * dtype.itemsize != size:
        raise ValueError("its header is not of these bytes")
    if not count:
        return np.empty(shape, dtype)
    order: Literal["F", "C"] = "F" if fortran else "C"
    try:
        return np.memmap(path, dtype, "r", start + header, shape, order)
    except OSError:  # no maps of this file system, or no addresses for it
        stream.seek(0)
        return _read(stream, size)


def _start_of(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """Return where the bytes of a stored member begin: behind a header that says how long it is.

    BadZipFile where it does not say that they are stored, or they would run into what follows.
    """
    with path.open("rb") as file:
        file.seek(member.header_offset)
        method, name, extra = LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size))
        start = file.tell() + int(name) + int(extra)
    borders = [*(other.header_offset for other in archive.infolist()), archive.start_dir]
    room = min(border for border in borders if border > member.header_offset) - start
    if method != zipfile.ZIP_STORED or not member.compress_size == member.file_size <= room:
        raise zipfile.BadZipFile(f"{member.filename}: its headers differ")
    return start


def members_of(path: Path) -> list[str]:
    """Return the names in a zip archive, none where it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except DAMAGE:
        return []
