"""What the readers share: listing without junk, names against a grammar, finding, decoding."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crossres.datasets.base.errors import InputError
from crossres.datasets.readers.parts.files import is_file
from crossres.datasets.readers.parts.images import decode as decode
from crossres.datasets.readers.parts.images import image_size as image_size

MARKER = "crossres-twin.json"
EXPORT_LIST = "crossres-export.csv"
_JUNK = {
    "thumbs.db",
    "desktop.ini",
    "__macosx",
    "caviarb",
    "readme",
    "readme.txt",
    "readme.md",
    MARKER,
}


def is_junk(name: str) -> bool:
    """Return whether a file or folder of this name never belongs to a data set."""
    return name.startswith(".") or name.casefold() in _JUNK


def listing(folder: Path) -> list[str]:
    """Return the names in a folder, sorted, without junk; InputError when it cannot be listed."""
    return [entry.name for entry in _entries(folder)]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            data_entries = [entry for entry in entries if not is_junk(entry.name)]
    except OSError as error:
        raise InputError(f"{folder}: cannot be listed ({error.strerror}); check the path") from None
    return sorted(data_entries, key=lambda entry: entry.name)


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder, sorted by name, without junk; [] when it cannot be listed."""
    try:
        return [folder / entry.name for entry in _entries(folder) if _is(entry, folders=True)]
    except InputError:
        return []


_strays: ContextVar[list[Path] | None] = ContextVar("strays", default=None)


@contextmanager
def collecting_strays() -> Iterator[list[Path]]:
    """Yield a list: names outside a grammar are put there, where else the first raises an error."""
    strays: list[Path] = []
    token = _strays.set(strays)
    try:
        yield strays
    finally:
        _strays.reset(token)


def stray(file: Path, grammar: str) -> None:
    """Say that a name is outside the grammar: InputError, unless strays are being collected."""
    strays = _strays.get()
    if strays is None:
        raise InputError(f"{file}: the name is outside the grammar {grammar}; rename or remove it")
    strays.append(file)


def _is(entry: os.DirEntry[str], folders: bool) -> bool:
    """Return whether an entry, or what it links to, is a folder or a regular file."""
    try:
        return entry.is_dir() if folders else entry.is_file()
    except OSError:  # a loop of links, or no right to look
        return False


def matches(
    folder: Path, pattern: re.Pattern[str], grammar: str, folders: bool = False
) -> list[re.Match[str]]:
    """Match every name in a folder, sorted.

    InputError names the first one that is outside the grammar, or that is no regular file (no
    folder, with `folders`).
    """
    name_matches = []
    for entry in _entries(folder):
        match = pattern.fullmatch(entry.name)
        if match is None:
            stray(folder / entry.name, grammar)
            continue
        if not _is(entry, folders):
            kind = "folder" if folders else "regular file"
            raise InputError(
                f"{folder / entry.name}: is no {kind}; remove it or unpack the data set again"
            )
        name_matches.append(match)
    return name_matches


def any_match(folder: Path, pattern: re.Pattern[str]) -> bool:
    """Return whether the folder holds at least one name of the grammar."""
    try:
        with os.scandir(folder) as entries:
            return any(pattern.fullmatch(entry.name) for entry in entries)
    except OSError:
        return False


def search(root: Path, usual: str, is_raw: Callable[[Path], bool]) -> Path | None:
    """Find the raw folder: `root`, the folder above it, or one at most two levels below it.

    Two levels, because a root that holds several raw folders may hold one that was unpacked into a
    folder of its own. Among several of one level the one with the usual name wins; InputError when
    none of them has it.
    """
    for level in _levels(root):
        candidates = [folder for folder in level if is_raw(folder)]
        usual_ones = [folder for folder in candidates if folder.name == usual]
        if len(usual_ones or candidates) > 1:
            both = " and ".join(str(folder) for folder in (usual_ones or candidates)[:2])
            raise InputError(f"{both}: more than one raw folder of this layout; give one of them")
        if candidates:
            return (usual_ones or candidates)[0]
    return None


def _levels(root: Path) -> Iterator[list[Path]]:
    folder = root.parent if is_file(root) else root
    yield [folder]
    children = subfolders(folder)
    yield children
    yield [grandchild for child in children for grandchild in subfolders(child)]
    yield from ([parent] for parent in above(folder))


def above(folder: Path) -> list[Path]:
    """Return the folder above: of the name as it was given, and of what it links to."""
    parents = (Path(path).parent for path in (os.path.abspath(folder), os.path.realpath(folder)))  # noqa: PTH100
    return list(dict.fromkeys(parents))


def open_image(folder: Path, path: str) -> NDArray[np.uint8]:
    """Return `Reader.open_image` of the layouts that keep each image in a file of its own."""
    return decode(folder / path)


def source_file(folder: Path, path: str) -> Path:
    """Return `Reader.source_file` of the layouts that keep each image in a file of its own."""
    return folder / path
