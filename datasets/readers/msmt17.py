"""MSMT17: train and test, in a folder for each identity, and four lists of what they hold.

Version 2, with masked faces, has the same names in mask_train_v2 and mask_test_v2; its images are
drawn by their names in version 1, so that both have the same split. Only listed images count.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from crossres.datasets.base.errors import InputError
from crossres.datasets.readers import RawContent, RawImage
from crossres.datasets.readers.parts.files import is_file, is_folder
from crossres.datasets.readers.parts.listing import listing, search
from crossres.datasets.readers.parts.listing import open_image as open_image
from crossres.datasets.readers.parts.listing import source_file as source_file
from crossres.datasets.readers.parts.lists import at_line, entries, file_key, pid_of

FOLDER = "MSMT17_V1"
GRAMMAR = (
    "<pid, 4 digits>/<pid>_<image, 3 digits>_<camera 01..15>_<time>_<frame>_<box>.jpg <pid number>"
)
MASKED = "version 2 of MSMT17, whose faces are masked: other pixels than those of version 1"
_LINE = re.compile(
    r"(?P<listed>(?P<folder>\d{4})/(?P<pid>\d{4})_\d{3}_(?P<camid>0[1-9]|1[0-5])"
    r"_\d{4}(?:morning|noon|afternoon)_\d{4}_\d{1,2}(?:_ex)?(?i:\.jpg))\s+(?P<number>\d{1,4})",
    re.ASCII,
)
Written = Callable[[str, str], str | None]
"""(folder of images, listed file) -> the file as it is written on disk; None: it is not there"""


@dataclass(frozen=True)
class _List:
    """One of the four lists: of which folder its images are, by its name in version 1."""

    name: str
    folder: str
    part: str

    @property
    def file(self) -> str:
        return f"list_{self.name}.txt"


_LISTS = (
    _List("train", "train", "train"),
    _List("val", "train", "train"),
    _List("query", "test", "query"),
    _List("gallery", "test", "gallery"),
)
VERSIONS = (
    {"train": "train", "test": "test"},
    {"train": "mask_train_v2", "test": "mask_test_v2"},
)
"""Of each version, its folder of train and of test."""


def find(root: Path) -> Path | None:
    """Return the folder of lists and images: `root`, the folder above it, or one below it.

    Where both versions lie side by side, InputError asks for one of them: no name wins.
    """
    return search(root, "", _is_raw)


def _is_raw(folder: Path) -> bool:
    return bool(_versions(folder)) and any(is_file(folder / entry.file) for entry in _LISTS)


def _versions(folder: Path) -> list[dict[str, str]]:
    return [
        version
        for version in VERSIONS
        if all(is_folder(folder / name) for name in version.values())
    ]


def read(folder: Path) -> RawContent:
    """Return the listed images; those of validation train, and test pids begin at 1,000,000.

    Raises InputError naming the line of a list that is outside the grammar, gives an image to
    another identity than its name does, or names an image that is missing or listed before.
    """
    versions = _versions(folder)
    if len(versions) != 1:
        raise InputError(
            f"{folder}: holds both versions of MSMT17, {VERSIONS[0]['train']} and "
            f"{VERSIONS[1]['train']}; give each a folder of its own, with its lists"
        )
    (version,) = versions
    files = {parent: _Files(folder / parent) for parent in version.values()}
    images = listed_images(folder, version, lambda parent, listed: files[parent].name(listed))
    return RawContent(tuple(images), notes=(MASKED,) if version != VERSIONS[0] else ())


def listed_images(folder: Path, version: Mapping[str, str], written: Written) -> list[RawImage]:
    """Return the images that the four lists in a folder name; InputError as `read`."""
    images: dict[str, RawImage] = {}
    for entry in _LISTS:
        file, parent, before = folder / entry.file, version[entry.folder], len(images)
        for line, match in entries(file, _LINE, GRAMMAR):
            name = written(parent, match["listed"])
            path = f"{parent}/{name}"
            fault = _fault(match, parent, is_there=name is not None, is_second=path in images)
            if fault:
                raise at_line(file, line, *fault)
            pid = pid_of(int(match["pid"]), entry.part)
            alias = "" if parent == entry.folder else f"{entry.folder}/{name}"
            images[path] = RawImage(path, pid, int(match["camid"]), entry.part, alias=alias)
        if len(images) == before:
            raise InputError(f"{file}: lists no image; unpack the data set again")
    return list(images.values())


def _fault(
    match: re.Match[str], parent: str, *, is_there: bool, is_second: bool
) -> tuple[str, str] | None:
    """Return what is wrong with a line that is of the grammar, and what helps."""
    listed, pid = match["listed"], match["folder"]
    if match["pid"] != pid or int(match["number"]) != int(pid):
        mixed = f"{listed} is given to identity {match['number']}"
        return mixed, "correct the line, or get the list again"
    if not is_there:
        return f"there is no {listed} in {parent}", "unpack the data set again"
    if is_second:
        return f"{listed} is listed before, here or in another list", "remove one of the lines"
    return None


class _Files:
    """The files of one folder of identities, each of which is listed once, when it is asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: dict[str, dict[str, str]] = {}

    def name(self, listed: str) -> str | None:
        """Return the path of a listed file as it is written on disk; None when it is not there."""
        pid = listed[:4]
        if pid not in self._names:
            folder = self._folder / pid
            names = listing(folder) if is_folder(folder) else []
            self._names[pid] = {file_key(name): name for name in names}
        written = self._names[pid].get(file_key(listed[5:]))
        return None if written is None else f"{pid}/{written}"
