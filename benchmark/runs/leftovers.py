"""What killed runs left behind in a results folder and in the cache: the next run removes it."""

from collections.abc import Container, Iterator
from pathlib import Path

from crossres.benchmark.records import checkpoints
from crossres.benchmark.records.failures import failure_log
from crossres.benchmark.records.images import IMAGES
from crossres.benchmark.records.leases import remove_left_over
from crossres.datasets.base.files import remove_abandoned
from crossres.datasets.pixels.lock import remove_needless

CACHES = ("archives", "pixels", "sizes", "twins")


def remove_leftovers(out: Path, cache: Path) -> None:
    """Remove the temporary files that nobody is at work on any more; other runs' stay."""
    deeper = (path for name in (IMAGES, "report") for path in _folders_in(out / name))
    remove_abandoned([out, *_folders_in(out), *deeper])
    remove_abandoned([*(cache / name for name in CACHES), *_folders_in(cache / "pixels")])
    remove_needless(cache / "partial", cache / "pixels")
    remove_left_over(out)


def remove_of_finished(out: Path, finished: Container[str]) -> None:
    """Remove checkpoints and failures of cells that have their record since.

    They are of runs that were killed between writing the one and removing the other.
    """
    for path in sorted((out / checkpoints.FOLDER).glob("*.zip")):
        if path.stem in finished:
            checkpoints.remove_checkpoint(out, path.stem)
    for path in sorted(failure_log(out, "*").parent.glob("*.log")):
        if path.stem in finished:
            path.unlink(missing_ok=True)


def _folders_in(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in sorted(folder.iterdir()) if path.is_dir())
