"""How large files and folders are."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of a folder and all in it; nothing is followed."""
    return sum(stat.st_size for stat in stats_in(path))


def stats_in(path: Path) -> Iterator[os.stat_result]:
    """Yield the state of a file, or of a folder and of all in it; of what vanishes, none."""
    paths: Iterable[Path] = [path]
    if path.is_dir() and not path.is_symlink():
        inner = (
            Path(root) / name for root, dirs, files in os.walk(path) for name in (*dirs, *files)
        )
        paths = (path, *inner)
    for each in paths:
        try:
            yield each.lstat()
        except FileNotFoundError:
            continue
