"""Finding results folders, and in these one cell by its key or the first digits of it."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from crossres.benchmark.records.cell import KEY_LENGTH
from crossres.benchmark.records.failures import failure_log, read_failures
from crossres.benchmark.records.mistaken import no_results
from crossres.benchmark.records.planned import RUNS
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.words import listed

DIGITS = frozenset("0123456789abcdef")
MOST_LISTED = 8
OF_RESULTS = ("records", "failures", RUNS)  # any of these makes a folder one of results


def check_begun(folder: Path) -> None:
    """Raise InputError, saying what the place is, when no run has begun to fill this folder.

    One whose cells have all failed has no records yet.
    """
    if not _is_begun(folder):
        raise no_results(folder)


def results_folders(around: Path) -> list[Path]:
    """Return the results folders in a folder, by name. Raises InputError where there are none."""
    folders = sorted(folder for folder in around.glob("*") if _is_begun(folder))
    if not folders:
        raise InputError(
            f"{around}: no results folders there; give one with --results, or fill one with "
            "`crossres run`"
        )
    return folders


def find_cells(start: str, folders: Sequence[Path]) -> tuple[str, list[Path]]:
    """Return the one key that begins like this, and the folders that have a record of it.

    Raises InputError where it is no key, where no record or several keys begin so, and says of a
    cell that has failed why it has no record.
    """
    text = _digits(start)
    places: dict[str, list[Path]] = {}
    for folder in folders:
        for path in sorted((folder / "records").glob(f"{text}*.json")):
            places.setdefault(path.stem, []).append(folder)
    if not places:
        raise _nothing(text, folders)
    key = matching_key(text, places, "record")
    return key, places[key]


def matching_key(start: str, keys: Iterable[str], noun: str) -> str:
    """Return the one of the keys that begins like this.

    Raises InputError where it is no key, and where none or several of them begin so.
    """
    text = _digits(start)
    matching = sorted(key for key in keys if key.startswith(text))
    if not matching:
        raise InputError(f"there is no {noun} of a key that begins with {text}")
    if len(matching) > 1:
        more = f" and {len(matching) - MOST_LISTED} more" if len(matching) > MOST_LISTED else ""
        raise InputError(
            f"several keys begin with {text}: {', '.join(matching[:MOST_LISTED])}{more}; "
            "give more of its digits"
        )
    return matching[0]


def _digits(start: str) -> str:
    text = start.strip().lower()
    if not text or not set(text) <= DIGITS or len(text) > KEY_LENGTH:
        raise InputError(
            f"{start!r} is not a key: give its {KEY_LENGTH} digits (0-9, a-f), or the first of them"
        )
    return text


def _is_begun(folder: Path) -> bool:
    # Not by Path, which raises an error for names that no folder can have.
    return any(os.path.isdir(os.path.join(folder, name)) for name in OF_RESULTS)  # noqa: PTH112, PTH118


def _nothing(text: str, folders: Sequence[Path]) -> InputError:
    for folder in folders:
        for failed in read_failures(folder, ()):
            if failed.key.startswith(text):
                log = failure_log(folder, failed.key)
                return InputError(
                    f"{failed.key} ({failed.title}) failed: {failed.reason}; see {log}, and run it "
                    f"again with `crossres retry {folder} {failed.key}`"
                )
    return InputError(f"no record of a key that begins with {text} in {listed(folders)}")
