"""The list of an export, crossres-export.csv: which file is which image of the manifest.

One row per file, in the order of the manifest, so that features computed on the files can be put
back into that order.
"""

import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.texts import read_text, separator, unreadable


@dataclass(frozen=True)
class ExportEntry:
    """One file: where it is, what its name says, what it is in the manifest, what it holds.

    `export_pid` and `export_camid` are the numbers in the name, `pid` and `camid` those of the
    manifest. `pixels` is the hex SHA-256 of its height x width x 3 bytes of RGB.
    """

    file: str
    split: str
    export_pid: int
    export_camid: int
    path: str
    pid: int
    camid: int
    rate: int
    width: int
    height: int
    pixels: str


_COLUMNS = ("layout", *(field.name for field in fields(ExportEntry)))
_NUMBERS = [field.name for field in fields(ExportEntry) if field.type is int]


def write_list(file: Path, layout: str, entries: Sequence[ExportEntry]) -> None:
    """Write the list of an export that is being made."""
    rows = [(layout, *astuple(entry)) for entry in entries]
    text: str = pd.DataFrame(rows, columns=list(_COLUMNS)).to_csv(index=False, lineterminator="\n")
    file.write_text(text, encoding="utf-8", newline="\n")


def read_list(file: Path) -> tuple[str, list[ExportEntry]]:
    """Return (layout, entries); InputError names a file that `write_list` has not written."""
    text = read_text(file, "list of an export", "export again")
    try:
        table = pd.read_csv(
            io.StringIO(text), sep=separator(text), dtype=str, keep_default_na=False
        )
        if tuple(table.columns) != _COLUMNS or table["layout"].nunique() != 1:
            raise InputError(
                f"{file}: not the list of an export; the file is damaged, export again"
            )
        table[_NUMBERS] = table[_NUMBERS].astype(np.int64)
    except (ValueError, OverflowError) as error:
        raise unreadable(file, "list of an export", "it is damaged", "export again") from error
    rows = table[list(_COLUMNS[1:])].itertuples(index=False)
    return str(table["layout"].iloc[0]), [ExportEntry(*row) for row in rows]
