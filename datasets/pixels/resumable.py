"""A large file made chunk by chunk: what is finished outlives the process, whatever kills it.

Beside the file lies a journal with a digest for every finished chunk, and a lock that the system
frees when its process ends. So work goes on where it stopped, one process at a time.
"""

import hashlib
import json
import logging
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import write_atomically

Span = tuple[int, int]
"""(first byte, number of bytes) in the file."""

_JOURNAL, _FINISHED = "journal.txt", re.compile(r"(\d+) ([0-9a-f]{64})")
_POLL_SECONDS = 0.2
_KEPT_SECONDS = 7 * 24 * 3600.0  # a partial that nobody has gone on with for so long is forgotten

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Partial:
    """The file `folder`/`name` under way: it begins with `head`, each chunk fills its spans.

    `about` says what the file is made from; chunks made from anything else are never used.
    """

    folder: Path
    name: str
    about: dict[str, Any]
    head: bytes
    chunks: tuple[tuple[Span, ...], ...]

    @property
    def file(self) -> Path:
        """The data."""
        return self.folder / self.name

    @property
    def _header(self) -> str:
        return json.dumps({**self.about, "chunks": len(self.chunks)}, sort_keys=True)

    def resume(self) -> set[int]:
        """Return the chunks that are finished, each checked by its digest; forget all else."""
        noted = self._noted()
        whole = {chunk: noted[chunk] for chunk in sorted(noted) if self._right(chunk, noted[chunk])}
        lines = [self._header, *(f"{chunk} {whole[chunk]}" for chunk in whole)]
        with _writing(self.folder):
            if not whole:
                shutil.rmtree(self.folder, ignore_errors=True)
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("ab"), self.file.open("r+b", buffering=0) as data:
                _write(data, 0, np.frombuffer(self.head, np.uint8))
        write_atomically(self.folder / _JOURNAL, "\n".join(lines) + "\n")
        return set(whole)

    def _noted(self) -> dict[int, str]:
        """The digests in the journal; none when it is not of this file. A torn line is no line."""
        try:
            lines = (self.folder / _JOURNAL).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return {}
        header, *rest = lines.splitlines() or [""]
        matches = [_FINISHED.fullmatch(line) for line in rest] if header == self._header else []
        noted = {int(match[1]): match[2] for match in matches if match}
        return {chunk: digest for chunk, digest in noted.items() if chunk < len(self.chunks)}

    def _right(self, chunk: int, digest: str) -> bool:
        sha = hashlib.sha256()
        try:
            with self.file.open("rb") as stream:
                for start, size in self.chunks[chunk]:
                    stream.seek(start)
                    sha.update(stream.read(size))
        except OSError:
            return False
        return sha.hexdigest() == digest

    @contextmanager
    def writing(self) -> Iterator[Callable[[int, Sequence[NDArray[np.uint8]]], None]]:
        """Yield put(chunk, pieces), which writes one piece into each span and notes the chunk.

        Raises InputError when the disk is full; what was put before is kept.
        """
        # Written with seek and write, never through a memory map: a full disk must be an error
        # that can be caught, and in a map it is a signal that kills the process.
        with _writing(self.folder):
            data = self.file.open("r+b", buffering=0)
            journal = (self.folder / _JOURNAL).open("ab", buffering=0)
        with data, journal:

            def put(chunk: int, pieces: Sequence[NDArray[np.uint8]]) -> None:
                sha = hashlib.sha256()
                with _writing(self.folder):
                    for (start, _), piece in zip(self.chunks[chunk], pieces, strict=True):
                        content = np.ascontiguousarray(piece).reshape(-1)
                        sha.update(content.data)
                        _write(data, start, content)
                    _append(journal, f"{chunk} {sha.hexdigest()}\n".encode())

            yield put


def _write(stream: BinaryIO, start: int, content: NDArray[np.uint8]) -> None:
    """Write all bytes of a flat array at a place of an unbuffered file."""
    stream.seek(start)
    _append(stream, content.data)


def _append(stream: BinaryIO, content: bytes | memoryview) -> None:
    done = 0
    while done < len(content):  # an unbuffered write may take a part only
        done += stream.write(content[done:])


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror}); free the disk or choose another "
            "place; what is finished is kept for the next try"
        ) from error


def noted_chunks(folder: Path) -> int:
    """How many chunks the journal of a folder has, while another process may be writing it."""
    try:
        return max(0, (folder / _JOURNAL).read_bytes().count(b"\n") - 1)
    except OSError:
        return 0


@contextmanager
def locked(folder: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a folder, which need not be there; `waiting` is called while others do.

    The lock is the system's: that of a process which was killed is free. Raises InputError when
    the place cannot be written.
    """
    with _writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(_lock_file(folder))
    with _writing(folder):
        _acquire(lock, folder, waiting)
    try:
        yield
    finally:
        if not folder.exists():
            Path(lock.lock_file).unlink(missing_ok=True)  # whoever waits for it tries anew
        lock.release()


def _lock_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _acquire(lock: FileLock, folder: Path, waiting: Callable[[], None]) -> None:
    told = False
    while True:
        try:
            lock.acquire(timeout=_POLL_SECONDS if told else 0)
        except Timeout:
            if not told:
                _log.warning("%s: another process is at work here; waiting for it", folder)
                told = True
            waiting()
        else:
            return


def forget_old(folders: Iterable[Path]) -> None:
    """Remove partials that nobody has written to for a week, unless somebody holds their lock."""
    for folder in folders:
        if folder.is_dir() and time.time() - folder.stat().st_mtime > _KEPT_SECONDS:
            lock = FileLock(_lock_file(folder))
            try:
                with lock.acquire(timeout=0):
                    _forget_if_old(folder)
            except Timeout:
                continue


def _forget_if_old(folder: Path) -> None:
    written = [path.lstat().st_mtime for path in (folder, *folder.iterdir())]
    if time.time() - max(written) > _KEPT_SECONDS:
        shutil.rmtree(folder, ignore_errors=True)
        _lock_file(folder).unlink(missing_ok=True)
