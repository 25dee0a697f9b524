"""Queries and gallery among a user's own crops, by what names tell: no protocol, nothing drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.words import counted
from crossres.datasets.cards import Layout
from crossres.datasets.readers.own import (
    GROUPS,
    JUNK,
    RATES,
    Entry,
    check_told,
    entries_of,
    part_of,
)

NAME_GROUPS = (*GROUPS, "rate")
"""What a pattern may tell of images that are taken as they are: `rate` is one they have already."""


@dataclass(frozen=True)
class Sides:
    """The images of `folder` that are searched for, and those that they are searched among.

    Where nobody says which, both are all images. `train` counts those of split train, which take no
    part.
    """

    folder: Path
    queries: tuple[Entry, ...]
    gallery: tuple[Entry, ...]
    train: int = 0

    @property
    def is_all_by_all(self) -> bool:
        """Whether every image is searched for among all others."""
        return self.queries == self.gallery


def sides_of(folder: Path, layout: Layout, globs: Sequence[str] = ()) -> Sides:
    """Return queries and gallery: by the split that names tell, by globs of the queries, or all.

    `globs` are shell patterns over the whole path below the folder, whose * goes over "/", too.
    Images of pid -1 are nobody's query. No pixel is looked at. Raises InputError for a folder or
    names that cannot be used, and where there is no query or no gallery.
    """
    entries = _told(folder, layout)
    parts = {entry.path: part_of(layout, entry) for entry in entries}
    tested = [entry for entry in entries if parts[entry.path] != "train"]
    marked = {entry.path for entry in tested if parts[entry.path] == "query"}
    queries = gallery = known = [entry for entry in tested if entry.pid != f"{JUNK}"]
    remedy = "images of split train and of pid -1 are none; correct the pattern"
    is_split = any(parts[entry.path] for entry in tested)
    if is_split and globs:
        raise InputError(
            f"{layout.definition}: a split says which images are queries; leave --query out"
        )
    if is_split or globs:
        chosen = _matched(folder, tested, globs) if globs else marked
        queries = [entry for entry in known if entry.path in chosen]
        gallery = [entry for entry in tested if entry.path not in chosen]
        what = "--query" if globs else "a split"
        remedy = f"without {what} every image is searched for among all others"
    for name, side in (("query", queries), ("gallery image", gallery)):
        if not side:
            total = counted(len(entries), "image")
            raise InputError(f"{folder}: there is no {name} among {total}; {remedy}")
    return Sides(folder, tuple(queries), tuple(gallery), len(entries) - len(tested))


def _told(folder: Path, layout: Layout) -> list[Entry]:
    """Return what names tell of all images, checked."""
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder; give the one that holds the images")
    entries = entries_of(folder, layout)
    if not entries:
        raise InputError(
            f"{folder}: holds no image that {layout.definition} describes; correct the pattern"
        )
    check_told(layout, entries)
    _check_rates(layout, entries)
    return entries


def _check_rates(layout: Layout, entries: Sequence[Entry]) -> None:
    if layout.list_file and any(entry.rate for entry in entries):
        raise InputError(
            f"{layout.list_file}: has rates, by which a split down-samples; build the split with "
            "`crossres datasets build`, and give its manifest with --manifest"
        )
    for entry in entries:
        if entry.rate and entry.rate not in RATES:
            raise InputError(
                f"{layout.definition}: {entry.path}: the rate is {entry.rate!r}; it must be one of "
                f"{', '.join(RATES)} (0: not known)"
            )


def _matched(folder: Path, entries: Sequence[Entry], globs: Sequence[str]) -> set[str]:
    matched = {glob: {e.path for e in entries if fnmatchcase(e.path, glob)} for glob in globs}
    for glob, paths in matched.items():
        if not paths:
            raise InputError(
                f"--query {glob}: matches none of {counted(len(entries), 'image')} in {folder}; "
                f"write it for whole paths below it, such as {entries[0].path}, in quotes"
            )
    return set().union(*matched.values())
