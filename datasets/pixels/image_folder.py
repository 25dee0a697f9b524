"""Images of any folder, in no layout: found by their suffix, resized as in a store.

None is down-sampled by a rate.
"""

import os
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.kinds import IMAGE_SUFFIXES
from crossres.datasets.pixels.decoding import Recipe, Work, default_jobs, fill
from crossres.datasets.readers.parts.listing import open_image
from crossres.datasets.splits.manifest import DEFAULT_GRID, DEFAULT_KERNEL

CHUNK = 512


def find_images(folder: Path) -> tuple[list[str], int]:
    """Return the images in a folder and its sub-folders, and how many other files there are.

    Paths are relative, with "/" between parts, and sorted. Names that begin with a dot are skipped,
    and links to folders are not followed. Raises InputError when there is no such folder, no image
    in it, a part of it cannot be listed, or a name is not UTF-8.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder; give the one that holds the images")
    files = sorted(_files(folder))
    images = [path for path in files if path.lower().endswith(IMAGE_SUFFIXES)]
    if not images:
        raise InputError(
            f"{folder}: holds no image ({', '.join(IMAGE_SUFFIXES)}), nor any folder in it"
        )
    for path in images:
        if not path.isprintable():
            raise InputError(f"{folder}: the name {path!r} cannot be written as text; rename it")
    return images, len(files) - len(images)


def _files(folder: Path) -> Iterator[str]:
    def fail(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be listed ({error.strerror})") from error

    for parent, folders, files in os.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside = Path(parent).relative_to(folder)
        yield from ((inside / name).as_posix() for name in files if not name.startswith("."))


def image_chunks(
    folder: Path, paths: list[str], height: int, width: int
) -> Generator[NDArray[np.uint8], None, None]:
    """Yield the images, (n, height, width, 3) uint8 RGB, at most 512 at a time, in order.

    Decoded and resized like those of rate 1 in a pixel store. Raises InputError naming the first
    image that cannot be decoded.
    """
    recipe = Recipe(height, width, DEFAULT_KERNEL, DEFAULT_GRID)
    works = [Work(path, (1,)) for path in paths]
    chunks = [works[at : at + CHUNK] for at in range(0, len(works), CHUNK)]
    with (
        threadpool_limits(1, "blas"),
        closing(fill(folder, open_image, recipe, chunks, default_jobs())) as filled,
    ):
        for images in filled:
            yield np.stack([pixels for (pixels,) in images])
