"""Options of a method: a frozen dataclass whose values are checked against its annotations.

Later sources win: the dataclass defaults, then the profile, then the caller (a table row).
"""

import math
import types
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.suggest import did_you_mean

MOST = 10_000_000  # of a whole number: these count layers, units and steps


def resolve(method: str, options: type, *sources: Mapping[str, Any]) -> Any:
    """Return an instance of the dataclass `options` filled from `sources`, the last one winning.

    Raises InputError for a name that `options` does not know or a value of another type or range
    (the dataclass's own `__post_init__` may raise ValueError).
    """
    merged: dict[str, Any] = {}
    for source in sources:
        merged.update(source)
    names = [field.name for field in fields(options)]
    unknown = sorted(set(merged) - set(names))
    if unknown:
        raise InputError(
            f"method {method} has no option {unknown[0]!r}{did_you_mean(unknown[0], names)}; "
            f"its options are {', '.join(names) or 'none'}"
        )
    hints = get_type_hints(options)
    values = {
        name: _typed(f"method {method}: option {name}", value, hints[name])
        for name, value in merged.items()
    }
    try:
        return options(**values)
    except ValueError as error:
        raise InputError(f"method {method}: {error}") from error


def options_as_json(options: Any) -> dict[str, Any]:
    """Return all options with their values, tuples as lists, so that they survive JSON."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(options).items()
    }


def _typed(where: str, value: Any, hint: Any) -> Any:
    """Return `value` as the type `hint`; a list may stand for a tuple, an int for a float.

    Raises InputError, which begins with `where`, for any other.
    """
    if get_origin(hint) is Literal:
        if value in get_args(hint) and type(value) in {type(a) for a in get_args(hint)}:
            return value
        raise InputError(f"{where} must be one of {_listed(get_args(hint))}, not {value!r}")
    if get_origin(hint) is tuple:
        if isinstance(value, list | tuple):
            return tuple(_typed(where, item, get_args(hint)[0]) for item in value)
    elif get_origin(hint) in (Union, types.UnionType):
        if value is None and type(None) in get_args(hint):
            return None
        return _typed(where, value, next(a for a in get_args(hint) if a is not type(None)))
    elif hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        if math.isfinite(value):
            return float(value)
        raise InputError(f"{where} must be a finite number, not {value!r}")
    elif type(value) is hint:
        if hint is int and abs(value) > MOST:
            raise InputError(f"{where} must be within ±{MOST}, not {value!r}")
        return value
    raise InputError(f"{where} must be {_type_name(hint)}, not {value!r}")


def _listed(values: tuple[Any, ...]) -> str:
    return ", ".join(repr(value) for value in values)


def _type_name(hint: Any) -> str:
    if get_origin(hint) is tuple:
        return f"a list of {getattr(get_args(hint)[0], '__name__', get_args(hint)[0])}"
    return f"of type {getattr(hint, '__name__', hint)}"
