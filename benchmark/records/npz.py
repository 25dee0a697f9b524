"""Some arrays of an .npz file as `write_artifact` writes it, in a fifth of the time numpy takes.

A report reads several arrays of thousands of artifacts; most of that time numpy and zipfile spend
on headers, which are all alike. What is not exactly as expected is left to numpy, and its words.
"""

import io
import math
import os
import struct
import zlib
from collections.abc import Iterable
from functools import lru_cache
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import read_array_header_1_0
from numpy.typing import NDArray

# APPNOTE.TXT of PKWARE, 4.3.16, 4.3.12 and 4.3.7: end of the directory, an entry, a local header.
_END, _ENTRY, _LOCAL = (struct.Struct(f) for f in ("<4s4H2LH", "<4s6H3L5H2L", "<4s5H3L2H"))
_FIELDS = (0, 3, 4, 7, 8, 9, 10, 11, 12, 16)  # sign, flags, method, checksum, sizes, lengths, place
_DEFLATED = 8
_TAIL = 4096  # bytes that are read for the directory: an artifact's has 2,000
_SMALL_FILE = 1 << 17  # bytes of a file that is read whole
_SMALL_ARRAY = 1 << 10  # bytes of an array, as it lies in a small file, that is kept
_SLACK = 64  # bytes that a local header may have beyond its name
_MAGIC = b"\x93NUMPY\x01\x00"
_PREFIX = len(_MAGIC) + 2  # and the length of the header
Entry = tuple[int, int, int, int]
"""Place, size as it lies there, own size and checksum of an array."""


class _OtherwiseError(Exception):
    """The file is not as `write_artifact` writes it."""


class QuickArrays:
    """Reads arrays of files, each under a name; the directory of a file is read but once.

    Small arrays of small files are kept as they lie there: to open a file takes longer than to
    decode what a part of a report needs of it, and a report has several parts.
    """

    def __init__(self) -> None:
        self._directories: dict[str, dict[str, Entry]] = {}
        self._kept: dict[str, dict[str, bytes]] = {}

    def lacks(self, name: str, needed: Iterable[str]) -> bool:
        """Say whether it is known without a look at the file that an array is not there."""
        directory = self._directories.get(name)
        return directory is not None and not directory.keys() >= {*needed}

    def read(
        self, name: str, path: Path, needed: Iterable[str], optional: Iterable[str] = ()
    ) -> dict[str, NDArray[Any]] | None:
        """Return the arrays `needed` and those of `optional` that are there; {} if it lacks any.

        None where numpy should read the file. Every array was compared with its checksum. Raises
        OSError where the file cannot be read.
        """
        try:
            if name not in self._directories:
                self._open(name, path)
            if self.lacks(name, needed):
                return {}
            directory, kept = self._directories[name], self._kept[name]
            wanted = [n for n in (*needed, *optional) if n in directory]
            if kept.keys() >= {*wanted}:
                contents = kept
            else:
                with path.open("rb", buffering=0) as file:
                    contents = {n: _content(file, n, directory[n]) for n in wanted}
            return {n: _array(contents[n], n, directory[n]) for n in wanted}
        except (_OtherwiseError, struct.error, zlib.error, ValueError):
            return None

    def _open(self, name: str, path: Path) -> None:
        """Read the directory of a file, and keep what is small."""
        with path.open("rb", buffering=0) as opened:
            size = os.fstat(opened.fileno()).st_size
            is_small = size <= _SMALL_FILE
            file = io.BytesIO(opened.read(size)) if is_small else opened
            directory = _entries(_directory(file))
            small = (n for n, entry in directory.items() if is_small and entry[1] <= _SMALL_ARRAY)
            self._kept[name] = {n: _content(file, n, directory[n]) for n in small}
        self._directories[name] = directory


def _directory(file: FileIO | io.BytesIO) -> bytes:
    """Return the directory, which most often lies in the last bytes that are read at once."""
    size = file.seek(0, io.SEEK_END)
    tail = _read(file, max(0, size - _TAIL), min(size, _TAIL))
    sign, disk, first, _, _, length, start, comment = _END.unpack(tail[-_END.size :])
    if sign != b"PK\5\6" or disk or first or comment or start + length + _END.size != size:
        _refuse()
    if length + _END.size > len(tail):
        return _read(file, start, length)
    return tail[-_END.size - length : -_END.size]


def _entries(directory: bytes) -> dict[str, Entry]:
    """Return where each array lies, by its name."""
    entries = {}
    at = 0
    while at < len(directory):
        entry = _ENTRY.unpack_from(directory, at)
        sign, flags, method, crc, packed, unpacked, length, extra, comment, place = (
            entry[k] for k in _FIELDS
        )
        if sign != b"PK\1\2" or flags or method != _DEFLATED:
            _refuse()
        at += _ENTRY.size + length
        name = directory[at - length : at].decode("ascii")
        at += extra + comment
        entries[name.removesuffix(".npy")] = place, packed, unpacked, crc
    return entries


def _content(file: FileIO | io.BytesIO, name: str, entry: Entry) -> bytes:
    """Return an array as it lies in the file, from its local header to its end or beyond."""
    place, packed, _, _ = entry
    file.seek(place)
    content: bytes = file.read(_LOCAL.size + len(name) + _SLACK + packed)
    return content


def _array(content: bytes, name: str, entry: Entry) -> NDArray[Any]:
    _, _, unpacked, crc = entry
    local = _LOCAL.unpack_from(content)
    start = _LOCAL.size + local[9] + local[10]
    of_name = content[_LOCAL.size : _LOCAL.size + local[9]]
    if local[0] != b"PK\3\4" or of_name != f"{name}.npy".encode() or not unpacked:
        _refuse()
    data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content[start:], unpacked)
    if len(data) != unpacked or zlib.crc32(data) != crc or not data.startswith(_MAGIC):
        _refuse()
    start = _PREFIX + int.from_bytes(data[_PREFIX - 2 : _PREFIX], "little")
    shape, dtype = _shape_and_dtype(data[_PREFIX - 2 : start])
    if len(data) != start + math.prod(shape) * dtype.itemsize:
        _refuse()
    return np.frombuffer(data, dtype, offset=start).reshape(shape).copy()


@lru_cache(1024)
def _shape_and_dtype(header: bytes) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Read the header of an array, in whose place many artifacts have the same bytes."""
    shape, is_by_column, dtype = read_array_header_1_0(io.BytesIO(header))
    if (is_by_column and len(shape) > 1) or dtype.hasobject or not dtype.itemsize:
        _refuse()
    return shape, dtype


def _read(file: FileIO | io.BytesIO, place: int, size: int) -> bytes:
    file.seek(place)
    content: bytes = file.read(size)
    return content if len(content) == size else _refuse()


def _refuse() -> Any:
    raise _OtherwiseError
