"""What lies in a cache: each thing by its kind and a name for people, its size, its last use.

Only what has the names and the files of ours is listed; all else is foreign, and left alone.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import TEMPORARY
from crossres.datasets.base.in_use import USED, is_in_use, mark_of
from crossres.datasets.base.sizes import size_of, stats_in
from crossres.datasets.cards import CARDS
from crossres.datasets.pixels.lock import is_locked
from crossres.datasets.pixels.plan import STORE_VERSION
from crossres.datasets.pixels.store import DESCRIPTION, PARTIAL, PIXELS, PIXELS_FILE
from crossres.datasets.raw.archives import ARCHIVES
from crossres.datasets.raw.native_sizes import SIZES
from crossres.datasets.raw.source import TWINS
from crossres.datasets.readers.parts.listing import MARKER
from crossres.datasets.twins.sizes import TWIN_VERSION

Kind = Literal["twin", "store", "archive", "leftover"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_FOLDERS: Mapping[str, Kind] = {TWINS: "twin", PIXELS: "store", ARCHIVES: "archive"}
_TWIN = re.compile(
    r"(?P<size>[a-z0-9_]+)-v(?P<version>\d+)-(?P<dataset>[a-z0-9-]+?)(-(?P<seed>\d+))?"
)
_DIGEST = re.compile(r"[0-9a-f]{32}")
_ASIDE = re.compile(r"(?P<name>.+)\.[0-9a-f]{32}\.(damaged|removed)")
_WORKPLACE = re.compile(r"(?P<name>[0-9a-f]{32})")
_NOTE = re.compile(r"[0-9a-f]{32}\.json")


@dataclass(frozen=True)
class Entry:
    """One thing in the cache.

    `name` is that of its file or folder, `title` what people call it, `dataset` its id ("" where
    not known), `folder` that of the cache it lies in. `last_used` in seconds since 1970: when it
    was last opened, at least when it was made. `obsolete`: this version never opens it again.
    `guard` is the mark that a process holds which has it open, or makes it.
    """

    kind: Kind
    path: Path
    title: str
    dataset: str
    size: int
    last_used: float
    in_use: bool
    obsolete: bool
    guard: tuple[str, str]

    @property
    def name(self) -> str:
        """Its file name."""
        return self.path.name


@dataclass(frozen=True)
class CacheContents:
    """All entries by kind and title, and what is not ours: paths."""

    cache: Path
    entries: tuple[Entry, ...]
    foreign: tuple[Path, ...]

    @property
    def size(self) -> int:
        """The bytes of all entries."""
        return sum(entry.size for entry in self.entries)


def cache_contents(cache: Path) -> CacheContents:
    """List a cache; one that is not there is empty. InputError where it cannot be listed."""
    entries, foreign = [], []
    for path in _within(cache):
        if path.name not in (*_FOLDERS, PARTIAL, SIZES, USED):
            foreign.append(path)
            continue
        for inner in _within(path) if path.name != USED else ():
            entry = None if inner.is_symlink() else _entry(cache, path.name, inner)
            if entry is not None:
                entries.append(entry)
            elif not _is_small(inner):
                foreign.append(inner)
    order = {kind: number for number, kind in enumerate(KINDS)}
    entries.sort(key=lambda entry: (order[entry.kind], entry.title, entry.name))
    return CacheContents(cache, tuple(entries), tuple(foreign))


def _is_small(path: Path) -> bool:
    """Say whether it is what a cache has beside its entries: a lock, the sizes of some images."""
    if path.parent.name == PARTIAL:
        return path.suffix == ".lock" and _DIGEST.fullmatch(path.stem) is not None
    return path.parent.name == SIZES and _NOTE.fullmatch(path.name) is not None


def _within(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be listed ({error.strerror}); check its permissions"
        ) from error


def _entry(cache: Path, folder: str, path: Path) -> Entry | None:
    """Return what lies at a path of the cache; None where it is not ours."""
    if folder == PARTIAL:
        workplace = _WORKPLACE.fullmatch(path.name) or _ASIDE.fullmatch(path.name)
        return None if workplace is None else _leftover(cache, PIXELS, workplace["name"], path)
    temporary = TEMPORARY.fullmatch(path.name)
    if temporary is not None:
        return _leftover(cache, folder, temporary["name"], path)
    makers = {TWINS: _twin, PIXELS: _store, ARCHIVES: _archive}
    return makers[folder](cache, path) if folder in makers else None


def _made(
    cache: Path, folder: str, path: Path, title: str, dataset: str, *, obsolete: bool = False
) -> Entry:
    mark = mark_of(cache, folder, path.name)
    last_used = max(path.stat().st_mtime, mark.last_used if mark else 0.0)
    in_use = is_in_use(cache, folder, path.name)
    guard, size = (folder, path.name), size_of(path)
    return Entry(_FOLDERS[folder], path, title, dataset, size, last_used, in_use, obsolete, guard)


def _twin(cache: Path, path: Path) -> Entry | None:
    words = _TWIN.fullmatch(path.name)
    if words is None or not any(path.glob(f"*/{MARKER}")):
        return None
    version = int(words["version"])
    title = f"{words['dataset']}, twin of size {words['size']}, seed {words['seed'] or 0}"
    if version != TWIN_VERSION:
        title += f", version {version}"
    obsolete = version != TWIN_VERSION or words["dataset"] not in CARDS
    return _made(cache, TWINS, path, title, words["dataset"], obsolete=obsolete)


def _store(cache: Path, path: Path) -> Entry | None:
    if not _DIGEST.fullmatch(path.name) or not path.is_dir():
        return None
    names = {file.name for file in path.iterdir() if not TEMPORARY.fullmatch(file.name)}
    if not names <= {DESCRIPTION, PIXELS_FILE}:
        return None
    content = _description(path / DESCRIPTION)
    mark = mark_of(cache, PIXELS, path.name)
    title, dataset = _title_of_store(content, mark.title if mark else {})
    obsolete = content.get("store") != STORE_VERSION
    return _made(cache, PIXELS, path, title, dataset, obsolete=obsolete)


def _title_of_store(content: Mapping[str, Any], title: Mapping[str, Any]) -> tuple[str, str]:
    size = f"{content.get('height', '?')} x {content.get('width', '?')}"
    try:
        words = [title[name] for name in ("dataset", "source", "protocol")]
        return f"{', '.join(map(str, words))}, seed {title['seed']}, {size}", str(words[0])
    except KeyError:
        return f"manifest {str(content.get('manifest', '?'))[:12]}, {size}", ""


def _description(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _archive(cache: Path, path: Path) -> Entry | None:
    if not _DIGEST.fullmatch(path.name) or not path.is_dir():
        return None
    mark = mark_of(cache, ARCHIVES, path.name)
    title = mark.title if mark else {}
    dataset = str(title.get("dataset", ""))
    words = f"{dataset or 'an archive'}, unpacked {title.get('archive', 'before')}"
    return _made(cache, ARCHIVES, path, words, dataset)


def _leftover(cache: Path, folder: str, name: str, path: Path) -> Entry:
    """Return what a process that was stopped has left: it may be at work still, or again."""
    mark = mark_of(cache, folder, name)
    title = mark.title if mark else {}
    dataset = str(title.get("dataset", ""))
    words = f"half-built {_FOLDERS.get(folder, 'note')}"
    words += f" of {_title_of_store(title, title)[0]}" if dataset and folder == PIXELS else ""
    words += f" of {dataset}" if dataset and folder != PIXELS else ""
    in_use = is_in_use(cache, folder, name) or is_locked(cache / PARTIAL / name)
    stats = list(stats_in(path))
    last = max((stat.st_mtime for stat in stats), default=0.0)
    size = sum(stat.st_size for stat in stats)
    return Entry("leftover", path, words, dataset, size, last, in_use, True, (folder, name))
