"""Checkpoints: from where the training of a cell that was broken off goes on.

One file per cell, checkpoints/<key>.zip, there only while the cell is not finished. What is in it
the worker checks; one that cannot be read is none.
"""

import io
import logging
import zipfile
from collections.abc import Mapping
from pathlib import Path

from crossres.benchmark.records.artifacts import UNREADABLE
from crossres.datasets.base.errors import reason
from crossres.datasets.base.files import write_atomically

FOLDER = "checkpoints"

_log = logging.getLogger(__name__)


def checkpoint_path(folder: Path, key: str) -> Path:
    """Return where the checkpoint of `key` lies in the results folder."""
    return folder / FOLDER / f"{key}.zip"


def write_checkpoint(folder: Path, key: str, files: Mapping[str, bytes]) -> Path:
    """Write the files (name -> content) in place of the one before, atomically; return the path."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(name, content)
    path = checkpoint_path(folder, key)
    write_atomically(path, buffer.getbuffer().tobytes())
    return path


def read_checkpoint(folder: Path, key: str) -> dict[str, bytes] | None:
    """Return the files of a cell's checkpoint; None for none. One that is damaged is a warning."""
    path = checkpoint_path(folder, key)
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except FileNotFoundError:
        return None
    except UNREADABLE as error:
        _log.warning("ignored %s: not a readable checkpoint (%s)", path, reason(error))
        return None


def remove_checkpoint(folder: Path, key: str) -> None:
    """Remove the checkpoint of a cell, if there is one, and its folder when it was the last."""
    path = checkpoint_path(folder, key)
    path.unlink(missing_ok=True)
    if path.parent.is_dir() and not any(path.parent.iterdir()):
        path.parent.rmdir()
