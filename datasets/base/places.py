"""Paths as people write them: "~" stands for a home folder."""

import os
from pathlib import Path

from crossres.datasets.base.errors import InputError


def place(path: str | Path) -> Path:
    """The path of a file or folder, with "~" replaced; InputError where there is no such home."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        name = Path(path).parts[0]
        raise InputError(
            f"{path}: there is no home folder {name}; give the whole path, or ./{name} for a file "
            "of that name"
        ) from None


def default_cache() -> Path:
    """The folder for twins and pixel stores: env CROSSRES_CACHE, else ~/.cache/crossres."""
    given = os.environ.get("CROSSRES_CACHE", "").strip()
    if given:
        return place(given)
    try:
        return Path.home() / ".cache" / "crossres"
    except RuntimeError:
        raise InputError(
            "this user has no home folder to keep twins and pixels in; give --cache, or set "
            "CROSSRES_CACHE to a folder"
        ) from None
