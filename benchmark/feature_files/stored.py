"""What the readers of all formats have in common: arrays that are not read yet, their faults."""

import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from crossres.datasets.base.memory import free_memory
from crossres.datasets.base.words import byte_words

MAPPED_BYTES = 64 * 2**20  # smaller features are read: what an archive keeps a checksum of, with it

# What zipfile, zlib, numpy, h5py, scipy and safetensors raise for files that are damaged in one
# place or another.
DAMAGE = (
    OSError,
    ValueError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    ArithmeticError,
    LookupError,
    AttributeError,
    TypeError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
)


class NotPlainError(Exception):
    """Says, behind the name of an array, what is in its place and what to do about that."""


@dataclass(frozen=True)
class StoredArray:
    """An array of a file, before it is read.

    file: where its bytes lie. words: its shape and type, for messages ("" where these cannot be
    told). read(may_map): the array; where `may_map`, it has MAPPED_BYTES or more and the format
    allows it, as a read-only map of the file. It raises NotPlainError, MemoryError (before anything
    is read), or one of DAMAGE. unread: how to write it so that it need not fit in the memory.
    """

    file: Path
    words: Callable[[], str]
    read: Callable[[bool], NDArray[Any]]
    unread: str = "write it again with numpy.savez, uncompressed: features are then not read whole"


Stored = Mapping[str, StoredArray]
"""Names in a file -> arrays that can be read while it is open."""
Opened = AbstractContextManager[Stored]


def require_memory(size: int) -> None:
    """Raise MemoryError where so many bytes do not fit: the system might end the process else."""
    free = free_memory()
    if free is not None and size > free:
        raise MemoryError(f"{byte_words(size)}, and {byte_words(free)} are free")


def is_mapped(size: int, may_map: bool) -> bool:
    """Say whether an array of so many bytes is to be mapped."""
    return may_map and size >= MAPPED_BYTES
