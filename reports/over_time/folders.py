"""Results folders below others, with what each holds, in the order in which they were run."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from crossres.benchmark.records.planned import KeptRuns, read_runs
from crossres.datasets.base.errors import InputError
from crossres.reports.grid.grid import Grid
from crossres.reports.write import Contents, contents_of

DEPTH = 4  # folders in folders that are looked into


@dataclass(frozen=True)
class IndexedFolder:
    """A results folder, and the runs that it keeps.

    `contents` is None where it cannot be read, for the reason `fault`.
    """

    path: Path
    runs: KeptRuns
    contents: Contents | None
    fault: str = ""

    @property
    def grids(self) -> Sequence[Grid]:
        """The grids of its tables."""
        return self.contents.grids if self.contents else ()

    @property
    def at(self) -> float:
        """When it was last run, in seconds since 1970; 0 where it keeps no run."""
        last = self.runs.last()
        return last.at if last else 0.0


def indexed_folders(roots: Sequence[Path]) -> list[IndexedFolder]:
    """Return all results folders at or below `roots`, the earliest run first, each once.

    Those that do not keep when they were run come first; folders of the same time, by name. Raises
    InputError where there is none.
    """
    paths = {path.resolve(): path for root in roots for path in _results_below(root, DEPTH)}
    if not paths:
        raise InputError(
            f"{', '.join(map(str, roots))}: no results folder there; name folders that "
            "`crossres run TABLE --out FOLDER` has filled, or one that contains such"
        )
    folders = [_indexed(path) for path in paths.values()]
    return sorted(folders, key=lambda folder: (folder.at, str(folder.path)))


def _results_below(root: Path, depth: int) -> Iterator[Path]:
    if (root / "records").is_dir():
        yield root
        return
    try:
        below = sorted(path for path in root.iterdir() if path.is_dir() and not path.is_symlink())
    except OSError as error:
        raise InputError(f"{root}: not a folder that can be read ({error.strerror})") from error
    if depth:
        for path in below:
            yield from _results_below(path, depth - 1)


def _indexed(path: Path) -> IndexedFolder:
    try:
        contents = contents_of(path, None)
    except InputError as error:
        return IndexedFolder(path, read_runs(path), None, str(error))
    return IndexedFolder(path, contents.runs, contents)


def titles(folders: Iterable[IndexedFolder]) -> dict[Path, str]:
    """Return what each folder is called: the shortest end of its path that no other one has."""
    parts = {folder.path: folder.path.resolve().parts for folder in folders}
    named = {}
    for path, own in parts.items():
        length = 1
        while length < len(own) and any(
            other[-length:] == own[-length:] for key, other in parts.items() if key != path
        ):
            length += 1
        named[path] = "/".join(own[-length:])
    return named
