"""What may go from a results folder: logs of what has worked since, files without a record, rests.

Nothing goes of a cell that a run is at work on: each is taken, as a run takes it, before anything
of it is removed.
"""

import os
import re
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from crossres.benchmark.records.checkpoints import FOLDER as CHECKPOINTS
from crossres.benchmark.records.images import IMAGES
from crossres.benchmark.records.leases import FOLDER as RUNNING
from crossres.benchmark.records.leases import Leases, remove_left_over, running_cells
from crossres.benchmark.records.record import read_record, record_path, scan_records
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import TEMPORARY, is_abandoned
from crossres.datasets.base.sizes import size_of

Kind = Literal["failure", "artifact", "weights", "images", "checkpoint", "temporary", "lease"]
_KEY, _DIGEST = re.compile(r"[0-9a-f]{20}"), re.compile(r"[0-9a-f]{64}")
_OF_CELLS: dict[Kind, tuple[str, str]] = {
    "failure": ("failures", ".log"),
    "artifact": ("artifacts", ".npz"),
    "weights": ("weights", ""),
    "checkpoint": (CHECKPOINTS, ".zip"),
}


@dataclass(frozen=True)
class Rest:
    """A file or folder that may go: of which kind, of which cell ("" for none), how large."""

    kind: Kind
    path: Path
    key: str
    size: int


def rests(results: Path, *, all_failures: bool = False) -> list[Rest]:
    """Return what may go from a results folder, by kind and path.

    The logs of cells that have a record now, with `all_failures` of all; artifacts and weights of
    cells that have none, thumbnails of test sets that no record names; checkpoints of cells that
    have one; temporary files and leases of runs that were killed. Raises InputError where the
    folder cannot be listed.
    """
    try:
        running = _running(results)
        removable = [
            rest
            for kind, (folder, suffix) in _OF_CELLS.items()
            for rest in _of_cells(results, kind, folder, suffix)
            if rest.key not in running and _may_go(results, rest, all_failures)
        ]
        removable += _images(results, running)
        removable += _temporary(results)
        removable += _leases(results, running)
    except OSError as error:
        raise InputError(
            f"{error.filename or results}: cannot be read ({error.strerror}); check its permissions"
        ) from error
    return removable


def remove(results: Path, chosen: Collection[Rest], *, all_failures: bool = False) -> list[Rest]:
    """Remove rests, and return those that went: not of what a run has taken up meanwhile.

    Raises InputError where one cannot be removed.
    """
    removed = []
    with Leases(results) as leases:
        for rest in chosen:
            try:
                if rest.kind == "images" and rest not in _images(results, _running(results)):
                    continue
                if not rest.key:
                    _remove(rest.path)
                elif rest.kind != "lease":
                    if not leases.take(rest.key, "crossres clean", 0.0):
                        continue
                    goes = _may_go(results, rest, all_failures)
                    if goes:
                        _remove(rest.path)
                    leases.give_back(rest.key)
                    if not goes:
                        continue
            except OSError as error:
                raise InputError(
                    f"{rest.path}: cannot be removed ({error.strerror}); check its permissions"
                ) from error
            removed.append(rest)
    if any(rest.kind == "lease" for rest in chosen):
        left_over = remove_left_over(results)
        removed = [rest for rest in removed if rest.kind != "lease" or rest.key in left_over]
    for name in (IMAGES, *(folder for folder, _ in _OF_CELLS.values())):
        _remove_empty(results / name)
    return removed


def _running(results: Path) -> set[str]:
    return {lease.key for lease in running_cells(results)}


def _images(results: Path, running: Collection[str]) -> list[Rest]:
    """Return the thumbnails that no record names; none while a cell runs, as its record is last."""
    folder = scan_records(results)
    if running or folder.broken:
        return []
    named = {record.digests.get("pixels") for record in folder.records.values()}
    return [
        Rest("images", path, "", size_of(path))
        for path in sorted((results / IMAGES).glob("*"))
        if _DIGEST.fullmatch(path.name) and path.is_dir() and path.name not in named
    ]


def _of_cells(results: Path, kind: Kind, folder: str, suffix: str) -> Iterator[Rest]:
    for path in sorted((results / folder).glob(f"*{suffix}")):
        key = path.name.removesuffix(suffix) if suffix else path.name
        if _KEY.fullmatch(key) and path.is_dir() == (not suffix) and not path.is_symlink():
            yield Rest(kind, path, key, size_of(path))


def _may_go(results: Path, rest: Rest, all_failures: bool) -> bool:
    has_record = os.path.lexists(record_path(results, rest.key))
    if rest.kind == "failure":
        return all_failures or (has_record and _is_sound(results, rest.key))
    if rest.kind == "checkpoint":
        return has_record and _is_sound(results, rest.key)
    return not has_record


def _is_sound(results: Path, key: str) -> bool:
    try:
        read_record(record_path(results, key))
    except InputError:
        return False
    return True


def _temporary(results: Path) -> Iterator[Rest]:
    """Yield what writing left that was killed."""
    for root, folders, files in os.walk(results):
        for name in sorted((*folders, *files)):
            if TEMPORARY.fullmatch(name):
                path = Path(root) / name
                if name in folders:
                    folders.remove(name)
                if is_abandoned(path):
                    yield Rest("temporary", path, "", size_of(path))


def _leases(results: Path, running: Collection[str]) -> Iterator[Rest]:
    for path in sorted((results / RUNNING).glob("*.lock")):
        if path.stem not in running:
            size = sum(size_of(file) for file in path.parent.glob(f"{path.stem}.*"))
            yield Rest("lease", path, path.stem, size)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
