"""What a cell reads, and how it gets to a machine that has none of it.

That is its raw folder, its pixel store, and the list of a user's own set. They go as they are,
times of files included, since by these a store knows its raw folder.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from os import utime
from pathlib import Path

from crossres.benchmark.records.cell import Job
from crossres.benchmark.runs.data import Prepared
from crossres.benchmark.runs.engine import Supplies
from crossres.datasets.base.files import digest_of
from crossres.datasets.raw.source import twin_folder


def of_transfer(tested: Supplies, trained_on: Supplies) -> Supplies:
    """Return what a transfer reads: the folders of the set that is tested, and of the other one."""
    moved = partial(_moved_transfer, tested=tested.moved, trained_on=trained_on.moved)
    return Supplies({**tested.folders, **trained_on.folders}, moved)


def _moved_transfer(
    job: Job,
    folder: Path,
    tested: Callable[[Job, Path], Job],
    trained_on: Callable[[Job, Path], Job],
) -> Job:
    assert job.training is not None
    return replace(tested(job, folder), training=trained_on(job.training, folder))


def supplies_of(job: Job, prepared: Prepared) -> Supplies:
    """Return the folders of the data set that a cell is tested on, by their places in the folder of
    another machine.
    """
    places = {f"cache/pixels/{prepared.store.name}": prepared.store}
    if job.source.root is None:
        drawn = twin_folder(job.card, job.source, job.cache)
        places[f"cache/twins/{drawn.name}"] = drawn
        return Supplies(places, partial(_moved, raw=None))
    raw = f"raw/{digest_of(str(prepared.raw).encode())[:16]}/{prepared.raw.name}"
    places[raw] = prepared.raw
    own = job.own
    if own is None or own.own is None or not own.own.list_file:
        return Supplies(places, partial(_moved, raw=raw))
    file = Path(own.own.list_file)
    listed = f"lists/{digest_of(str(file).encode())[:16]}"
    moved = partial(_moved, raw=raw, list_file=f"{listed}/{file.name}")
    return Supplies(places | {listed: file}, moved)


def _moved(job: Job, folder: Path, raw: str | None, list_file: str | None = None) -> Job:
    """Return the job for a machine that has its places in `folder`."""
    source = job.source if raw is None else replace(job.source, root=folder / raw)
    own = job.own
    if own is not None and own.own is not None and list_file is not None:
        own = replace(own, own=replace(own.own, list_file=str(folder / list_file)))
    return replace(job, source=source, cache=folder / "cache", own=own)


@dataclass(frozen=True)
class PackedFile:
    """A file on its way: its path in its folder, its time in ns, its content."""

    path: str
    mtime_ns: int
    content: bytes


def packed(folder: Path, chunk_bytes: int) -> Iterator[list[PackedFile]]:
    """Yield the files of a folder, or a file, in the order of their paths, about so many bytes at a
    time.
    """
    chunk: list[PackedFile] = []
    size = 0
    for path, relative in _files(folder):
        content = path.read_bytes()
        if chunk and size + len(content) > chunk_bytes:
            yield chunk
            chunk, size = [], 0
        chunk.append(PackedFile(relative, path.stat().st_mtime_ns, content))
        size += len(content)
    if chunk:
        yield chunk


def _files(place: Path) -> list[tuple[Path, str]]:
    """Return the files of a folder, or a file, each with its path there, in the order of these."""
    if place.is_file():
        return [(place, place.name)]
    files = sorted(path for path in place.rglob("*") if path.is_file())
    return [(path, path.relative_to(place).as_posix()) for path in files]


def unpack(files: list[PackedFile], folder: Path) -> None:
    """Write packed files into a folder."""
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        utime(path, ns=(file.mtime_ns, file.mtime_ns))


def fingerprint(folder: Path) -> str:
    """Return a digest of the paths, sizes and times (ns) of the files in a folder, or of a file.

    Machines that share a folder have the same; a copy hardly ever has, unless made by `unpack`.
    """
    lines = []
    for path, relative in _files(folder):
        stat = path.stat()
        lines.append(f"{relative} {stat.st_size} {stat.st_mtime_ns}")
    return digest_of("\n".join(lines).encode())
