"""Read the arrays of FEATURES.npz, or of a folder of .npy files, as plain data.

Large features are mapped, not read: they may be larger than the memory. Nothing is unpickled.
"""

import math
import struct
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.foreign_files import (
    DAMAGE,
    FOLDER,
    NPZ,
    Kind,
    array_header,
    foreign,
    kind_of,
    lacking,
    npy_contents,
    npy_files,
    npz_contents,
    safely,
)
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.memory import free_memory

FEATURES = ("query_features", "gallery_features")
IDS = ("query_pids", "gallery_pids", "query_camids", "gallery_camids")
NEEDED = (*FEATURES, "query_pids", "gallery_pids")
MAPPED_BYTES = 64 * 2**20  # smaller features are read, and compared with the checksum of an archive
LOCAL_HEADER = struct.Struct("<8xH16xHH")  # of a zip member: its method, lengths of name and extras


def read_features(path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays of an .npz file, or of a folder of .npy files, whose names `evaluate` knows.

    Features of MAPPED_BYTES or more are read-only maps of the file (np.memmap), unless an .npz
    compresses them; they are not compared with the checksum in it, which would be to read them all.
    Raises InputError for any other file, saying what it is, which arrays it holds as far as that
    can be seen without running anything in it, and how to convert it.
    """
    kind = kind_of(path)
    if kind is FOLDER:
        return _read_folder(path)
    if kind is not NPZ:
        raise foreign(path, kind)
    try:
        with zipfile.ZipFile(path) as archive:
            members = {i.filename.removesuffix(".npy"): i for i in archive.infolist()}
            _check_names(path, kind, members)
            names = [name for name in members if name in (*FEATURES, *IDS)]
            return {name: _of_archive(path, archive, members[name], name) for name in names}
    except DAMAGE as error:
        raise InputError(
            f"{path}: not a readable .npz archive: damaged or cut off; write it again"
        ) from error


def _read_folder(folder: Path) -> dict[str, NDArray[Any]]:
    files = {file.stem: file for file in npy_files(folder)}
    _check_names(folder, FOLDER, files)
    return {name: _of_folder(files[name], name) for name in (*FEATURES, *IDS) if name in files}


def _check_names(path: Path, kind: Kind, names: Collection[str]) -> None:
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise lacking(path, kind, missing)


def _of_archive(
    path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str
) -> NDArray[Any]:
    try:
        stored = member.compress_type == zipfile.ZIP_STORED
        with archive.open(member) as stream:  # compares the names in its two headers
            if name in FEATURES and stored and member.file_size >= MAPPED_BYTES:
                start = _start_of(path, archive, member)
                return _mapped(path, stream, start, member.file_size)
            return _read(stream, member.file_size)
    except MemoryError as error:
        raise InputError(
            f"{path}: array {name} is larger than the memory, or the file is damaged; write it "
            "again with numpy.savez, uncompressed: features are then not read whole"
        ) from error
    except DAMAGE as error:
        raise _unreadable(str(path), name, safely(npz_contents, path).get(name, "")) from error


def _of_folder(file: Path, name: str) -> NDArray[Any]:
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            if name in FEATURES and size >= MAPPED_BYTES:
                return _mapped(file, stream, 0, size)
            return _read(stream, size)
    except MemoryError as error:
        raise InputError(
            f"{file}: array {name} is larger than the memory, or the file is damaged; "
            "write it again"
        ) from error
    except DAMAGE as error:
        kind = safely(npy_contents, file).get("one array", "")
        raise _unreadable(str(file), name, kind) from error


def _read(stream: IO[bytes], size: int) -> NDArray[Any]:
    """Read an array, and what follows it: at the end of a member its checksum is compared.

    MemoryError where its `size` bytes do not fit: the system might end the process otherwise.
    """
    free = free_memory()
    if free is not None and size > free:
        raise MemoryError
    array = np.lib.format.read_array(stream, allow_pickle=False)
    if stream.read(1):
        raise ValueError("there are more bytes than those of the array")
    return array


def _unreadable(where: str, name: str, kind: str) -> InputError:
    if kind.endswith("object"):
        return InputError(
            f"{where}: array {name} holds Python objects, which are never read; save plain "
            "numbers (.astype(float) or .astype(int))"
        )
    return InputError(f"{where}: array {name} cannot be read; the file is damaged, write it again")


def _mapped(path: Path, stream: IO[bytes], start: int, size: int) -> NDArray[Any]:
    """Map an array read-only that lies in a file from `start`, `size` bytes with its header.

    stream: those bytes; only the header is read of them, unless the system makes no map. ValueError
    where the two do not agree.
    """
    shape, fortran, dtype = array_header(stream)
    header, count = stream.tell(), math.prod(shape)
    if dtype.hasobject or min(shape, default=0) < 0 or header + count * dtype.itemsize != size:
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
