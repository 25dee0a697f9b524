"""Mappings, such as tables of TOML files and options of methods, made into dataclasses.

Every mistake is an InputError of one line that begins with `where` and says what is wanted.
"""

import math
import types
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.suggest import unknown

MOST = 10_000_000  # of a whole number: these count layers, units and steps

_Built = TypeVar("_Built")
_NONE = type(None)
_hints = cache(get_type_hints)  # it takes longer than the checks
_WORDS = {
    str: "text",
    int: "an integer",
    float: "a finite number",
    bool: "true or false",
    list: "a list",
    tuple: "a list",
    dict: "a table",
    Mapping: "a table",
}


def build(
    cls: type[_Built], content: Mapping[str, Any], where: str, required: Collection[str] = ()
) -> _Built:
    """Return the dataclass with these values, checked against its annotations.

    Fields without a default, and those in `required`, must be there. A ValueError of the class's
    own checks becomes an InputError, too.
    """
    hints = hints_of(cls)
    bare = {
        field.name
        for field in fields(cls)  # type: ignore[arg-type]
        if field.default is MISSING and field.default_factory is MISSING
    }
    values = checked(where, content, hints, {*bare, *required})
    try:
        return cls(**values)
    except ValueError as error:
        raise InputError(f"{where}: {error}") from error


def hints_of(cls: type) -> dict[str, Any]:
    """Return the type of each field of a dataclass."""
    hints = _hints(cls)
    return {field.name: hints[field.name] for field in fields(cls)}


def checked(
    where: str, content: Any, hints: Mapping[str, Any], required: Collection[str] = ()
) -> dict[str, Any]:
    """Return the entries of a mapping, each as the type that its hint names.

    Raises InputError for an entry without a hint, a required one that is missing, and a value of
    another type.
    """
    if not isinstance(content, Mapping):
        raise InputError(f"{where} must be a table, not {content!r}")
    for name in content:
        if name not in hints:
            raise unknown("entry", name, hints, where)
    for name, hint in hints.items():
        if name in required and name not in content:
            raise InputError(f"{where}: {name} is missing; add {name} = ... ({_words(hint)})")
    return {name: typed(f"{where}: {name}", content[name], hints[name]) for name in content}


def typed(where: str, value: Any, hint: Any) -> Any:
    """Return `value` as the type `hint`; a list may stand for a tuple, an int for a float.

    Raises InputError, which begins with `where`, for any other.
    """
    kind = get_origin(hint) or hint
    if kind is Any:
        return value
    if kind is Literal:
        if value in get_args(hint) and type(value) in {type(a) for a in get_args(hint)}:
            return value
    elif kind is tuple:
        if isinstance(value, list | tuple):
            return tuple(typed(where, item, get_args(hint)[0]) for item in value)
    elif kind in (Union, types.UnionType):
        if value is None and _NONE in get_args(hint):
            return None
        *first, last = (choice for choice in get_args(hint) if choice is not _NONE)
        for choice in first:
            with suppress(InputError):
                return typed(where, value, choice)
        return typed(where, value, last)
    elif kind is float:
        if isinstance(value, int | float) and type(value) is not bool and math.isfinite(value):
            return float(value)
    elif kind is Mapping:
        if isinstance(value, Mapping):
            return value
    elif type(value) is kind:
        if kind is int and abs(value) > MOST:
            raise InputError(f"{where} must be within ±{MOST}, not {value!r}")
        return value
    raise InputError(f"{where} must be {_words(hint)}, not {value!r}")


def _words(hint: Any) -> str:
    kind = get_origin(hint) or hint
    if kind is Literal:
        return f"one of {', '.join(repr(value) for value in get_args(hint))}"
    if kind in (Union, types.UnionType):
        return " or ".join(_words(choice) for choice in get_args(hint) if choice is not _NONE)
    return _WORDS.get(kind, f"of type {getattr(kind, '__name__', kind)}")
