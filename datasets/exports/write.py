"""The pictures of an export: decoded, down-sampled by their rate, written as PNG data."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from crossres.datasets.base.progress import Report
from crossres.datasets.exports.index import ExportEntry
from crossres.datasets.exports.layout import ExportPlan, PlannedFile
from crossres.datasets.pixels.decoding import Recipe
from crossres.datasets.raw.source import Raw
from crossres.datasets.readers import reader
from crossres.datasets.resampling.integer import downsample
from crossres.datasets.splits.manifest import Manifest

_COMPRESSION = 6  # of the PNG: fixed, so that one library writes one file


def write_images(
    raw: Raw,
    manifest: Manifest,
    plan: ExportPlan,
    folder: Path,
    input_size: tuple[int, int] | None,
    progress: Report,
) -> list[ExportEntry]:
    """Write all files of the plan into `folder`, and return their entries in the plan's order."""
    entries = []
    for done, entry in enumerate(_written(raw, manifest, plan, folder, input_size), start=1):
        entries.append(entry)
        progress(done, len(plan.files))
    return entries


def _written(
    raw: Raw, manifest: Manifest, plan: ExportPlan, folder: Path, input_size: tuple[int, int] | None
) -> Iterator[ExportEntry]:
    open_image = reader(raw.card.reader).open_image
    table = manifest.table
    labels = {
        path: (int(pid), int(camid), int(rate))
        for path, pid, camid, rate in table[["path", "pid", "camid", "rate"]].itertuples(
            index=False
        )
    }
    for file in plan.files:
        pid, camid, rate = labels[file.path]
        native = open_image(raw.folder, file.path)
        pixels = picture(native, rate, manifest.kernel, manifest.grid, input_size)
        _write_png(folder / file.file, pixels)
        yield _entry(file, pid, camid, rate, pixels)


def picture(
    native: NDArray[np.uint8],
    rate: int,
    kernel: str,
    grid: str,
    input_size: tuple[int, int] | None,
) -> NDArray[np.uint8]:
    """Return what is written for one image (H, W, 3): the image of the pixel store, before its
    resize.

    With `input_size` (height, width), which the grid "input" needs: the very image of the store.
    """
    if input_size is not None:
        return Recipe(*input_size, kernel, grid).apply(native, rate)
    return downsample(native, max(1, rate), kernel)


def _write_png(file: Path, pixels: NDArray[np.uint8]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("xb") as stream:
        Image.fromarray(pixels).save(stream, format="PNG", compress_level=_COMPRESSION)


def _entry(
    file: PlannedFile, pid: int, camid: int, rate: int, pixels: NDArray[np.uint8]
) -> ExportEntry:
    return ExportEntry(
        file=file.file,
        split=file.split,
        export_pid=file.pid,
        export_camid=file.camid,
        path=file.path,
        pid=pid,
        camid=camid,
        rate=rate,
        width=pixels.shape[1],
        height=pixels.shape[0],
        pixels=digest_of_pixels(pixels),
    )


def digest_of_pixels(pixels: NDArray[np.uint8]) -> str:
    """Return the hex SHA-256 of the pixels (H, W, 3), the same whatever library wrote the file."""
    return hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()
