"""Paths as people write them: "~" stands for a home folder."""

import os
from pathlib import Path

from crossres.datasets.base.errors import InputError


def user_path(path: str | Path) -> Path:
    """Return the path with "~" replaced; InputError where there is no such home folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        home = Path(path).parts[0]
        raise InputError(
            f"{path}: there is no home folder {home}; give the whole path, or ./{home} for a file "
            "of that name"
        ) from None


def default_cache() -> Path:
    """Return the folder for twins and pixel stores: env CROSSRES_CACHE, else ~/.cache/crossres."""
    folder = os.environ.get("CROSSRES_CACHE", "").strip()
    if folder:
        return user_path(folder)
    try:
        return Path.home() / ".cache" / "crossres"
    except RuntimeError:
        raise InputError(
            "this user has no home folder to keep twins and pixels in; give --cache, or set "
            "CROSSRES_CACHE to a folder"
        ) from None
