"""Standard streams whose faults never end a command.

A console that lacks a sign gets "?" for it; a reader that went away, or a full disk, loses what is
printed, but not what is computed.
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO, cast


class _Lenient(io.RawIOBase):
    """Writes to another raw stream for as long as that takes it, and keeps the first error."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw = raw
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def isatty(self) -> bool:
        return self._raw.isatty()

    def write(self, data: object) -> int | None:
        if self.error is None:
            try:
                return self._raw.write(data)  # type: ignore[arg-type]
            except OSError as error:
                self.error = error
        return memoryview(data).nbytes  # type: ignore[arg-type]


class Output:
    """Whether standard output could be written."""

    def __init__(self, raw: _Lenient | None) -> None:
        self._raw = raw

    @property
    def fault(self) -> str | None:
        """Why it was not written whole; None where it was, or where its reader went away."""
        error = None if self._raw is None else self._raw.error
        return None if error is None or isinstance(error, BrokenPipeError) else error.strerror


@contextmanager
def lenient_streams() -> Iterator[Output]:
    """Make standard output and error lenient inside the block, and flush both at its end."""
    _open_closed_streams()
    before = sys.stdout, sys.stderr
    sys.stdout, output = _lenient(sys.stdout, sys.__stdout__)
    sys.stderr, _ = _lenient(sys.stderr, sys.__stderr__)
    try:
        yield Output(output)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def _open_closed_streams() -> None:
    """Open standard streams that are closed (`>&-`) on the null device.

    The next file opened, a result, say, would take the number of a closed stream, and receive what
    libraries print.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123


def _lenient(stream: TextIO, original: TextIO | None) -> tuple[TextIO, _Lenient | None]:
    """Wrap a stream of the process; one that was put in its place (by a test, say) stays."""
    if stream is not original or not isinstance(stream, io.TextIOWrapper):
        return stream, None
    stream.flush()
    raw = _Lenient(cast(io.RawIOBase, getattr(stream.buffer, "raw", stream.buffer)))
    text = io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors="replace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
    return text, raw
