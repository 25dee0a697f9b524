"""The files that our rooms are made of, and whether they are as they were.

Python reads a module once. A process that has done so must not run a cell after the file was
changed: the record would carry the digest of code that did not make it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import crossres.benchmark
import crossres.datasets
import crossres.methods

ROOMS = (crossres.benchmark, crossres.datasets, crossres.methods)
FileState = tuple[str, int, int]


def state_of_files() -> frozenset[FileState]:
    """Return path, time of the last change in ns and size of every file of the rooms of a cell.

    Files of data count, too: cards and tables of options are read where modules are loaded.
    """
    folders = [Path(folder) for room in ROOMS for folder in room.__path__]
    return frozenset(state for folder in folders for state in _files(folder))


def _files(folder: Path) -> Iterator[FileState]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return  # gone meanwhile, or no folder at all: the rooms may lie in an archive
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if entry.name != "__pycache__":
                yield from _files(Path(entry.path))
        elif entry.is_file():
            status = entry.stat()
            yield entry.path, status.st_mtime_ns, status.st_size
