"""What a cell reads, and how it gets to a machine that has none of it.

That is its raw folder and its pixel store. They go as they are, times of files included, since by
these a store knows its raw folder.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from os import utime
from pathlib import Path

from crossres.benchmark.records.cell import Job
from crossres.benchmark.runs.data import Prepared
from crossres.benchmark.runs.engine import Supplies
from crossres.datasets.base.files import digest_of
from crossres.datasets.cards import card
from crossres.datasets.raw.source import twin_folder


def supplies_of(job: Job, prepared: Prepared) -> Supplies:
    """Return the folders that a cell reads, by their places in the folder of another machine."""
    places = {f"cache/pixels/{prepared.store.name}": prepared.store}
    if job.source.root is None:
        drawn = twin_folder(card(job.cell.dataset), job.source, job.cache)
        places[f"cache/twins/{drawn.name}"] = drawn
        return Supplies(places, partial(_moved, raw=None))
    raw = f"raw/{digest_of(str(prepared.raw).encode())[:16]}/{prepared.raw.name}"
    return Supplies(places | {raw: prepared.raw}, partial(_moved, raw=raw))


def _moved(job: Job, folder: Path, raw: str | None) -> Job:
    """Return the job for a machine that has its places in `folder`."""
    source = job.source if raw is None else replace(job.source, root=folder / raw)
    return replace(job, source=source, cache=folder / "cache")


@dataclass(frozen=True)
class PackedFile:
    """A file on its way: its path in its folder, its time in ns, its content."""

    path: str
    mtime_ns: int
    content: bytes


def packed(folder: Path, chunk_bytes: int) -> Iterator[list[PackedFile]]:
    """Yield the files of a folder, in the order of their paths, about so many bytes at a time."""
    chunk: list[PackedFile] = []
    size = 0
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        content = path.read_bytes()
        if chunk and size + len(content) > chunk_bytes:
            yield chunk
            chunk, size = [], 0
        relative = path.relative_to(folder).as_posix()
        chunk.append(PackedFile(relative, path.stat().st_mtime_ns, content))
        size += len(content)
    if chunk:
        yield chunk


def unpack(files: list[PackedFile], folder: Path) -> None:
    """Write packed files into a folder."""
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        utime(path, ns=(file.mtime_ns, file.mtime_ns))


def fingerprint(folder: Path) -> str:
    """Return a digest of the paths, sizes and times (ns) of the files in a folder.

    Machines that share a folder have the same; a copy hardly ever has, unless made by `unpack`.
    """
    lines = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            stat = path.stat()
            lines.append(f"{path.relative_to(folder).as_posix()} {stat.st_size} {stat.st_mtime_ns}")
    return digest_of("\n".join(lines).encode())
