"""VRU: `Pic/<image>.jpg` and `train_test_split/` with lists of `<image> <vehicle>`; no cameras.

Lists are called `train_list.txt` and `test_list_<vehicles>.txt`; in other copies `train.txt` and
`test.txt`, which are read where the former are not there. Only listed images are returned.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from crossres.datasets.base.errors import InputError
from crossres.datasets.readers import RawContent, RawImage
from crossres.datasets.readers.parts.files import is_file, is_folder
from crossres.datasets.readers.parts.listing import listing, search
from crossres.datasets.readers.parts.listing import open_image as open_image
from crossres.datasets.readers.parts.listing import source_file as source_file
from crossres.datasets.readers.parts.lists import at_line, entries, pid_of

FOLDER = "VRU"
PICTURES, LISTS = "Pic", "train_test_split"
GRAMMAR = "<image number> <vehicle number>"
UNKNOWN_CAMERA = -1
_TRAIN_LISTS = ("train_list.txt", "train.txt")
_TEST_LIST = re.compile(r"test_list_(\d+)\.txt", re.ASCII)
_ONE_TEST_LIST = "test.txt"
_LINE = re.compile(r"(\d{1,20})\s+(\d{1,6})", re.ASCII)
_PICTURE = re.compile(r"(\d{1,20})\.jpg", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class _Entry:
    """What the first line about an image says, and where it stands."""

    pid: int
    part: str
    position: str


_Listed = dict[int, _Entry]
"""image number -> entry"""


def find(root: Path) -> Path | None:
    """Return the folder of Pic and the lists: `root`, the folder above it, or one below it."""
    return search(root, FOLDER, _is_raw)


def _is_raw(folder: Path) -> bool:
    return is_folder(folder / PICTURES) and _train_list(folder) is not None


def read(folder: Path) -> RawContent:
    """Return the listed images, in the parts train and test; `test_sets` by the names of the test
    lists.

    `test.txt` is named by the number of its vehicles. Test pids begin at 1,000,000. Raises
    InputError naming the line that is outside the grammar, names a missing image, or gives an image
    to another vehicle or part than a line before it.
    """
    pictures = _pictures(folder / PICTURES)
    listed: _Listed = {}
    train, tests = _train_list(folder), _test_lists(folder)
    if train is None or not tests:
        raise InputError(
            f"{folder / LISTS}: train_list.txt (or train.txt) and test_list_<vehicles>.txt (or "
            "test.txt) are needed; unpack the data set again"
        )
    _add(listed, train, "train", pictures)
    test_sets = {name: _add(listed, file, "test", pictures) for name, file in tests.items()}
    return RawContent(
        tuple(
            RawImage(f"{PICTURES}/{pictures[number]}", entry.pid, UNKNOWN_CAMERA, entry.part)
            for number, entry in listed.items()
        ),
        test_sets={name or str(len(pids)): pids for name, pids in test_sets.items()},
    )


def _pictures(folder: Path) -> dict[int, str]:
    """Return image number -> file name, whether or not names are padded with zeros."""
    names: dict[int, str] = {}
    for match in filter(None, map(_PICTURE.fullmatch, listing(folder))):
        first = names.setdefault(int(match[1]), match[0])
        if first != match[0]:
            raise InputError(
                f"{folder / first}: has the same number as {match[0]}; remove one of them"
            )
    return names


def _train_list(folder: Path) -> Path | None:
    files = [folder / LISTS / name for name in _TRAIN_LISTS]
    return next((file for file in files if is_file(file)), None)


def _test_lists(folder: Path) -> dict[str, Path]:
    """Return name -> file, the smallest list first; `test.txt`, whose content names it, is ""."""
    numbered = filter(None, map(_TEST_LIST.fullmatch, listing(folder / LISTS)))
    lists = {int(match[1]): folder / LISTS / match[0] for match in numbered}
    if lists:
        return {str(count): lists[count] for count in sorted(lists)}
    single = folder / LISTS / _ONE_TEST_LIST
    return {"": single} if is_file(single) else {}


def _add(listed: _Listed, file: Path, part: str, pictures: dict[int, str]) -> tuple[int, ...]:
    """Enter the images of one list; returns its pids, sorted."""
    pids = set()
    for line, match in entries(file, _LINE, GRAMMAR):
        number, pid = int(match[1]), pid_of(int(match[2]), part)
        if number not in pictures:
            missing = f"there is no image {number} in {PICTURES}"
            raise at_line(file, line, missing, "unpack the data set again")
        first = listed.setdefault(number, _Entry(pid, part, f"line {line} of {file.name}"))
        if first.pid != pid:
            conflict = f"image {number} is of another vehicle or part in {first.position}"
            raise at_line(file, line, conflict, "remove the wrong line")
        pids.add(pid)
    return tuple(sorted(pids))
