"""The marker file of a twin: what makes its results known as a twin's wherever they appear."""

import json
import os
import re
from pathlib import Path
from typing import Any

from crossres.datasets.base.bounds import HIGHEST_SEED
from crossres.datasets.base.errors import InputError
from crossres.datasets.readers.parts.files import read_whole
from crossres.datasets.readers.parts.listing import MARKER

_SIZE = re.compile(r"[a-z0-9_-]{1,32}")
_MAX_BYTES = 4096
_MAX_VERSION = 1_000_000


def drawn_as(folder: Path, *, with_seed: bool = False) -> str | None:
    """Return the source name of a folder that we drew, from its marker file; None for any other.

    It is "twin:<size>:<version>", and ":<seed>" where that is asked for and not 0.
    Raises InputError when the marker is there but damaged: a twin must never pass as real data.
    """
    marker = _marker(folder)
    if marker is None:
        return None
    try:
        content: Any = json.loads(read_whole(marker, _MAX_BYTES))
        size, version, seed = content["size"], content["version"], content.get("seed", 0)
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise _damaged(marker) from error
    if not isinstance(size, str) or not _SIZE.fullmatch(size):
        raise _damaged(marker)
    if type(version) is not int or not 0 <= version < _MAX_VERSION:
        raise _damaged(marker)
    if type(seed) is not int or not 0 <= seed <= HIGHEST_SEED:
        raise _damaged(marker)
    return f"twin:{size}:{version}" + (f":{seed}" if with_seed and seed else "")


def drawn_layout(folder: Path) -> str | None:
    """Return the further layout in which a folder was drawn; None for the usual one.

    To be asked of a twin alone, whose marker `drawn_as` has found sound.
    """
    marker = _marker(folder)
    content: Any = {} if marker is None else json.loads(read_whole(marker, _MAX_BYTES))
    layout = content.get("layout")
    return layout if isinstance(layout, str) else None


def _marker(folder: Path) -> Path | None:
    """Return the marker, however its name is written: some systems change the case of names."""
    try:
        names = [name for name in os.listdir(folder) if name.casefold() == MARKER]  # noqa: PTH208
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be listed ({error.strerror}); check its permissions"
        ) from error
    return folder / min(names) if names else None


def _damaged(marker: Path) -> InputError:
    return InputError(f"{marker}: not the marker of a twin; delete the twin's folder")
