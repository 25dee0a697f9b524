"""What the readers share: listing without junk, names against a grammar, finding, decoding."""

import io
import os
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from datasets.errors import InputError

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
_FORMATS = ("JPEG", "PNG", "BMP")  # decoded by content: a .png that holds JPEG bytes is fine
_NOT_AN_IMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


def is_junk(name: str) -> bool:
    """Whether a file or folder of this name never belongs to a data set."""
    return name.startswith(".") or name.casefold() in _JUNK


def listing(folder: Path) -> list[str]:
    """The names in a folder, sorted, without junk; InputError when it cannot be listed."""
    try:
        return sorted(name for name in os.listdir(folder) if not is_junk(name))  # noqa: PTH208
    except OSError as error:
        raise InputError(f"{folder}: cannot be listed ({error.strerror}); check the path") from None


def subfolders(folder: Path) -> list[Path]:
    """The folders in a folder, sorted by name, without junk; [] when it cannot be listed."""
    try:
        names = sorted(name for name in os.listdir(folder) if not is_junk(name))  # noqa: PTH208
    except OSError:
        return []
    return [folder / name for name in names if (folder / name).is_dir()]


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


def matches(folder: Path, pattern: re.Pattern[str], grammar: str) -> list[re.Match[str]]:
    """Match every name in a folder; InputError names the first one outside the grammar."""
    found = []
    for name in listing(folder):
        match = pattern.fullmatch(name)
        if match is None:
            stray(folder / name, grammar)
        else:
            found.append(match)
    return found


def any_match(folder: Path, pattern: re.Pattern[str]) -> bool:
    """Whether the folder holds at least one name of the grammar."""
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
        found = [folder for folder in level if is_raw(folder)]
        named = [folder for folder in found if folder.name == usual]
        if len(named or found) > 1:
            both = " and ".join(str(folder) for folder in (named or found)[:2])
            raise InputError(f"{both}: more than one raw folder of this layout; give one of them")
        if found:
            return (named or found)[0]
    return None


def _levels(root: Path) -> Iterator[list[Path]]:
    folder = root.parent if root.is_file() else root
    yield [folder]
    children = subfolders(folder)
    yield children
    yield [grandchild for child in children for grandchild in subfolders(child)]
    yield [folder.resolve().parent]


def decode(file: Path) -> NDArray[np.uint8]:
    """Decode an image by its content to (H, W, 3) uint8 RGB.

    Raises InputError naming the file when it is missing, truncated, or not JPEG, PNG or BMP.
    """
    try:
        # Read whole first: the decoder would ask for it in dozens of small pieces.
        with Image.open(io.BytesIO(file.read_bytes()), formats=_FORMATS) as image:
            # Other code in the process may have asked for grey instead of an error.
            ImageFile.LOAD_TRUNCATED_IMAGES = False
            return np.array(image.convert("RGB"), dtype=np.uint8)
    except _NOT_AN_IMAGE as error:
        raise _undecodable(file, error) from error


def open_image(folder: Path, path: str) -> NDArray[np.uint8]:
    """`Reader.open_image` of the layouts that keep each image in a file of its own."""
    return decode(folder / path)


def source_file(folder: Path, path: str) -> Path:
    """`Reader.source_file` of the layouts that keep each image in a file of its own."""
    return folder / path


def image_size(file: Path) -> tuple[int, int]:
    """Return (width, height) from the header alone; InputError as in `decode`."""
    try:
        with Image.open(file, formats=_FORMATS) as image:
            return image.size
    except _NOT_AN_IMAGE as error:
        raise _undecodable(file, error) from error


def _undecodable(file: Path, error: BaseException) -> InputError:
    if isinstance(error, FileNotFoundError):
        return InputError(f"{file}: the image is missing; unpack the data set again")
    reason = " ".join(str(error).replace(str(file), "file").split())
    return InputError(f"{file}: not a whole JPEG, PNG or BMP image ({reason}); copy it again")
