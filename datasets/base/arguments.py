"""Checks of what callers in Python hand in: the value in its type, or an InputError of one line.

Paths may be text, a seed may be one or several, arrays may come from any library.
"""

import math
import operator
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.places import user_path
from crossres.datasets.base.suggest import unknown

T = TypeVar("T")
Ids = NDArray[np.int64]
IDS = np.iinfo(np.int64)
NUMBERED = (
    "number them, query and gallery together, with "
    "numpy.unique(numpy.concatenate([query, gallery]), return_inverse=True)[1] "
    "and write -1 for junk and unknown cameras"
)


def as_path(value: Any, name: str) -> Path:
    """Return the path that text or a path object stands for; `name` says what it is of."""
    try:
        text = os.fspath(value)
    except TypeError:
        text = None
    if isinstance(text, str) and "\0" in text:
        raise InputError(f"{name}: there is no such folder or file as {text!r}; check the path")
    if not isinstance(text, str) or not text:
        raise InputError(f"{name}: give a path, as text or pathlib.Path, not {_shown(value)}")
    return user_path(text)


def as_text(value: Any, name: str) -> str:
    """Return the value if it is text; else raise InputError."""
    if not isinstance(value, str):
        raise InputError(f"{name}: give text, not {_shown(value)}")
    return value


def as_choice(value: Any, choices: Sequence[str], name: str) -> str:
    """Return the value if it is one of the choices; else raise InputError with those."""
    if not isinstance(value, str):
        raise InputError(f"{name}: give text, not {_shown(value)}")
    if value not in choices:
        raise unknown(name, value, choices)
    return value


def as_flag(value: Any, name: str) -> bool:
    """Return the value, of Python or NumPy, as a bool; else raise InputError."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{name}: give True or False, not {_shown(value)}")
    return bool(value)


def as_whole(value: Any, name: str, least: int = 0) -> int:
    """Return a whole number of any integer type, at least `least`, as an int."""
    try:
        number = None if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < least:
        raise InputError(f"{name}: give a whole number from {least}, not {_shown(value)}")
    return number


def as_count(value: Any, name: str) -> int:
    """Return a whole number from 1."""
    return as_whole(value, name, least=1)


def if_given(value: Any, name: str, each: Callable[[Any, str], T]) -> T | None:
    """Return None for None, for any other value `each(value, name)`."""
    return None if value is None else each(value, name)


def as_number(value: Any, name: str) -> float:
    """Return a finite number of any type as a float."""
    try:
        number = math.nan if isinstance(value, str | bytes) else float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{name}: give a finite number, not {_shown(value)}")
    return number


def as_a(kind: type[T], value: Any, name: str) -> T:
    """Return the value if it is of this class; else raise InputError."""
    if not isinstance(value, kind):
        raise InputError(f"{name}: give a {kind.__name__}, not {_shown(value)}")
    return value


def as_function(value: T, name: str) -> T:
    """Return the value if it can be called; else raise InputError."""
    if not callable(value):
        raise InputError(f"{name}: give a function, not {_shown(value)}")
    return value


def as_several(value: Any, name: str, each: Callable[[Any, str], T]) -> list[T]:
    """Return `each(value, name)` of one value, or of every value of a collection, as a list."""
    if isinstance(value, str | bytes | os.PathLike | Mapping) or not isinstance(value, Iterable):
        return [each(value, name)]
    try:
        values = list(value)
    except Exception as error:  # an iterator of the caller's may raise anything
        raise InputError(f"{name}: {_shown(value)} cannot be read; give a list") from error
    return [each(item, name) for item in values]


def as_array(value: Any, name: str) -> NDArray[Any]:
    """Return a list, tensor, DataFrame or array as an array of plain numbers or text.


    Raises InputError for what has no rectangular shape, and for masked entries.
    """
    try:
        array = np.asarray(_from_torch(value))
        if array.dtype == object:  # pandas' own integers, a DataFrame of several types
            array = np.array(array.tolist())
    except MemoryError:
        raise
    except Exception as error:  # whatever a library makes of its conversion to an array
        raise InputError(
            f"{name}: {_shown(value)} cannot be made an array; give numbers in rows of one length"
        ) from error
    if np.ma.is_masked(value):
        raise InputError(f"{name}: has masked entries; leave these rows out")
    return array


def as_column(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Return an array (N,), (N, 1) or (1, N) as (N,); InputError for another shape."""
    if array.ndim == 2 and 1 in array.shape:
        return array.reshape(-1)
    if array.ndim != 1:
        raise InputError(f"{name}: must be (images,), not of shape {array.shape}; give one id each")
    return array


def as_ids(value: Any, name: str) -> Ids:
    """Return whole numbers (N,), (N, 1) or (1, N) of any type as (N,) int64; none is narrowed."""
    array = as_column(as_array(value, name), name)
    if array.dtype.kind in "iu":
        if len(array) and int(array.max()) > IDS.max:
            raise InputError(f"{name}: {array.max()} is beyond 64 bits; {NUMBERED}")
        return array.astype(np.int64)
    if array.dtype.kind == "f":
        exact = 2.0 ** min(53, np.finfo(array.dtype).nmant + 1)  # beyond, ids may be rounded
        if not ((array == np.rint(array)) & (np.abs(array) < exact)).all():
            raise InputError(
                f"{name}: not all of these {array.dtype} are whole numbers; {NUMBERED}"
            )
        return array.astype(np.int64)
    kind = {"U": "text", "S": "text", "b": "truth values"}.get(array.dtype.kind, str(array.dtype))
    raise InputError(f"{name}: must be integers, not {kind}; {NUMBERED}")


def _from_torch(value: Any) -> Any:
    """Return a tensor as an array: off its device and graph, and of a type that NumPy has."""
    torch = sys.modules.get("torch")  # imported by whoever hands in a tensor
    if torch is None or not isinstance(value, torch.Tensor):
        return value
    dense = value.detach().to_dense().cpu().resolve_conj().resolve_neg()
    try:
        return dense.numpy()
    except TypeError:  # bfloat16, float8
        return dense.float().numpy()


def _shown(value: Any) -> str:
    """Return the value in a line: itself where it is short, else its type."""
    try:
        text = repr(value)
    except Exception:  # a repr of the caller's may raise anything
        text = ""
    short = isinstance(value, str | int | float | tuple | list | None) and len(text) <= 40
    return text if short else f"a {type(value).__name__}"
