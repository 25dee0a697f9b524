"""Market-1501's folders: bounding_box_train, query, bounding_box_test; `<pid>_c<camera>s1_...`.

Read by the Market-1501 classes of torchreid, fast-reid and MDIFF, which find images by `*.jpg`
(MDIFF's VIPeR: `*.bmp`) and take pid and camera from the first `<digits>_c<digit>` of the path.
"""

import re
from functools import partial
from pathlib import Path

import pandas as pd

from crossres.datasets.base.errors import InputError
from crossres.datasets.exports.layout import ExportPlan, planned_files
from crossres.datasets.exports.renumber import camera_numbers, pid_numbers
from crossres.datasets.readers.parts.listing import matches

SUFFIX = "jpg"
KEEPS_JUNK = True
LAST_PID, LAST_CAMERA = 1501, 6  # what the Market-1501 classes assert
FOLDERS = {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}
_GRAMMAR = "<pid>_c<camera 1..9>s1_<number, 6 digits>_00.<suffix>"
_NAME = re.compile(r"(-1|\d{4,})_c([1-9])s1_\d{6,}_00\.(?:jpg|png|bmp)", re.ASCII)
_PEERS_NAME = re.compile(r"[-\d]+_c\d")


def check_folder(folder: Path) -> None:
    """Refuse a path in which the peers' search would find a pid and camera before the name."""
    match = _PEERS_NAME.search(folder.as_posix())
    if match:
        raise InputError(
            f"{folder}: readers of this layout would take {match[0]!r} in this path for a pid and "
            "camera; give another folder"
        )


def plan(table: pd.DataFrame, suffix: str) -> ExportPlan:
    """Give pids 0..1501 and cameras 1..6 wherever the set allows."""
    pids, pid_note = pid_numbers(table, LAST_PID)
    cameras, camera_note = camera_numbers(table)
    notes = [pid_note, camera_note]
    if max(pids.values()) > LAST_PID:
        notes.append(f"more than {LAST_PID} identities: classes made for Market-1501 refuse them")
    if max(cameras) > LAST_CAMERA:
        notes.append("more than 6 cameras: read it with torchreid's DukeMTMCreID, not Market1501")
    files = tuple(planned_files(table, pids, cameras, partial(_file, suffix)))
    return ExportPlan(files, tuple(note for note in notes if note))


def _file(suffix: str, split: str, pid: int, camid: int, number: int) -> str:
    stem = "-1" if pid == -1 else f"{pid:04d}"
    return f"{FOLDERS[split]}/{stem}_c{camid}s1_{number:06d}_00.{suffix}"


def read_names(folder: Path) -> list[tuple[str, str, int, int]]:
    """Read the names of the three folders."""
    return [
        (f"{name}/{match[0]}", split, int(match[1]), int(match[2]))
        for split, name in FOLDERS.items()
        for match in matches(folder / name, _NAME, _GRAMMAR)
    ]
