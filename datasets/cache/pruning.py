"""Making room in a cache: what goes by its age, and by what all of it may take, oldest use first.

Nothing goes that a running process has open or is making, and nothing that is not ours. A thing is
renamed before its files are removed: nobody finds a half of it.
"""

import shutil
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.in_use import to_be_removed
from crossres.datasets.base.suggest import did_you_mean
from crossres.datasets.cache.contents import CacheContents, Entry
from crossres.datasets.pixels.lock import locked_if_free
from crossres.datasets.pixels.store import PARTIAL, PIXELS

SHORTEST = 6  # digits of a name that may stand for it
PLURALS = {"twins": "twin", "stores": "store", "archives": "archive", "leftovers": "leftover"}
_DAY = 24 * 3600.0


@dataclass(frozen=True)
class Bounds:
    """What may stay: last used at most so many days ago, and so many bytes in all (None: any)."""

    days: float | None = None
    size: int | None = None


@dataclass(frozen=True)
class Pruned:
    """What went, what would have gone but is in use, and the bytes of what is still there."""

    removed: tuple[Entry, ...]
    in_use: tuple[Entry, ...]
    left: int


def chosen_entries(contents: CacheContents, names: Sequence[str]) -> list[Entry]:
    """Return the entries that names mean: of files, data sets or kinds. All, where none is given.

    A file name may be cut to its first six letters or more. Raises InputError for a name of
    nothing here.
    """
    if not names:
        return list(contents.entries)
    chosen: dict[Path, Entry] = {}
    for name in names:
        meant = [entry for entry in contents.entries if _is_meant(entry, name)]
        if not meant and name not in PLURALS:
            known = [entry.dataset for entry in contents.entries] + [*PLURALS]
            raise InputError(
                f"nothing in {contents.cache} is called {name!r}{did_you_mean(name, known)}; "
                "give a data set, a name that `crossres cache list` shows, or one of "
                f"{', '.join(PLURALS)}"
            )
        chosen |= {entry.path: entry for entry in meant}
    return list(chosen.values())


def to_prune(
    contents: CacheContents, chosen: Sequence[Entry], bounds: Bounds, now: float, *, named: bool
) -> list[Entry]:
    """Return which of the chosen entries should go, those used longest ago first.

    Without bounds all that are `named`, else leftovers and what no version reads any more.
    """
    oldest = sorted(chosen, key=lambda entry: (entry.last_used, entry.name))
    if bounds == Bounds():
        return [entry for entry in oldest if named or entry.obsolete]
    gone = [
        entry
        for entry in oldest
        if bounds.days is not None and now - entry.last_used > bounds.days * _DAY
    ]
    if bounds.size is None:
        return gone
    left = contents.size - sum(entry.size for entry in gone if not entry.in_use)
    for entry in oldest:
        if left > bounds.size and entry not in gone:
            gone.append(entry)
            left -= 0 if entry.in_use else entry.size
    return gone


def prune(contents: CacheContents, entries: Sequence[Entry], *, dry_run: bool = False) -> Pruned:
    """Remove entries, unless they are in use; with `dry_run` only say which these are.

    Raises InputError where the cache cannot be written.
    """
    removed: list[Entry] = []
    kept: list[Entry] = []
    for entry in entries:
        goes = not entry.in_use if dry_run else _removed(contents.cache, entry)
        (removed if goes else kept).append(entry)
    left = contents.size - sum(entry.size for entry in removed)
    return Pruned(tuple(removed), tuple(kept), left)


def _is_meant(entry: Entry, name: str) -> bool:
    is_start = len(name) >= SHORTEST and entry.name.startswith(name)
    return name in (entry.name, entry.dataset) or PLURALS.get(name) == entry.kind or is_start


def _removed(cache: Path, entry: Entry) -> bool:
    """Remove an entry if nobody has it open or makes it; whoever wants to open it waits."""
    kind, name = entry.guard
    try:
        with ExitStack() as locks:
            if kind == PIXELS and not locks.enter_context(locked_if_free(cache / PARTIAL / name)):
                return False
            forget = entry.kind != "leftover"
            if not locks.enter_context(to_be_removed(cache, kind, name, forget=forget)):
                return False
            _remove(cache, entry.path)
    except OSError as error:
        raise InputError(
            f"{entry.path}: cannot be removed ({error.strerror or error}); check its permissions"
        ) from error
    return True


def _remove(cache: Path, path: Path) -> None:
    aside = cache / PARTIAL / f"{path.name.lstrip('.')}.{uuid.uuid4().hex}.removed"
    aside.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.rename(aside)
    except FileNotFoundError:
        return  # another process was quicker
    if aside.is_dir() and not aside.is_symlink():
        shutil.rmtree(aside)
    else:
        aside.unlink()
