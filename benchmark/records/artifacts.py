"""Artifacts: what a report shows of one cell: a few queries, their nearest gallery images, chains.

Queries and gallery are drawn by hash, never chosen by success; arrays only, no pickle.
"""

import io
import logging
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.records.npz import QuickArrays
from crossres.datasets.base.errors import reason
from crossres.datasets.base.files import write_atomically

Arrays = dict[str, NDArray[Any]]
# What zipfile raises for torn, altered, encrypted, compressed and foreign files.
UNREADABLE = (OSError, ValueError, EOFError, zipfile.BadZipFile, RuntimeError, zlib.error)

_log = logging.getLogger(__name__)


def artifact_path(folder: Path, key: str) -> Path:
    """Return where the artifact of `key` lies in the results folder."""
    return folder / "artifacts" / f"{key}.npz"


def write_artifact(folder: Path, key: str, arrays: Arrays) -> Path:
    """Write the arrays as a compressed .npz, atomically; return its path."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    path = artifact_path(folder, key)
    write_atomically(path, buffer.getvalue())
    return path


class ArtifactFolder:
    """The artifacts of a results folder; `problems` has a line for each that cannot be used."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self._problems: dict[str, None] = {}
        self._quick = QuickArrays()

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with artifacts that were asked for so far, each once."""
        return tuple(self._problems)

    def note(self, problems: Iterable[str]) -> None:
        """Add what somebody else who read these artifacts has seen of problems."""
        self._problems |= dict.fromkeys(problems)

    def log_problems(self) -> None:
        """Log a warning for each of `problems`."""
        for line in self.problems:
            _log.warning("ignored %s", line)

    def read(
        self,
        key: str,
        names: Collection[str],
        fault: Callable[[Arrays], str] = lambda _: "",
        optional: Collection[str] = (),
    ) -> Arrays | None:
        """Return the arrays `names` of a cell's artifact, and those of `optional` that it has.

        None where there is no artifact, or it lacks one of `names`. One that is damaged, or of
        which `fault` says what is wrong, is a problem, and None likewise.
        """
        if self._quick.lacks(key, names):
            return None
        path = artifact_path(self.results, key)
        try:
            arrays = self._quick.read(key, path, names, optional)
            if arrays is None:
                with np.load(path, allow_pickle=False) as opened:
                    wanted = [name for name in (*names, *optional) if name in opened.files]
                    arrays = {name: opened[name] for name in wanted}
            if not set(names) <= set(arrays):
                return None
        except FileNotFoundError:
            return None
        except UNREADABLE as error:
            text = f"not a readable artifact ({reason(error)})"
        else:
            text = fault(arrays)
        if text:
            line = f"{path}: {text}; delete it and its record, then run again"
            self._problems[line] = None
        return None if text else arrays
