"""Identities and cameras that are texts: numbered in their order, query and gallery together."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.datasets.base.arguments import as_array, as_column, as_ids
from crossres.datasets.base.errors import InputError

Ids = NDArray[np.int64]
Texts = NDArray[np.str_]
NONE = "-1"  # junk, or an unknown camera, as a text


def numbered(values: Mapping[str, Any]) -> tuple[list[Ids], Texts | None]:
    """Return ids as numbers, in the order of `values` (names -> (N,) numbers or texts), and texts.

    Numbers stay as they are, and there are no texts. Texts are numbered from 0 in the order of
    their characters, all arrays together: i stands for texts[i]; "-1" stays -1. InputError for
    anything else, and for numbers in one array and texts in another.
    """
    arrays = {name: as_texts(value, name) for name, value in values.items()}
    textual = [name for name, array in arrays.items() if array is not None]
    if not textual:
        return [as_ids(value, name) for name, value in values.items()], None
    if others := [name for name in values if name not in textual]:
        raise InputError(
            f"{textual[0]} are texts and {others[0]} are not; save both as texts, or as numbers"
        )
    columns = [array for array in arrays.values() if array is not None]
    together = np.concatenate(columns)
    texts, inverse = np.unique(together[together != NONE], return_inverse=True)
    numbers = np.full(len(together), -1, np.int64)
    numbers[together != NONE] = inverse
    return np.split(numbers, np.cumsum([len(column) for column in columns])[:-1]), texts


def as_texts(value: Any, name: str) -> Texts | None:
    """Return texts (N,), (N, 1) or (1, N) as (N,); None for what is no text. InputError."""
    array = as_array(value, name)
    if array.dtype.kind not in "UST":
        return None
    array = as_column(array, name)
    if array.dtype.kind != "S":
        return np.array(array.tolist(), dtype=np.str_)
    try:
        return np.strings.decode(array, "utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: holds bytes that are no UTF-8; save texts") from error


def id_of(number: int, texts: Texts | None) -> int | str:
    """Return the id that a number stands for: itself where there are no texts."""
    if texts is None:
        return number
    return NONE if number < 0 else str(texts[number])
