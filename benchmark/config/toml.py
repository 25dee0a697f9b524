"""Checking the entries of TOML files: every mistake is one line with the file and the remedy.

Used for table and profile files alike.
"""

from collections.abc import Mapping
from typing import Any

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.suggest import unknown

_WORDS = {
    str: "text",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


def checked(
    where: str,
    content: dict[str, Any],
    required: Mapping[str, type],
    optional: Mapping[str, type],
) -> dict[str, Any]:
    """`content` itself when every required key is there, none is unknown and all types fit."""
    known = {**required, **optional}
    for key in content:
        if key not in known:
            raise unknown("entry", key, known, where)
    for key in required:
        if key not in content:
            raise InputError(f"{where}: {key} is missing; add {key} = ... ({_WORDS[known[key]]})")
    for key, value in content.items():
        fits = type(value) is known[key] or (known[key] is float and type(value) is int)
        if not fits:
            raise InputError(f"{where}: {key} must be {_WORDS[known[key]]}, not {value!r}")
    return content
