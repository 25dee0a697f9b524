"""What a profile sets otherwise than a method itself, whose grade speaks of the method itself.

The options that a row of the table sets are no departures: the row asks for them by its label.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from crossres.benchmark.config.tables import Row
from crossres.methods.interface.declaration import Declaration
from crossres.methods.interface.option_kinds import CHANGING, OptionKind, kind_of
from crossres.methods.interface.options import options_as_json


@dataclass(frozen=True)
class Departure:
    """An option with the profile's value and the method's own; JSON values."""

    option: str
    kind: OptionKind
    value: Any
    own: Any

    @property
    def changes_method(self) -> bool:
        """Whether it is more than the size or the schedule that differs."""
        return self.kind in CHANGING


def departures_of(
    row: Row, method: type[Declaration], options: Mapping[str, Any]
) -> tuple[Departure, ...]:
    """Return the departures in the resolved options of a row, those that change the method first.

    `options` are those of the row under the profile, JSON values.
    """
    own = options_as_json(method.Options())
    departures = [
        Departure(name, kind_of(method, name), options[name], value)
        for name, value in own.items()
        if name not in row.options and options[name] != value
    ]
    order = get_args(OptionKind)
    return tuple(sorted(departures, key=lambda departure: order.index(departure.kind)))
