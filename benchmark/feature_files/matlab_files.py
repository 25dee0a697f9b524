"""Variables of a MATLAB file of version 5 to 7, as scipy.io.savemat writes: pytorch_result.mat.

Read here, not by scipy.io.loadmat, which trusts the file: a damaged one can end the process. And
so variables that are not compressed can be mapped. The format is that of MathWorks' "MAT-File
Format" (R2020a, chapter 1).
"""

import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.feature_files.stored import (
    NotPlainError,
    Stored,
    StoredArray,
    is_mapped,
    require_memory,
)

HEADER = 128
VARIABLE_HEADER = 4096  # bytes at most: flags, dimensions and a name of up to 63 characters
PACKED = 1024
MATRIX, COMPRESSED = 14, 15  # what an element of the file is
COMPLEX, OPAQUE = 0x08, 17
CLASSES = {
    1: "cell", 2: "struct", 3: "object", 4: "char", 5: "sparse", 6: "double", 7: "single",
    8: "int8", 9: "uint8", 10: "int16", 11: "uint16", 12: "int32", 13: "uint32", 14: "int64",
    15: "uint64", 16: "function", 17: "opaque",
}  # fmt: skip
NUMBERS = {
    "double": "f8", "single": "f4", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2",
    "int32": "i4", "uint32": "u4", "int64": "i8", "uint64": "u8",
}  # fmt: skip
# How the numbers of a variable are stored, whose class may be a larger type.
STORED = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
TEXTS = {1: "utf-8", 2: "utf-8", 16: "utf-8", 4: "utf-16", 17: "utf-16", 18: "utf-32"}


@dataclass(frozen=True)
class _Element:
    """Bytes of the file from `start` to `stop`, a variable with its tag; `order` is "<" or ">"."""

    path: Path
    start: int
    stop: int
    is_compressed: bool
    order: str

    def content(self, size: int) -> bytes:
        """Return its first bytes, decompressed; fewer where there are not so many.

        Where they are all, they are compared with the checksum of what is compressed.
        """
        length = self.stop - self.start
        with self.path.open("rb") as file:
            file.seek(self.start)
            if not self.is_compressed:
                return file.read(min(size, length))
            # What cannot be compressed grows by less.
            packed = file.read(min(length, size + size // 1000 + PACKED))
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(packed, size)
        unpacking.decompress(unpacking.unconsumed_tail, PACKED)
        return content


@dataclass(frozen=True)
class _Variable:
    """A variable: `data` is how its numbers are stored, where in the element, in how many bytes."""

    element: _Element
    name: str
    kind: str
    shape: tuple[int, ...]
    is_complex: bool
    data: tuple[int, int, int]


@contextmanager
def open_matlab(path: Path) -> Iterator[Stored]:
    """List the variables of a file; large ones are mapped unless they are compressed."""
    variables = map(_variable, _elements(path))
    yield {
        variable.name: StoredArray(
            path,
            partial("{} {}".format, variable.shape, variable.kind),
            partial(_read, variable),
        )
        for variable in variables
        if variable.name
    }


def _elements(path: Path) -> Iterator[_Element]:
    size = path.stat().st_size
    with path.open("rb") as file:
        order = {b"IM": "<", b"MI": ">"}.get(file.read(HEADER)[-2:])
        if order is None:
            raise ValueError("not of version 5 to 7")
        start = HEADER
        while start < size:
            file.seek(start)
            kind, length = struct.unpack(f"{order}II", file.read(8))
            stop = start + 8 + length
            if stop > size:
                raise ValueError("cut off")
            if kind == COMPRESSED:
                yield _Element(path, start + 8, stop, True, order)
            elif kind == MATRIX:
                yield _Element(path, start, stop, False, order)
            start = stop


def _variable(element: _Element) -> _Variable:
    """Read what stands before the numbers of a variable; ValueError where it is no such thing."""
    head = element.content(VARIABLE_HEADER)
    tag = partial(_tag, head, element.order)
    _, start, _ = tag(0)
    if struct.unpack_from(f"{element.order}I", head)[0] != MATRIX:
        raise ValueError("no variable")
    _, flags_at, _ = tag(start)
    (flags,) = struct.unpack_from(f"{element.order}I", head, flags_at)
    kind, after = flags & 0xFF, flags_at + 8
    shape: tuple[int, ...] = ()
    if kind != OPAQUE:
        _, dims_at, length = tag(after)
        shape = struct.unpack_from(f"{element.order}{length // 4}i", head, dims_at)
        after = _after(dims_at, length)
    _, name_at, length = tag(after)
    name = head[name_at : name_at + length].decode("ascii")
    after = _after(name_at, length)
    data = tag(after) if CLASSES.get(kind) in (*NUMBERS, "char") else (0, 0, 0)
    if min(shape, default=0) < 0 or len(name) < length:
        raise ValueError("no shape or name")
    is_complex = bool((flags >> 8) & COMPLEX)
    return _Variable(element, name, CLASSES.get(kind, "?"), shape, is_complex, data)


def _tag(head: bytes, order: str, start: int) -> tuple[int, int, int]:
    """Return what a part of an element is, where its bytes begin, and how many these are."""
    kind, size = struct.unpack_from(f"{order}II", head, start)
    if kind >> 16:  # a small part: its size, at most 4, and its bytes stand in the tag
        return kind & 0xFFFF, start + 4, min(kind >> 16, 4)
    return kind, start + 8, size


def _after(start: int, size: int) -> int:
    """Return where the next part begins: every one fills multiples of eight bytes."""
    return (start + size + 7) // 8 * 8


def _read(variable: _Variable, may_map: bool) -> NDArray[Any]:
    if variable.kind == "char":
        return _texts(variable)
    if variable.kind not in NUMBERS or variable.is_complex:
        what = "complex" if variable.is_complex else variable.kind
        raise NotPlainError(
            f"is a MATLAB {what}, and not numbers or texts of one length; in MATLAB save "
            "cell2mat(...), double(...) or char(...) of it, in Python numpy.array(..., dtype=str)"
        )
    element, (how, start, size) = variable.element, variable.data
    stored = np.dtype(element.order + STORED[how])
    kind = np.dtype(element.order + NUMBERS[variable.kind])
    count = math.prod(variable.shape)
    if size != count * stored.itemsize:
        raise ValueError("its shape is not of these bytes")
    is_as_stored = kind == stored and not element.is_compressed
    if is_as_stored and count and is_mapped(size, may_map):
        if element.start + start + size > element.stop:
            raise ValueError("it goes beyond its bytes")
        return np.memmap(element.path, kind, "r", element.start + start, variable.shape, "F")
    require_memory(count * kind.itemsize + (0 if is_as_stored else size))
    numbers = np.frombuffer(_bytes(variable), stored)
    return numbers.astype(kind, copy=False).reshape(variable.shape, order="F")


def _bytes(variable: _Variable) -> bytes:
    """Return the bytes of the numbers or characters; ValueError where there are fewer."""
    _, start, size = variable.data
    content = variable.element.content(start + size)
    if len(content) < start + size:
        raise ValueError("it has fewer bytes than it says")
    return content[start:]


def _texts(variable: _Variable) -> NDArray[np.str_]:
    """Return (N,) texts from a matrix of characters (N, length), which fills up shorter ones."""
    encoding = TEXTS[variable.data[0]]
    if encoding != "utf-8":
        encoding += "-le" if variable.element.order == "<" else "-be"
    require_memory(4 * math.prod(variable.shape) + variable.data[2])
    letters = np.array([*_bytes(variable).decode(encoding)], dtype="U1")
    rows, length = variable.shape
    if not length:
        return np.full(rows, "")
    matrix = np.ascontiguousarray(letters.reshape((rows, length), order="F"))
    return np.strings.rstrip(matrix.view(f"U{length}").reshape(rows))
