"""The trained methods of a results folder: weights/<key>/ holds what `Method.save` writes.

A folder is there whole or not at all, and belongs to the record whose digest it names.
"""

import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

from crossres.benchmark.records.record import Record
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import replace_folder, write_atomically
from crossres.methods.interface.method import WEIGHTS, read_description


def weights_path(folder: Path, key: str) -> Path:
    """Return where the trained method of the cell `key` lies in the results folder."""
    return folder / "weights" / key


def write_weights(folder: Path, key: str, files: Mapping[str, bytes]) -> Path:
    """Write the files (name -> content) in place of what is there; return their folder."""
    path = weights_path(folder, key)
    with replace_folder(path) as temporary:
        for name, content in files.items():
            write_atomically(temporary / name, content)
        _remove(path)
    return path


def has_weights(folder: Path, record: Record) -> bool:
    """Say whether the weights of this very record are there; loading checks their content."""
    path = weights_path(folder, record.key)
    try:
        is_of_record = read_description(path)["digest"] == record.digests["weights"]
    except InputError:
        return False
    return is_of_record and (path / WEIGHTS).is_file()


def _remove(path: Path) -> None:
    """Remove a folder of weights, out of its place first: nobody finds it half removed."""
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    if path.exists():
        path.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)
