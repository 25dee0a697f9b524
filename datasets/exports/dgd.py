"""DGD's uniform format, which SING's code reads: meta.json, split.json, `cam_<view>/<id>_<number>`.

Its list maker takes the first half of the views of a probe identity for probe and the rest for
gallery, and every view of a training identity. So each identity has two views here: 0 holds its
queries (in training: its LR images), 1 its gallery (its HR images).
"""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.texts import read_json
from crossres.datasets.exports.layout import ExportPlan, PlannedFile, running_numbers
from crossres.datasets.exports.renumber import same_camera_counts

SUFFIX = "png"
KEEPS_JUNK = False
HR, VIEWS = 1, 2


def check_folder(folder: Path) -> None:
    """Accept every path: the files are named by meta.json."""


def plan(table: pd.DataFrame, suffix: str) -> ExportPlan:
    """Number identities from 0 in the order of their pids: their index in meta.json."""
    indices = {int(pid): index for index, pid in enumerate(sorted(set(table["pid"])))}
    views = [
        int(split == "gallery" or (split == "train" and rate == HR))
        for split, rate in zip(table["split"], table["rate"], strict=True)
    ]
    numbers = running_numbers(table.assign(view=views), "pid", "view")
    rows = zip(table["path"], table["split"], table["pid"], views, numbers, strict=True)
    files = tuple(
        PlannedFile(
            f"cam_{view}/{indices[pid]:05d}_{number:05d}.{suffix}", split, indices[pid], view, path
        )
        for path, split, pid, view, number in rows
    )
    notes = [
        f"identities are numbered anew, 0 to {len(indices) - 1}, in the order of their pids",
        "camera 0 holds queries and LR training images, camera 1 gallery and HR training images",
    ]
    if same_camera_counts(table):
        notes.append("this layout cannot say which gallery images share the camera of a query")
    return ExportPlan(files, tuple(notes), partial(_texts, files))


def _texts(files: tuple[PlannedFile, ...], dataset: str) -> Mapping[str, str]:
    identities: list[list[list[str]]] = [
        [[] for _ in range(VIEWS)] for _ in range(1 + max(file.pid for file in files))
    ]
    for file in sorted(files, key=lambda file: file.file):
        identities[file.pid][file.camid].append(file.file)
    single = all(len(names) <= 1 for views in identities for names in views)
    meta = {
        "name": dataset,
        "shot": "single" if single else "multiple",
        "num_cameras": VIEWS,
        "identities": identities,
    }
    pids = {
        split: sorted({file.pid for file in files if file.split == split})
        for split in ("train", "query", "gallery")
    }
    split = {
        "trainval": pids["train"],
        "test_probe": pids["query"],
        "test_gallery": pids["gallery"],
    }
    return {"meta.json": _json(meta), "split.json": _json(split)}


def _json(content: object) -> str:
    return json.dumps(content, indent=1) + "\n"


def read_names(folder: Path) -> list[tuple[str, str, int, int]]:
    """Read meta.json and split.json as the list maker of DGD does."""
    try:
        meta, split = (
            read_json(folder / name, "part of an export", "export again")
            for name in ("meta.json", "split.json")
        )
        train, probe = set(split["trainval"]), set(split["test_probe"])
        images = []
        for pid, views in enumerate(meta["identities"]):
            half = len(views) // 2 if pid in probe else 0
            for view, files in enumerate(views):
                role = "train" if pid in train else ("query" if view < half else "gallery")
                images += [(str(file), role, pid, view) for file in files]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder}: meta.json and split.json are not usable (they are damaged); export again"
        ) from error
    return images
