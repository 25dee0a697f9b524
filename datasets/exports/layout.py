"""Where each image of a split goes in an export: the nouns that all layouts share."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import pandas as pd

from crossres.datasets.base.suggest import unknown

LAYOUTS = ("market", "folders", "dgd")
JUNK = -1


@dataclass(frozen=True)
class PlannedFile:
    """One file of an export.

    `file` is its path in the export; `split` (train | val | query | gallery), `pid` and `camid`
    are what a reader of the layout finds; `path` names the image in the manifest.
    """

    file: str
    split: str
    pid: int
    camid: int
    path: str


@dataclass(frozen=True)
class ExportPlan:
    """All files of an export, in manifest order (`val` last), and its further text files.

    `texts` makes file name -> content from the data set's name; `notes` are for its users.
    """

    files: tuple[PlannedFile, ...]
    notes: tuple[str, ...] = ()
    texts: Callable[[str], Mapping[str, str]] = lambda _dataset: {}


class ExportLayout(Protocol):
    """What every layout module offers.

    `KEEPS_JUNK`: whether images of pid -1 can be told from identities. They count for no query, so
    leaving them out changes no metric.
    """

    SUFFIX: str
    KEEPS_JUNK: bool

    def check_folder(self, folder: Path) -> None:
        """Raise InputError when readers of this layout would misread files below this folder."""

    def plan(self, table: pd.DataFrame, suffix: str) -> ExportPlan:
        """Plan where a manifest's rows go; InputError when the layout has no room."""

    def read_names(self, folder: Path) -> list[tuple[str, str, int, int]]:
        """Return (file, split, pid, camid) of every image, as the names alone tell them."""


def layout(name: str) -> ExportLayout:
    """Return the module of a layout; InputError on an unknown one lists those there are."""
    if name not in LAYOUTS:
        raise unknown("layout", name, LAYOUTS)
    return cast(ExportLayout, importlib.import_module(f"crossres.datasets.exports.{name}"))


def junk_free(table: pd.DataFrame, keeps_junk: bool) -> pd.DataFrame:
    """Return the rows of a manifest's table that are exported, in its order."""
    return table if keeps_junk else table[table["pid"] != JUNK].reset_index(drop=True)


def running_numbers(table: pd.DataFrame, *by: str) -> list[int]:
    """Number the rows of equal `by` from 0, in the order of their paths; one number for each row.

    Paths are those of the raw folder, so the number says nothing of rates.
    """
    order = table.sort_values("path", kind="stable")
    return [int(number) for number in order.groupby(list(by)).cumcount().reindex(table.index)]


def planned_files(
    table: pd.DataFrame,
    pids: Mapping[int, int],
    cameras: Sequence[int],
    file: Callable[[str, int, int, int], str],
) -> list[PlannedFile]:
    """Return a place for each row, named file(split, pid, camid, running number within the
    identity).

    `pids` and `cameras` are the numbers that the layout has for the row's pid and for its camera.
    """
    columns = (table["path"], table["split"], table["pid"], cameras, running_numbers(table, "pid"))
    return [
        PlannedFile(file(split, pids[pid], camid, number), split, pids[pid], camid, path)
        for path, split, pid, camid, number in zip(*columns, strict=True)
    ]
