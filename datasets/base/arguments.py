"""What callers in Python hand in, made into what is wanted, or an InputError of one line.

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
from crossres.datasets.base.places import place
from crossres.datasets.base.suggest import unknown

T = TypeVar("T")
Ids = NDArray[np.int64]
IDS = np.iinfo(np.int64)
NUMBERED = (
    "number them, query and gallery together, with "
    "numpy.unique(numpy.concatenate([query, gallery]), return_inverse=True)[1] "
    "and write -1 for junk and unknown cameras"
)


def as_path(value: Any, what: str) -> Path:
    """Text or a path object -> Path; `what` says what it is of."""
    try:
        text = os.fspath(value)
    except TypeError:
        text = None
    if isinstance(text, str) and "\0" in text:
        raise InputError(f"{what}: there is no such folder or file as {text!r}; check the path")
    if not isinstance(text, str) or not text:
        raise InputError(f"{what}: give a path, as text or pathlib.Path, not {_shown(value)}")
    return place(text)


def as_text(value: Any, what: str) -> str:
    """Text as it is."""
    if not isinstance(value, str):
        raise InputError(f"{what}: give text, not {_shown(value)}")
    return value


def as_choice(value: Any, known: Sequence[str], what: str) -> str:
    """One of some words."""
    if not isinstance(value, str):
        raise InputError(f"{what}: give text, not {_shown(value)}")
    if value not in known:
        raise unknown(what, value, known)
    return value


def as_flag(value: Any, what: str) -> bool:
    """True or False."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{what}: give True or False, not {_shown(value)}")
    return bool(value)


def as_whole(value: Any, what: str, least: int = 0) -> int:
    """A whole number of any integer type, at least `least` -> int."""
    try:
        number = None if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < least:
        raise InputError(f"{what}: give a whole number from {least}, not {_shown(value)}")
    return number


def as_count(value: Any, what: str) -> int:
    """A whole number from 1."""
    return as_whole(value, what, least=1)


def if_given(value: Any, what: str, each: Callable[[Any, str], T]) -> T | None:
    """None as it is, anything else made what is wanted by `each`."""
    return None if value is None else each(value, what)


def as_number(value: Any, what: str) -> float:
    """A finite number of any type -> float."""
    try:
        number = math.nan if isinstance(value, str | bytes) else float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{what}: give a finite number, not {_shown(value)}")
    return number


def as_a(kind: type[T], value: Any, what: str) -> T:
    """An object of a class of ours, or of any class, as it is."""
    if not isinstance(value, kind):
        raise InputError(f"{what}: give a {kind.__name__}, not {_shown(value)}")
    return value


def as_function(value: T, what: str) -> T:
    """What can be called, as it is."""
    if not callable(value):
        raise InputError(f"{what}: give a function, not {_shown(value)}")
    return value


def as_several(value: Any, what: str, each: Callable[[Any, str], T]) -> list[T]:
    """One value or a collection of values, each made what is wanted by `each`, -> a list."""
    if isinstance(value, str | bytes | os.PathLike | Mapping) or not isinstance(value, Iterable):
        return [each(value, what)]
    try:
        values = list(value)
    except Exception as error:  # an iterator of the caller's may raise anything
        raise InputError(f"{what}: {_shown(value)} cannot be read; give a list") from error
    return [each(item, what) for item in values]


def as_array(value: Any, what: str) -> NDArray[Any]:
    """A list, tensor of any device and type, DataFrame or array -> array of plain numbers or text.

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
            f"{what}: {_shown(value)} cannot be made an array; give numbers in rows of one length"
        ) from error
    if np.ma.is_masked(value):
        raise InputError(f"{what}: has masked entries; leave these rows out")
    return array


def as_ids(value: Any, what: str) -> Ids:
    """Whole numbers, (N,), (N, 1) or (1, N), of any type -> (N,) int64; none is ever narrowed."""
    array = as_array(value, what)
    if array.ndim == 2 and 1 in array.shape:
        array = array.reshape(-1)
    if array.ndim != 1:
        raise InputError(f"{what}: must be (images,), not of shape {array.shape}; give one id each")
    if array.dtype.kind in "iu":
        if len(array) and int(array.max()) > IDS.max:
            raise InputError(f"{what}: {array.max()} is beyond 64 bits; {NUMBERED}")
        return array.astype(np.int64)
    if array.dtype.kind == "f":
        exact = 2.0 ** min(53, np.finfo(array.dtype).nmant + 1)  # beyond, ids may be rounded
        if not ((array == np.rint(array)) & (np.abs(array) < exact)).all():
            raise InputError(
                f"{what}: not all of these {array.dtype} are whole numbers; {NUMBERED}"
            )
        return array.astype(np.int64)
    kind = {"U": "text", "S": "text", "b": "truth values"}.get(array.dtype.kind, str(array.dtype))
    raise InputError(f"{what}: must be integers, not {kind}; {NUMBERED}")


def _from_torch(value: Any) -> Any:
    """A tensor as an array: off its device and graph, and of a type that NumPy has."""
    torch = sys.modules.get("torch")  # who hands in a tensor has it imported
    if torch is None or not isinstance(value, torch.Tensor):
        return value
    plain = value.detach().to_dense().cpu().resolve_conj().resolve_neg()
    try:
        return plain.numpy()
    except TypeError:  # bfloat16, float8
        return plain.float().numpy()


def _shown(value: Any) -> str:
    """A value in a line: itself where it is short, else its type."""
    try:
        text = repr(value)
    except Exception:  # a repr of the caller's may raise anything
        text = ""
    short = isinstance(value, str | int | float | tuple | list | None) and len(text) <= 40
    return text if short else f"a {type(value).__name__}"
