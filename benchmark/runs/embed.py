"""Embedding images with a trained method: those of any folder, or the test split of a manifest.

The features of a manifest are to the last bit those of the cell that the method was trained in.
"""

import io
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from crossres.benchmark.runs.cell import CellError, check_embeddings, embedded, make_deterministic
from crossres.benchmark.runs.data import Progress
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import write_atomically
from crossres.datasets.pixels.image_folder import find_images, image_chunks
from crossres.datasets.pixels.store import PixelStore
from crossres.datasets.splits.manifest import Manifest
from crossres.methods.interface.method import Method
from crossres.methods.interface.run import Run

Arrays = dict[str, NDArray[Any]]


def embed_images(
    method: Method, folder: Path, rate: int | None, progress: Progress
) -> tuple[Arrays, int]:
    """Return features (N, D) float32 and paths (N,) of a folder; and how many other files.

    `rate` is told to a method that needs it; None: the method is asked without one. Raises
    InputError for images that cannot be read, and embeddings without a value.
    """
    paths, skipped = find_images(folder)
    features: list[NDArray[np.float32]] = []
    make_deterministic(Run(seed=0))
    progress("embed", 0, len(paths))
    size = method.profile.height, method.profile.width
    with closing(image_chunks(folder, paths, *size)) as chunks:
        for images in chunks:
            with threadpool_limits(1):
                features.append(_embedded(method, images, rate))
            progress("embed", sum(map(len, features)), len(paths))
    return {"features": np.concatenate(features), "paths": np.array(paths)}, skipped


def _embedded(method: Method, images: NDArray[np.uint8], rate: int | None) -> NDArray[np.float32]:
    if rate is None:
        features = method.embed(images)
    else:
        features = method.embed_rated(images, np.full(len(images), rate, dtype=np.int64))
    try:
        check_embeddings(method, features, len(images), "image")
    except CellError as error:
        raise InputError(str(error)) from error
    return features


def embed_split(
    method: Method, manifest: Manifest, store: PixelStore, progress: Progress
) -> Arrays:
    """Return what `evaluate` reads of queries and gallery (features, pids, camids), and paths.

    Raises InputError for a manifest without queries or gallery, and embeddings without a value.
    """
    empty = [split for split in ("query", "gallery") if manifest.rows(split).empty]
    if empty:
        raise InputError(f"the manifest has no {empty[0]} image; give one of a split with a test")
    make_deterministic(Run(seed=0))
    try:
        with threadpool_limits(1):
            features = embedded(method, manifest, store, progress)
    except CellError as error:
        raise InputError(str(error)) from error
    arrays: Arrays = {}
    for split, array in zip(("query", "gallery"), features, strict=True):
        rows = manifest.rows(split)
        arrays[f"{split}_features"] = array
        arrays[f"{split}_pids"] = rows["pid"].to_numpy()
        arrays[f"{split}_camids"] = rows["camid"].to_numpy()
        arrays[f"{split}_paths"] = rows["path"].to_numpy(dtype=str)
    return arrays


def check_place(path: Path) -> None:
    """Raise InputError, before anything is computed, when no file can be written there."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give the name of a file to write")
    trial = path.with_name(f".{path.name}.writable")
    write_atomically(trial, b"")
    trial.unlink(missing_ok=True)


def write_features(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an .npz of plain arrays, whole or not at all; the same arrays give the same bytes."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    write_atomically(path, stream.getvalue())
