"""Options of a method: a frozen dataclass whose values are checked against its annotations.

Later sources win: the dataclass defaults, then the profile, then the caller (a table row).
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any, Final

from crossres.datasets.base.build import build
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.suggest import did_you_mean

LATER: Final = {"later": True}
"""Metadata of a field that came after cells had been run: JSON leaves out its default."""


def resolve(method: str, options: type, *sources: Mapping[str, Any]) -> Any:
    """Return an instance of the dataclass `options` filled from `sources`, the last one winning.

    Raises InputError for a name that `options` does not know or a value of another type or range
    (the dataclass's own `__post_init__` may raise ValueError).
    """
    merged: dict[str, Any] = {}
    for source in sources:
        merged.update(source)
    check_names(method, options, merged)
    return build(options, merged, f"method {method}")


def check_names(method: str, options: type, values: Iterable[str]) -> None:
    """Raise InputError for a name of a value that the dataclass `options` does not know."""
    names = [field.name for field in fields(options)]
    unknown = sorted(set(values) - set(names))
    if unknown:
        raise InputError(
            f"method {method} has no option {unknown[0]!r}{did_you_mean(unknown[0], names)}; "
            f"its options are {', '.join(names) or 'none'}"
        )


def options_as_json(options: Any) -> dict[str, Any]:
    """Return all options with their values, tuples as lists, so that they survive JSON.

    A field with the metadata LATER is left out at its default: keys of older cells stay.
    """
    values = asdict(options)
    for field in fields(options):
        if "later" in field.metadata and values[field.name] == field.default:
            del values[field.name]
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items()
    }
