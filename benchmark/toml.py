"""Reading TOML files that people write: every mistake is one line with the file and the remedy.

Used for table and profile files alike.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datasets.errors import InputError

_WORDS = {
    str: "text",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """The content of the TOML file at `path`; InputError when it cannot be read or parsed."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{what} file {path} does not exist; check the path") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{what} file {path} cannot be read ({error})") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{what} file {path} is not valid TOML: {error}") from error


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
            raise InputError(f"{where}: unknown entry {key!r}; known are {', '.join(known)}")
    for key in required:
        if key not in content:
            raise InputError(f"{where}: {key} is missing; add {key} = ... ({_WORDS[known[key]]})")
    for key, value in content.items():
        fits = type(value) is known[key] or (known[key] is float and type(value) is int)
        if not fits:
            raise InputError(f"{where}: {key} must be {_WORDS[known[key]]}, not {value!r}")
    return content
