"""Tensors of a safetensors file."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from crossres.benchmark.feature_files.stored import (
    NotPlainError,
    Stored,
    StoredArray,
    is_mapped,
    require_memory,
)

TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip


@contextmanager
def open_safetensors(path: Path) -> Iterator[Stored]:
    """List the tensors of a file, checked by the library; ValueError where it finds it damaged.

    bfloat16, which NumPy lacks, becomes float32, in which each of its numbers is the same: in
    memory, twice as large as in the file.
    """
    try:
        with safe_open(path, "np"):
            pass  # the library compares names, shapes, offsets and the length of the file
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    with path.open("rb") as file:
        start = 8 + int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(start - 8))
    yield {
        name: StoredArray(
            path,
            partial(_words, tensor),
            partial(_read, path, start, tensor),
            "save the features as float32 or float16: they are then not read whole",
        )
        for name, tensor in header.items()
        if name != "__metadata__"
    }


def _words(tensor: Mapping[str, Any]) -> str:
    return f"({', '.join(map(str, tensor['shape']))}) {tensor['dtype']}"


def _read(path: Path, start: int, tensor: Mapping[str, Any], may_map: bool) -> NDArray[Any]:
    kind, shape = tensor["dtype"], tuple(tensor["shape"])
    if kind not in TYPES:
        raise NotPlainError(f"holds {kind}, which NumPy lacks; save it as float16 or float32")
    first, last = tensor["data_offsets"]
    if first == last:
        return np.empty(shape, TYPES[kind])
    is_bfloat = kind == "BF16"
    if is_bfloat or not is_mapped(last - first, may_map):
        require_memory((last - first) * (2 if is_bfloat else 1))
    array = np.memmap(path, TYPES[kind], "r", start + first, shape)
    if is_bfloat:
        return _from_bfloat16(array)
    return array if is_mapped(last - first, may_map) else np.array(array)


def _from_bfloat16(bits: NDArray[Any]) -> NDArray[np.float32]:
    """Return bfloat16, given as the bits (...) uint16, as float32: its upper half."""
    wide = np.zeros(bits.shape, np.uint32)
    wide[...] = bits
    wide <<= 16
    return wide.view(np.float32)
