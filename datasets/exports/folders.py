"""DI-ReID's folders: train, val, query and gallery, each with `<id4>/<id5>_c<camera>_<number>`.

DI-ReID finds its LR training images by `c0` in the name, so camera 0 stands for LR where that
changes no metric. It wants a `val` folder: copies of training images, none is taken from training.
"""

import re
from functools import partial
from pathlib import Path

import pandas as pd

from crossres.datasets.exports.layout import ExportPlan, PlannedFile, planned_files
from crossres.datasets.exports.renumber import camera_numbers, pid_numbers, same_camera_counts
from crossres.datasets.readers.parts.listing import listing, matches

SUFFIX = "png"
KEEPS_JUNK = False
LAST_PID = 9999
HR, LR_CAMERA = 1, 0
SPLITS = ("train", "val", "query", "gallery")
_GRAMMAR = "<identity, 5 digits>_c<camera>_<number, 5 digits>.<suffix>"
_NAME = re.compile(r"(\d{5,})_c(\d)_\d{5,}\.(?:jpg|png|bmp)", re.ASCII)


def check_folder(folder: Path) -> None:
    """Accept every path: DI-ReID looks at the names of the files alone."""


def plan(table: pd.DataFrame, suffix: str) -> ExportPlan:
    """Give LR images camera 0, HR ones 1..9; or all 1..9 where LR and HR share a camera."""
    pids, pid_note = pid_numbers(table, LAST_PID)
    cameras, camera_note = _cameras(table)
    files = planned_files(table, pids, cameras, partial(_file, suffix))
    notes = (
        pid_note,
        camera_note,
        "val holds copies of training images, one LR and one HR of each",
    )
    val = _val(files, table["rate"].tolist())
    return ExportPlan((*files, *val), tuple(note for note in notes if note))


def _file(suffix: str, split: str, pid: int, camid: int, number: int) -> str:
    return f"{split}/{pid:04d}/{pid:05d}_c{camid}_{number:05d}.{suffix}"


def _cameras(table: pd.DataFrame) -> tuple[list[int], str]:
    numbers, note = camera_numbers(table)
    lr = (table["rate"] != HR).tolist()
    lr_in_gallery = bool(((table["rate"] != HR) & (table["split"] == "gallery")).any())
    if same_camera_counts(table) or lr_in_gallery:
        lr_note = (
            "camera 0 does not stand for LR here, since the same-camera rule needs the cameras"
        )
        return numbers, "; ".join(part for part in (note, lr_note) if part)
    lr_note = "camera 0 stands for LR"
    marked = [LR_CAMERA if low else number for low, number in zip(lr, numbers, strict=True)]
    return marked, "; ".join(part for part in (lr_note, note) if part)


def _val(files: list[PlannedFile], rates: list[int]) -> list[PlannedFile]:
    """Return the first LR and the first HR image of each training identity once more, as `val`."""
    first: dict[tuple[int, bool], PlannedFile] = {}
    for file, rate in zip(files, rates, strict=True):
        if file.split == "train":
            first.setdefault((file.pid, rate == HR), file)
    return [
        PlannedFile("val" + p.file.removeprefix("train"), "val", p.pid, p.camid, p.path)
        for p in first.values()
    ]


def read_names(folder: Path) -> list[tuple[str, str, int, int]]:
    """Read the names below the four folders."""
    return [
        (f"{split}/{name}/{match[0]}", split, int(match[1]), int(match[2]))
        for split in SPLITS
        for name in listing(folder / split)
        for match in matches(folder / split / name, _NAME, _GRAMMAR)
    ]
