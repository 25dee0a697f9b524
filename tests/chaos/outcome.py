"""What is the same after a disturbed run as after an undisturbed one, and what must be gone."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from crossres.benchmark.records.images import IMAGES, ImageFolder
from crossres.benchmark.records.record import read_record, scan_records
from crossres.datasets.base.files import digest_of
from tests.chaos.grid import Grid

OF_THE_MOMENT = ("at", "workers", "seconds")  # of a kept run: when, and what was expected
MEASURED = ("seconds", "peak_memory_bytes", "energy")  # of a record: they differ from run to run
SHOWS_MEASURED = (".html", ".pdf", ".md")  # of a report: pages that show or draw these
KEPT = ("artifacts", IMAGES)
OF_TORCH = "torchinductor_"  # torch makes this folder where it is imported, and keeps it
_RUN = re.compile("(runs/.+)-[0-9a-f]+.json")
LEFT_BEHIND = (".partial", ".lock", ".damaged", ".writable", ".log")


def contents(results: Path) -> dict[str, str]:
    """Return name -> digest of what a results folder says, without what was measured."""
    files = sorted(path for path in results.rglob("*") if path.is_file())
    others = [path for path in files if path.parent.parent != results / IMAGES]
    said = {_name(path.relative_to(results)): _digest(path) for path in others}
    return said | {f"{IMAGES}/{path.name}": _images(path) for path in (results / IMAGES).glob("*")}


def _images(folder: Path) -> str:
    """Return the digest of all thumbnails of a test set, however they are spread over files."""
    thumbnails = ImageFolder(folder.parents[1]).read(folder.name)
    of_each = {k: [t.name, digest_of(t.content)] for k, t in thumbnails.items()}
    return _of_json(of_each)


def _name(path: Path) -> str:
    """Return the name of a file in a results folder; a kept run is named after its --jobs, too."""
    return _RUN.sub(r"\1.json", path.as_posix())


def _digest(path: Path) -> str:
    if path.parent.name == "records" and path.suffix == ".json":
        record = json.loads(path.read_text(encoding="utf-8"))
        return _of_json({name: record[name] for name in record if name not in MEASURED})
    if path.parent.name == "runs" and path.suffix == ".json":
        return _of_json(_asked(json.loads(path.read_text(encoding="utf-8"))))
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            return _of_json({name: _of_array(arrays[name]) for name in arrays.files})
    return "" if path.suffix in SHOWS_MEASURED else digest_of(path.read_bytes())


def _asked(run: dict[str, Any]) -> dict[str, Any]:
    """Return what a kept run says, but for the moment: its cells stand in the order of the plan."""
    rows = run.pop("rows")
    cells = [cell | {"row": rows[cell["row"]]} for cell in run.pop("cells")]
    run["request"].pop("jobs")
    for part in (run, *cells):
        for name in OF_THE_MOMENT:
            part.pop(name, None)
    return run | {"cells": sorted(cells, key=lambda cell: str(cell["key"]))}


def _of_array(array: Any) -> str:
    return digest_of(
        f"{array.dtype} {array.shape} ".encode(), np.ascontiguousarray(array).tobytes()
    )


def _of_json(content: Any) -> str:
    return digest_of(json.dumps(content, sort_keys=True).encode())


def remains(grid: Grid) -> list[str]:
    """Return what a finished run should have removed, by its path in the grid's folder."""
    suspects = [
        path
        for root in (grid.out, grid.cache)
        for path in root.rglob("*")
        if path.name.endswith(LEFT_BEHIND) or path.parent == grid.cache / "partial"
    ]
    temporary = [path for path in grid.temporary.iterdir() if not path.name.startswith(OF_TORCH)]
    return sorted(path.relative_to(grid.folder).as_posix() for path in [*suspects, *temporary])


def half_done(grid: Grid) -> Iterator[str]:
    """Yield a line for each thing that a reader must never meet, whenever a run was broken off."""
    yield from scan_records(grid.out).broken
    for path in sorted(p for f in KEPT for p in (grid.out / f).rglob("[!.]*.npz")):
        try:
            _digest(path)
        except (OSError, ValueError) as error:
            yield f"{path}: {error}"
    for path in sorted((grid.out / "records").glob("[!.]*.json")):
        key = read_record(path).key
        for other in (grid.out / "artifacts" / f"{key}.npz",):
            if not other.is_file():
                yield f"{other}: is not there, but its record is"


def differences(grid: Grid, undisturbed: Grid) -> Iterator[str]:
    """Yield a line for each way in which a finished run is unlike the undisturbed one."""
    here, there = contents(grid.out), contents(undisturbed.out)
    for name in sorted(here.keys() | there.keys()):
        if name not in here:
            yield f"lost: {name}"
        elif name not in there:
            yield f"left behind in the results: {name}"
        elif here[name] != there[name]:
            yield f"another content: {name}"
    yield from (f"left behind: {name}" for name in remains(grid))
