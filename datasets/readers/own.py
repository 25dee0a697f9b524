"""A user's own crops, read as their definition says: by a pattern, by folders, or by a list.

Identities and cameras may have any names; docs/own-data.md says which numbers they get, and why the
same folder gives the same ones everywhere.
"""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.kinds import IMAGE_SUFFIXES
from crossres.datasets.base.suggest import unknown
from crossres.datasets.base.texts import csv_rows
from crossres.datasets.base.words import counted
from crossres.datasets.cards import BY_SIZE, Layout
from crossres.datasets.readers import Names, RawContent, RawImage
from crossres.datasets.readers.parts.files import is_file
from crossres.datasets.readers.parts.images import image_size
from crossres.datasets.readers.parts.listing import is_junk, stray
from crossres.datasets.readers.parts.listing import open_image as open_image
from crossres.datasets.readers.parts.listing import source_file as source_file
from crossres.datasets.readers.parts.lists import at_line, text_of

GROUPS = ("pid", "camid", "view", "split")
COLUMNS = ("path", "pid", "camid", "view", "split", "rate")
HEAD = ("dataset", "protocol", "seed")  # what a manifest has besides
PARTS = {
    "train": "train",
    "training": "train",
    "bounding_box_train": "train",
    "query": "query",
    "probe": "query",
    "gallery": "gallery",
    "bounding_box_test": "gallery",
    "test": "",  # the protocol says which of these are queries
}
_ALSO_IMAGES = (".webp", ".gif", ".tif", ".tiff", ".jfif", ".heic", ".avif")
_NUMBER = re.compile(r"-1|\d{1,9}", re.ASCII)
RATES = ("0", "1", "2", "3", "4", "6", "8")
LR_SHARE = 4  # an image with a quarter of the pixels of a large one is LR as it is
JUNK = -1


@dataclass(frozen=True)
class Entry:
    """An image as names or a list tell of it; "" for what they do not tell."""

    path: str
    pid: str
    camid: str = ""
    view: str = ""
    split: str = ""
    rate: str = ""

    @property
    def camera(self) -> str:
        """Return the name of the camera; the views of a camera count as cameras of their own."""
        return "/".join(filter(None, (self.camid, self.view)))


def read(folder: Path, layout: Layout) -> RawContent:
    """Return all images of a folder; no pixel is looked at, but headers where sizes are asked for.

    Raises InputError naming the definition or the file, and what helps.
    """
    entries = entries_of(folder, layout)
    if not entries:
        raise InputError(
            f"{folder}: holds no image that {_definition(layout)} describes; check root and pattern"
        )
    check_told(layout, entries)
    _check_names(folder, entries)
    pids = numbered([entry.pid for entry in entries])
    camids = numbered([entry.camera for entry in entries if entry.camera])
    marked = any(entry.split for entry in entries)
    images = [
        RawImage(
            entry.path,
            pids[entry.pid],
            camids[entry.camera] if entry.camera else -1,
            part_of(layout, entry),
        )
        for entry in entries
    ]
    junk = sum(image.pid == JUNK for image in images)
    notes = []
    if junk and not marked:
        images = [image for image in images if image.pid != JUNK]
        notes.append(f"{counted(junk, 'image')} of pid -1 (junk) left out")
    _check_identities(folder, layout, images)
    rates = {entry.path: int(entry.rate) for entry in entries if entry.rate}
    return RawContent(
        tuple(images),
        native_lr=_natively_lr(folder, layout, entries, rates),
        notes=tuple(notes),
        lr_cameras=tuple(sorted(camids[name] for name in _cameras(layout, "lr_cameras", entries))),
        rates=rates,
        names=Names(_called(pids), _called(camids)),
    )


def numbered(names: Sequence[str]) -> dict[str, int]:
    """Return the number of each name: itself, where all are whole numbers and no two the same one;
    else its place among them in the order of their characters, from 1.
    """
    different = sorted(set(names))
    if all(map(_NUMBER.fullmatch, different)) and len({*map(int, different)}) == len(different):
        return {name: int(name) for name in different}
    return {name: number for number, name in enumerate(different, start=1)}


def ids_of(names: Sequence[str]) -> dict[str, int] | dict[str, str]:
    """Return the id of each name where ids may be texts: its number, else the name itself."""
    numbers = numbered(names)
    return {name: name for name in numbers} if _called(numbers) else numbers


def _called(numbers: Mapping[str, int]) -> dict[int, str]:
    """Return the names by number; {} where the names are the numbers."""
    if all(_NUMBER.fullmatch(name) and int(name) == number for name, number in numbers.items()):
        return {}
    return {number: name for name, number in numbers.items()}


# --- what is there --------------------------------------------------------------------------------


def entries_of(folder: Path, layout: Layout) -> list[Entry]:
    """Return what names or a list tell of each image, by path; InputError as `read`."""
    entries = _listed if layout.list_file else _named
    return sorted(entries(folder, layout), key=lambda entry: entry.path)


def files_below(folder: Path) -> list[str]:
    """Return the paths of all files below a folder, "/" between their parts, sorted; no hidden
    ones.

    Links are followed, a folder that lies around its own link once. Raises InputError where a
    folder cannot be listed, or a name is no text.
    """
    return sorted(_below(folder, "", frozenset()))


def _below(folder: Path, prefix: str, around: frozenset[str]) -> Iterator[str]:
    here = os.path.realpath(folder)
    if here in around:
        return
    try:
        with os.scandir(folder) as scan:
            entries = [(entry.name, entry.is_dir()) for entry in scan if not is_junk(entry.name)]
    except OSError as error:
        raise InputError(f"{folder}: cannot be listed ({error.strerror}); check the path") from None
    for name, is_folder in entries:
        if not _can_be_listed(name):
            raise InputError(
                f"{folder / name!r}: a name with a sign that cannot stand in a manifest; rename it"
            )
        if is_folder:
            yield from _below(folder / name, f"{prefix}{name}/", around | {here})
        else:
            yield prefix + name


def _can_be_listed(path: str) -> bool:
    """Return whether a manifest can hold a path: no control character, and text."""
    return "\\" not in path and not any(unicodedata.category(c) in ("Cc", "Cs") for c in path)


def _named(folder: Path, layout: Layout) -> list[Entry]:
    pattern, ignore = path_pattern(layout), re.compile(layout.ignore) if layout.ignore else None
    entries, others = [], []
    for path in files_below(folder):
        if ignore is not None and ignore.fullmatch(path):
            continue
        match = pattern.fullmatch(path)
        if match is None:
            others.append(path)
        elif not is_file(folder / path):
            raise InputError(f"{folder / path}: is no regular file; remove it")
        else:
            fields = {name: text or "" for name, text in match.groupdict().items()}
            entries.append(Entry(path, **fields))
    _stray(folder, layout, [path for path in others if _looks_like_image(path)], len(entries))
    return entries


def path_pattern(layout: Layout) -> re.Pattern[str]:
    """Return the pattern of a layout without a list: its own, or that of its folders."""
    if layout.pattern:
        return re.compile(layout.pattern)
    levels = (rf"(?P<{name}>[^/]+)/" if name else "[^/]+/" for name in layout.folders)
    return re.compile(rf"{''.join(levels)}[^/]+(?i:{'|'.join(map(re.escape, IMAGE_SUFFIXES))})")


def _looks_like_image(path: str) -> bool:
    return path.casefold().endswith((*IMAGE_SUFFIXES, *_ALSO_IMAGES))


def _stray(folder: Path, layout: Layout, others: Sequence[str], matched: int) -> None:
    """Refuse images that the definition does not describe; where strays are collected, tell of
    them.
    """
    if not others:
        return
    what = "folders" if layout.folders else "pattern"
    try:
        for path in others:
            stray(folder / path, what)
    except InputError:
        total = matched + len(others)
        raise InputError(
            f"{_definition(layout)}: {len(others):,} of {counted(total, 'image')} in {folder} do "
            f"not match `{what}`, the first is {others[0]}; correct it, or describe them in "
            "`ignore`"
        ) from None


# --- lists ----------------------------------------------------------------------------------------


def _listed(folder: Path, layout: Layout) -> Iterator[Entry]:
    file = Path(layout.list_file)
    lines = _rows(file)
    (number, head), *rows = lines or [(1, [])]
    columns = _columns(file, number, head)
    seen: dict[str, int] = {}
    for line, row in rows:
        if len(row) != len(head):
            problem = f"{counted(len(row), 'field')}, the header has {len(head)}"
            raise at_line(file, line, problem, "correct the line")
        fields = {name: row[index] for name, index in columns.items()}
        path = fields["path"]
        if path in seen:
            raise at_line(file, line, f"{path} stands in line {seen[path]}, too", "remove one")
        seen[path] = line
        _check_listed(file, line, folder, fields)
        yield Entry(**fields)


def _rows(file: Path) -> list[tuple[int, list[str]]]:
    try:
        return csv_rows(text_of(file))
    except ValueError as error:
        raise InputError(f"{file}: {error}, so it is not CSV; correct the line") from error


def _columns(file: Path, line: int, head: Sequence[str]) -> dict[str, int]:
    for name in head:
        if name not in (*COLUMNS, *HEAD):
            raise unknown("column", name, COLUMNS, f"{file}: line {line}")
    for name in ("path", "pid"):
        if name not in head:
            remedy = (
                f"begin the file with {','.join(COLUMNS)}; all but path and pid may be left out"
            )
            raise at_line(file, line, f"there is no column {name}", remedy)
    if len(set(head)) != len(head):
        raise at_line(file, line, "a column stands twice", "remove one")
    return {name: head.index(name) for name in COLUMNS if name in head}


def _check_listed(file: Path, line: int, folder: Path, fields: Mapping[str, str]) -> None:
    path = fields["path"]
    if not path or {"", ".", ".."} & set(path.split("/")) or not _can_be_listed(path):
        remedy = 'write it with "/", without a leading "/", "." or ".."'
        raise at_line(file, line, f"{path!r} is no path below {folder}", remedy)
    if not is_file(folder / path):
        raise at_line(file, line, f"there is no file {folder / path}", "correct the path or root")
    if fields.get("rate", "") not in ("", *RATES):
        remedy = f"give one of {', '.join(RATES)} (0: natively LR)"
        raise at_line(file, line, f"the rate is {fields['rate']!r}", remedy)


# --- whether it can be used -----------------------------------------------------------------------


def check_told(layout: Layout, entries: Sequence[Entry]) -> None:
    """Raise InputError where an identity is not told, or another entry of some images alone."""
    where = _definition(layout)
    for name, texts in (
        ("pid", [entry.pid for entry in entries]),
        ("camid", [entry.camera for entry in entries]),
        ("split", [entry.split for entry in entries]),
        ("rate", [entry.rate for entry in entries]),
    ):
        lacking = [entry for entry, text in zip(entries, texts, strict=True) if not text]
        if lacking and (name == "pid" or len(lacking) < len(entries)):
            raise InputError(
                f"{where}: {counted(len(lacking), 'image')} of {len(entries):,} have no {name}, "
                f"the first is {lacking[0].path}; tell it of all"
                + (", or of none" if name != "pid" else "")
            )


def _check_names(folder: Path, entries: Sequence[Entry]) -> None:
    keys: dict[str, str] = {}
    for entry in entries:
        key = RawImage(entry.path, 0, 0).key
        if key in keys:
            raise InputError(
                f"{folder / entry.path}: has the name of {keys[key]} but for the suffix; remove "
                "or rename one of them"
            )
        keys[key] = entry.path


def part_of(layout: Layout, entry: Entry) -> str:
    """Return "train", "query", "gallery", or "" where nothing, or no more than test, is told.

    Raises InputError for a split of another name.
    """
    if not entry.split:
        return ""
    if entry.split.casefold() not in PARTS:
        raise unknown("split", entry.split, PARTS, f"{_definition(layout)}: {entry.path}")
    return PARTS[entry.split.casefold()]


def _check_identities(folder: Path, layout: Layout, images: Sequence[RawImage]) -> None:
    pids = {image.pid for image in images}
    if len(pids) < 2:
        raise InputError(
            f"{_definition(layout)}: {counted(len(images), 'image')} in {folder}, all of "
            f"{counted(len(pids), 'identity', 'identities')}; two at least are needed, one to "
            "train and one to test: check which part of a name is the pid"
        )
    train = {image.pid for image in images if image.part == "train" and image.pid > 0}
    both = [image for image in images if image.part != "train" and image.pid in train]
    if both:
        count = counted(len({image.pid for image in both}), "identity", "identities")
        raise InputError(
            f"{folder / both[0].path}: {count} in train and in test; no identity may "
            f"be in both: correct the split that {_definition(layout)} describes"
        )


# --- cameras and sizes ----------------------------------------------------------------------------


def _cameras(layout: Layout, key: str, entries: Sequence[Entry]) -> set[str]:
    """Return the cameras that an entry of the definition names; each stands for all its views."""
    cameras: set[str] = set()
    for name in getattr(layout, key):
        named = {e.camera for e in entries if e.camera and name in (e.camera, e.camid)}
        if not named:
            where = f"{_definition(layout)}: {key}"
            there = sorted({entry.camera for entry in entries} - {""})
            raise unknown("camera", name, there or ["none: no camera is told"], where)
        cameras |= named
    return cameras


def _natively_lr(
    folder: Path, layout: Layout, entries: Sequence[Entry], rates: Mapping[str, int]
) -> frozenset[str]:
    """Return the paths of images that are LR as they are: of such cameras, small, or of rate 0."""
    given = {path for path, rate in rates.items() if rate == 0}
    if layout.natively_lr == BY_SIZE:
        small = small_images({entry.path: folder / entry.path for entry in entries})
        if not small:
            raise InputError(
                f'{_definition(layout)}: natively_lr = "by-size", but no image has at most a '
                f"quarter of the pixels of a large one; take it out, and LR images are made"
            )
        return frozenset(given | small)
    cameras = _cameras(layout, "natively_lr", entries)
    return frozenset(given | {entry.path for entry in entries if entry.camera in cameras})


def small_images(files: Mapping[str, Path]) -> set[str]:
    """Return the images that are LR by their size: at most a quarter of the pixels of a large one.

    A large one: no more than a quarter of all images have more pixels. So an image of half its
    height and width is LR, as one down-sampled at the rate 2 is.
    """
    sizes = {path: image_size(file) for path, file in files.items()}
    areas = {path: width * height for path, (width, height) in sizes.items()}
    large = sorted(areas.values())[3 * len(areas) // 4]
    return {path for path, area in areas.items() if LR_SHARE * area <= large}


def cameras_of_identities(images: Sequence[RawImage]) -> Counter[int]:
    """Return how many cameras saw each identity, by pid; unknown ones are none."""
    seen = {(image.pid, image.camid) for image in images if image.camid != -1}
    return Counter(pid for pid, _ in seen)


def _definition(layout: Layout) -> str:
    return layout.definition or layout.list_file or "the definition"
