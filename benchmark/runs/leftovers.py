"""What killed runs left behind in a results folder and in the cache: the next run removes it."""

from collections.abc import Iterator
from pathlib import Path

from crossres.datasets.base.files import remove_abandoned
from crossres.datasets.pixels.lock import remove_needless

CACHES = ("archives", "pixels", "sizes", "twins")


def remove_leftovers(out: Path, cache: Path) -> None:
    """Remove the temporary files that nobody is at work on any more; other runs' stay."""
    remove_abandoned([out, *_folders_in(out), out / "report" / "figures"])
    remove_abandoned([*(cache / name for name in CACHES), *_folders_in(cache / "pixels")])
    remove_needless(cache / "partial", cache / "pixels")


def _folders_in(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in sorted(folder.iterdir()) if path.is_dir())
