"""SHA-256 sums of a raw folder, in the lines of sha256sum, and their comparison with a record."""

import codecs
import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import write_atomically
from crossres.datasets.base.progress import progress
from crossres.datasets.base.texts import decode
from crossres.datasets.readers import RawImage, Reader
from crossres.datasets.readers.parts.listing import is_junk

Sums = Mapping[str, str]
"""Path below the raw folder, with "/" between its parts -> hex SHA-256."""

_LINE = re.compile(rb"(\\?)([0-9a-fA-F]{64}) [ *](.+)")
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}
_REMEDY = "give another file, or delete this one and it is written anew"


@dataclass(frozen=True)
class Differences:
    """Paths, sorted: in the record only, in the folder only, in both with other bytes."""

    missing: tuple[str, ...]
    extra: tuple[str, ...]
    changed: tuple[str, ...]


def files_of(
    folder: Path, layout: Reader, images: Iterable[RawImage], excluded: Path | None = None
) -> list[str]:
    """Return all files of a raw folder, sorted: those of the images and whatever lies beside them.

    Left out are hidden files, the litter of file managers, and `excluded`. Linked folders are
    entered only where images are in them.
    """
    paths = {layout.source_file(folder, image.path) for image in images}
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths.update(Path(parent, name) for name in names if _is_worth_it(name))
    excluded_path = excluded.resolve() if excluded is not None else None
    return sorted(
        path.relative_to(folder).as_posix()
        for path in paths
        if path.is_file() and path.resolve() != excluded_path
    )


def _is_worth_it(name: str) -> bool:
    return not is_junk(name) or name.casefold().startswith(("readme", "crossres"))


def hash_files(folder: Path, paths: Iterable[str]) -> Sums:
    """Hash files; InputError names one that cannot be read."""
    paths = list(paths)
    sizes = {path: (folder / path).stat().st_size for path in paths}
    total, done, sums = sum(sizes.values()), 0, {}
    with progress(f"hashing {folder.name}", 1 << 20, "MiB") as report:
        for path in paths:
            try:
                with (folder / path).open("rb") as file:
                    sums[path] = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise InputError(
                    f"{folder / path}: cannot be read ({error.strerror}); copy it again"
                ) from error
            done += sizes[path]
            report(done, total)
    return sums


def lines_of(sums: Sums) -> bytes:
    """Return the sums as sha256sum writes them, sorted by path, for `sha256sum -c` there."""
    lines = []
    for path in sorted(sums):
        escaped = "".join(_ESCAPES.get(character, character) for character in path)
        mark = "\\" if escaped != path else ""
        lines.append(f"{mark}{sums[path]}  {escaped}\n")
    return "".join(lines).encode("utf-8", "surrogateescape")


def write_record(file: Path, sums: Sums) -> None:
    """Write a record whole or not at all."""
    write_atomically(file, lines_of(sums))


def read_record(file: Path) -> Sums:
    """Read a record of ours or of sha256sum's; InputError names the line that is none."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); {_REMEDY}") from error
    sums: dict[str, str] = {}
    for number, line in enumerate(_lines(content), start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise InputError(f"{file}: line {number} is not `sha256  path`; {_REMEDY}")
        path = os.fsdecode(match[3])
        sums[_unescaped(path) if match[1] else path] = match[2].decode("ascii").lower()
    if not sums:
        raise InputError(f"{file}: holds no sum; {_REMEDY}")
    return sums


def _lines(content: bytes) -> list[bytes]:
    """Return the lines of a record; names are bytes, so only text with a mark is decoded."""
    if content.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        with suppress(ValueError):
            return decode(content).encode("utf-8", "surrogateescape").splitlines()
    return content.splitlines()


def _unescaped(path: str) -> str:
    plain = {escape: character for character, escape in _ESCAPES.items()}
    return re.sub(r"\\[\\nr]", lambda match: plain[match[0]], path)


def compare(recorded: Sums, actual: Sums) -> Differences:
    """Return what a folder lacks, has too much, and has changed since it was recorded."""
    return Differences(
        missing=tuple(sorted(recorded.keys() - actual.keys())),
        extra=tuple(sorted(actual.keys() - recorded.keys())),
        changed=tuple(
            sorted(p for p in recorded.keys() & actual.keys() if recorded[p] != actual[p])
        ),
    )
