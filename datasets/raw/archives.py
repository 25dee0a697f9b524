"""The owners' zip archives, read as they are: unpacked once into the cache, whole or not at all.

The folder in the cache is named by a digest of the archive's listing (names, sizes, CRC-32 and
times of all members), so a renamed, moved or touched copy is the same archive.
"""

import json
import logging
import os
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import DISK_IS_FULL, digest_of, replace_folder
from crossres.datasets.base.in_use import mark_used, marked_while_made
from crossres.datasets.base.kinds import SPLIT_ZIP, ZIP, kind_of_file
from crossres.datasets.base.progress import Report, progress
from crossres.datasets.cards import CARDS, Card
from crossres.datasets.readers import reader

ARCHIVES = "archives"  # the folder of a cache
_VERSION = 1
_CONTENT = "content"  # below a folder of ours, so that no reader looks at the archives beside it
_MAX_MEMBERS = 1_000_000
_MAX_RATIO = 200  # images and their containers shrink by 2 to 20
_CHUNK = 1 << 20
_MAX_END = 22 + (1 << 16)  # bytes of the last record and the comment after it
_SAMPLE = 20  # names per folder that are enough to recognise a layout
_JUNK = {"__macosx", "thumbs.db", "desktop.ini"}
_READ = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_METHODS = {9: "Deflate64", 93: "Zstandard", 95: "xz", 98: "PPMd", 99: "AES encryption"}
_ELSEWHERE = "with 7-Zip or unzip and give the folder"
_EPOCH = 315532800  # 1980, the first time that a zip archive can hold
_LZMA_DAMAGE: tuple[type[Exception], ...]
try:
    from lzma import LZMAError

    _LZMA_DAMAGE = (LZMAError,)
except ImportError:  # a Python that was built without it unpacks no such entry
    _LZMA_DAMAGE = ()
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    *_LZMA_DAMAGE,
    struct.error,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Member:
    """One file to unpack: its safe path below the content folder, size, CRC-32 and time (UTC)."""

    path: str
    size: int
    crc: int
    time: int
    info: zipfile.ZipInfo


@dataclass(frozen=True)
class _Opened:
    """An archive while it is open for reading; `members` are checked and sorted by path."""

    archive: Path
    file: zipfile.ZipFile
    members: tuple[_Member, ...]


def is_archive(root: Path) -> bool:
    """Return whether `root` is an archive: a file named .zip."""
    return root.suffix.casefold() == ".zip" and root.is_file()


def find_in_archive(card: Card, root: Path, cache: Path) -> Path | None:
    """Return the raw folder of a set inside an archive, unpacking it into `cache` if need be.

    `root` is the archive or a folder that holds it: under one of the owners' names, or the only one
    whose listing has the layout of the set. None when there is no such archive. Raises InputError
    naming the archive that is damaged, unsafe, encrypted, or does not hold the set.
    """
    archive = root if is_archive(root) else _choose(card, root)
    if archive is None:
        return None
    content = _unpacked(archive, card.id, cache)
    folder = reader(card.reader).find(content)
    if folder is None:
        raise InputError(
            f"{archive}: holds no raw folder of {card.id}; expected {card.layout}; "
            f"obtain it from {card.obtain}"
        )
    return folder


def _choose(card: Card, root: Path) -> Path | None:
    """Return the archive of a set in a folder: by the owners' names, else by its listing."""
    archives = _archives(root)
    owners_names = {name.casefold() for name in card.archives}
    all_names = {name.casefold() for card in CARDS.values() for name in card.archives}
    candidates = [archive for archive in archives if archive.name.casefold() in owners_names] or [
        archive
        for archive in archives
        if archive.name.casefold() not in all_names and _has_layout(card, archive)
    ]
    if len(candidates) > 1:
        raise InputError(
            f"{candidates[0]} and {candidates[1]}: more than one archive of {card.id}; "
            "give one of them"
        )
    return candidates[0] if candidates else None


def _archives(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    try:
        names = sorted(os.listdir(root))  # noqa: PTH208
    except OSError as error:
        raise InputError(f"{root}: cannot be listed ({error.strerror}); check the path") from None
    return [root / name for name in names if not name.startswith(".") and is_archive(root / name)]


def _has_layout(card: Card, archive: Path) -> bool:
    """Return whether a reader finds its layout in empty files with the names of the members."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "a" / "b"  # deep enough that readers look at nothing but this tree
        try:
            with _opened(archive) as opened:
                for path in _sample(opened.members):
                    (root / path).parent.mkdir(parents=True, exist_ok=True)
                    (root / path).touch()
            return root.is_dir() and reader(card.reader).find(root) is not None
        except (InputError, OSError):
            return False  # a zip that nobody named: not ours to complain about


def _sample(members: tuple[_Member, ...]) -> Iterator[str]:
    names: Counter[str] = Counter()
    for member in members:
        folder = member.path.rpartition("/")[0]
        names[folder] += 1
        if names[folder] <= _SAMPLE:
            yield member.path


def _unpacked(archive: Path, dataset: str, cache: Path) -> Path:
    """Return the content of the archive in the cache; unpack it when it is absent or damaged."""
    with _opened(archive) as opened:
        folder = cache / ARCHIVES / _digest(opened.members)[:32]
        title = {"dataset": dataset, "archive": archive.name}
        if folder.exists():
            mark_used(cache, ARCHIVES, folder.name, title)
        if folder.exists() and not _is_unpacked(folder / _CONTENT, opened.members):
            _log.warning("%s: not what %s holds; unpacking it again", folder, archive)
            shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            _check_packing(archive, opened.members)
            _check_room(archive, cache, sum(member.size for member in opened.members))
            with (
                marked_while_made(cache, ARCHIVES, folder.name, title),
                replace_folder(folder) as temporary,
                progress(f"unpacking {archive.name}", 1 << 20, "MiB") as report,
            ):
                _unpack(opened, temporary / _CONTENT, report)
    return folder / _CONTENT


def _digest(members: tuple[_Member, ...]) -> str:
    lines = (f"{m.size} {m.crc} {m.time} {json.dumps(m.path)}\n" for m in members)
    return digest_of(f"archive {_VERSION}\n".encode(), *map(str.encode, lines))


def _is_unpacked(content: Path, members: tuple[_Member, ...]) -> bool:
    """Return whether these files and no others are there, with their sizes and times."""
    try:
        stats = [(content / member.path).stat() for member in members]
    except OSError:
        return False
    return all(
        (status.st_size, int(status.st_mtime)) == (member.size, member.time)
        for status, member in zip(stats, members, strict=True)
    ) and len(members) == sum(len(files) for _, _, files in os.walk(content))


def _check_room(archive: Path, cache: Path, needed: int) -> None:
    folder = next(folder for folder in (cache, *cache.absolute().parents) if folder.exists())
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"{archive}: unpacks to {needed:,} bytes, and {folder} has {free:,} free; "
            "free the disk or choose another cache"
        )


@contextmanager
def _opened(archive: Path) -> Iterator[_Opened]:
    with ExitStack() as stack:
        try:
            file = stack.enter_context(zipfile.ZipFile(archive))
            members = _members(archive, file)
        except UnicodeDecodeError as error:
            raise InputError(
                f"{archive}: has names that it says are UTF-8 and are not; unpack it {_ELSEWHERE}"
            ) from error
        except _BROKEN as error:
            raise _no_archive(archive) from error
        except OSError as error:
            raise InputError(f"{archive}: cannot be read ({error.strerror}); check it") from error
        yield _Opened(archive, file, members)


def _members(archive: Path, file: zipfile.ZipFile) -> tuple[_Member, ...]:
    infos = file.infolist()
    end = _last_record(archive)
    (count,) = struct.unpack_from("<H", end, 10)
    # zipfile checks neither. 0xFFFF: the count is that of a zip64 record.
    if _is_split(end) or count not in (len(infos) & 0xFFFF, 0xFFFF):
        raise _no_archive(archive)
    if len(infos) > _MAX_MEMBERS:
        raise _unsafe(archive, f"lists {len(infos):,} entries")
    size, packed = sum(info.file_size for info in infos), archive.stat().st_size
    if size > _MAX_RATIO * packed:
        raise _unsafe(archive, f"unpacks {packed:,} to {size:,} bytes")
    members = []
    for info in infos:
        path = _safe_path(archive, info)
        if not info.is_dir() and not any(_is_junk(part) for part in path.split("/")):
            _check_kind(archive, info)
            members.append(_Member(path, info.file_size, info.CRC, _time(info), info))
    return tuple(sorted(members, key=lambda member: member.path))


def _last_record(archive: Path) -> bytes:
    """Return the record that ends a zip archive, and what follows; b"" if there is none."""
    with archive.open("rb") as file:
        file.seek(max(0, archive.stat().st_size - _MAX_END))
        end = file.read()
    start = end.rfind(b"PK\5\6")
    return end[start:] if start >= 0 else b""


def _is_split(end: bytes) -> bool:
    """Return whether the last record numbers its part other than 0 (0xFFFF: it is a zip64 one)."""
    return any(end[start : start + 2] not in (b"", b"\0\0", b"\xff\xff") for start in (4, 6))


def _is_junk(part: str) -> bool:
    return part.startswith(".") or part.casefold() in _JUNK


def _safe_path(archive: Path, info: zipfile.ZipInfo) -> str:
    """Return the path of an entry below the folder that it is unpacked into."""
    name = info.filename.replace("\\", "/").removesuffix("/")
    parts = name.split("/")
    outside = not name or name.startswith("/") or ":" in parts[0] or ".." in parts
    if outside or any(character < " " for character in name):
        raise _unsafe(archive, f"has an entry {info.filename!r}, which names no file below it")
    return "/".join(part for part in parts if part not in ("", "."))


def _check_kind(archive: Path, info: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise _unsafe(archive, f"has an entry {info.filename!r} that is a link or device, no file")


def _check_packing(archive: Path, members: tuple[_Member, ...]) -> None:
    """Refuse an undamaged archive that Python cannot unpack, but other programs can."""
    for member in members:
        fault = packing_fault(member.info)
        if fault:
            raise InputError(f"{archive}: {fault}")


def damaged_entry(file: zipfile.ZipFile) -> str | None:
    """Return the name of the first entry that cannot be unpacked as it was packed; None: all can.

    Of `ZipFile.testzip` an entry that is damaged so that it cannot be decompressed is an error.
    """
    for info in file.infolist():
        try:
            with file.open(info) as packed:
                while packed.read(_CHUNK):
                    pass
        except (*_BROKEN, OSError) as error:
            if not is_damage(error):
                raise
            return info.filename
    return None


def is_damage(error: BaseException) -> bool:
    """Say whether an error that came of unpacking is about what is packed."""
    # What bzip2 finds damaged is an OSError, though not one of the system.
    return isinstance(error, _BROKEN) or (isinstance(error, OSError) and error.errno is None)


def packing_fault(info: zipfile.ZipInfo) -> str:
    """Return why an entry cannot be unpacked here and what helps; "" when it can."""
    if info.flag_bits & 0x1:
        return (
            f"entry {info.filename!r} is encrypted; unpack it with the password of its owners "
            "and give the folder"
        )
    method = info.compress_type
    if method in _READ:
        return ""
    name = f"{_METHODS[method]} (method {method})" if method in _METHODS else f"method {method}"
    return (
        f"entry {info.filename!r} is packed by {name}, which is not read here though the archive "
        f"may be whole; unpack it {_ELSEWHERE}"
    )


def _time(info: zipfile.ZipInfo) -> int:
    """Return the time of an entry in seconds, read as UTC; 1980 if there is no such time."""
    try:
        return int(datetime(*info.date_time, tzinfo=UTC).timestamp())
    except ValueError:
        return _EPOCH


def _unpack(opened: _Opened, content: Path, report: Report) -> None:
    total, done = sum(member.size for member in opened.members), 0
    content.mkdir()
    for member in opened.members:
        target = content / member.path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened.file.open(member.info) as packed, target.open("xb") as file:
                shutil.copyfileobj(packed, file, _CHUNK)
        except _BROKEN as error:
            raise _damaged(opened.archive, member.path) from error
        except (FileExistsError, NotADirectoryError) as error:
            raise _unsafe(
                opened.archive, f"has {member.path!r} twice, or its folder as a file"
            ) from error
        except OSError as error:
            if is_damage(error):
                raise _damaged(opened.archive, member.path) from error
            if error.errno in DISK_IS_FULL:  # which `replace_folder` explains
                raise
            raise InputError(
                f"{opened.archive}: entry {member.path!r} cannot be written ({error.strerror}); "
                "choose a cache on another disk, or unpack it yourself and give the folder"
            ) from error
        if target.stat().st_size != member.size:
            raise _damaged(opened.archive, member.path)
        os.utime(target, (member.time, member.time))
        done += member.size
        report(done, total)


def _damaged(archive: Path, path: str) -> InputError:
    return InputError(f"{archive}: entry {path!r} is damaged; copy or download it again")


def _no_archive(archive: Path) -> InputError:
    return InputError(f"{archive}: {archive_fault(archive)}")


def archive_fault(archive: Path) -> str:
    """Return what a file is that zipfile cannot open, and what helps."""
    kind, end = kind_of_file(archive), _last_record(archive)
    if kind == SPLIT_ZIP or _is_split(end):
        return (
            "one part of a split zip archive; put its parts (.z01, .z02, ... .zip) side by side, "
            f"unpack them {_ELSEWHERE}"
        )
    if kind.name and kind != ZIP:
        return f"not a zip archive but {kind.name}; {kind.remedy or 'download it again'}"
    fault = "its end is missing or damaged" if kind.name else "it begins like none"
    size = archive.stat().st_size
    return f"not a whole zip archive ({size:,} bytes, {fault}); copy or download it again"


def _unsafe(archive: Path, fault: str) -> InputError:
    return InputError(f"{archive}: {fault}; this is not an archive of the owners, get theirs")
