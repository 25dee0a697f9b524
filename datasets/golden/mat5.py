"""Numbers and texts from MATLAB files of version 5, which hold the public name lists.

Only what these lists need: numeric arrays and cell arrays of one-line texts, read as data.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.kinds import HDF5, MATLAB_5, MATLAB_7_3, kind_of

_HEADER = 128
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8"}
_NUMBERS |= {13: "u8"}
_TEXTS = {2: "latin-1", 4: "utf-16-le", 16: "utf-8", 17: "utf-16-le"}
_MATRIX, _COMPRESSED = 14, 15
_CELL, _CHAR = 1, 4
_DAMAGED = (struct.error, zlib.error, ValueError, KeyError, IndexError, UnicodeDecodeError)

Values = list[int] | list[str]


def read_mat5(file: Path) -> dict[str, Values]:
    """Return name -> values (column by column) of a file; InputError when it is none of these."""
    try:
        content = file.read_bytes()
        if not content.startswith(b"MATLAB 5.0") or content[126:128] != b"IM":
            raise InputError(f"{file}: {_other(content)}")
        return dict(_variable(body) for kind, body in _elements(content[_HEADER:]))
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); check the path") from error
    except _DAMAGED as error:
        raise InputError(
            f"{file}: not a list in a MATLAB 5 file (damaged, or of another type); copy it again"
        ) from error


def _other(content: bytes) -> str:
    """What a file without the header of a little-endian MATLAB 5 file is, and what helps."""
    kind = kind_of(content)
    if kind in (MATLAB_7_3, HDF5):
        return f"not a list in a MATLAB 5 file but {kind.name}; save it with -v7"
    what = kind.name if kind.name and kind != MATLAB_5 else "something else"
    return f"not a list in a MATLAB 5 file but {what}; {kind.remedy or 'copy it again'}"


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, data) of one element after the other, compressed ones opened."""
    place = 0
    while place < len(content):
        (tag,) = struct.unpack_from("<I", content, place)
        small, kind = tag >> 16, tag & 0xFFFF
        if small:
            body, place = content[place + 4 : place + 4 + small], place + 8
        else:
            (size,) = struct.unpack_from("<I", content, place + 4)
            body = content[place + 8 : place + 8 + size]
            if len(body) != size:
                raise ValueError("it ends too early")
            place += 8 + (size if kind == _COMPRESSED else -(-size // 8) * 8)
        if kind == _COMPRESSED:
            yield from _elements(zlib.decompress(body))
        else:
            yield kind, body


def _variable(body: bytes) -> tuple[str, Values]:
    """The name and the values of a matrix."""
    (_, flags), _, (_, name), *data = _elements(body)
    kind = flags[0]
    if kind == _CELL:
        return name.decode("ascii"), [_text(cell) for _, cell in data]
    numbers = np.frombuffer(data[0][1], "<" + _NUMBERS[data[0][0]])
    return name.decode("ascii"), [int(number) for number in numbers]


def _text(body: bytes) -> str:
    (_, flags), _, _, (kind, data) = _elements(body)
    if flags[0] != _CHAR:
        raise ValueError("a cell that holds no text")
    return data.decode(_TEXTS[kind])
