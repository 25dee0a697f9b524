"""What an option sets: something that makes a method what it is, or its size and schedule alone.

Only reports ask, so that no cell depends on the answer. option_kinds.toml has those of our methods.
"""

import tomllib
from pathlib import Path
from typing import Literal, cast, get_args

from crossres.methods.interface.declaration import Declaration

Changing = Literal["networks", "head", "comparison", "losses", "augmentation", "options"]
OptionKind = Literal[Changing, "size", "schedule"]
# Those that change a method; "options" are a plug-in's own, of which nothing more is known.
CHANGING: tuple[Changing, ...] = get_args(Changing)

_FILE = Path(__file__).with_name("option_kinds.toml")
NAMES: dict[str, list[str]] = tomllib.loads(_FILE.read_text(encoding="utf-8"))
_KINDS = {name: cast(OptionKind, kind) for kind, names in NAMES.items() for name in names}


def kind_of(method: type[Declaration], option: str) -> OptionKind:
    """Return the kind of an option of `method`.

    An option of a plug-in is of the kind that ours of that name are; else it is "size" where
    `small_options` has it, and "options" where not.
    """
    return _KINDS.get(option, "size" if option in method.small_options else "options")
