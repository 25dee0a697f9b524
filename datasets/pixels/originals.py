"""What a store does not hold of a manifest's images: their versions at other rates, native shapes.

Versions come from the same raw files by the pixel store's functions, so that only the rate
differs.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crossres.datasets.pixels.decoding import Recipe, Work, fill
from crossres.datasets.raw.source import Raw
from crossres.datasets.readers import reader
from crossres.datasets.splits.manifest import Manifest


def hr_originals(
    raw: Raw, manifest: Manifest, paths: Sequence[str], height: int, width: int
) -> NDArray[np.uint8]:
    """Return the images before any down-sampling, at the input size: (n, H, W, 3) uint8.

    Of an image of rate 0, natively LR, this is the image itself: it has no original. Raises
    InputError as `versions_at`.
    """
    originals: NDArray[np.uint8] = versions_at((1,), raw, manifest, paths, height, width)[0]
    return originals


def versions_at(
    rates: tuple[int, ...],
    raw: Raw,
    manifest: Manifest,
    paths: Sequence[str],
    height: int,
    width: int,
) -> NDArray[np.uint8]:
    """Return each image down-sampled at each rate, at the input size: (rates, n, H, W, 3) uint8.

    On one thread. Raises InputError naming an image that the raw folder lacks, or that cannot be
    decoded.
    """
    raw.require(paths)
    recipe = Recipe(height, width, manifest.kernel, manifest.grid)
    decode = reader(raw.card.reader).open_image
    works = [Work(path, rates) for path in paths]
    (images,) = fill(raw.folder, decode, recipe, [works], jobs=1)
    if not images:
        return np.empty((len(rates), 0, height, width, 3), np.uint8)
    return np.stack([np.stack(versions) for versions in zip(*images, strict=True)])


def natively_wide(raw: Raw, paths: Sequence[str]) -> NDArray[np.bool_]:
    """Return whether the images of these paths are wider than high in their raw files: (n,) bool.

    Each path is decoded once, however often it is named. Raises InputError as `hr_originals`.
    """
    raw.require(paths)
    decode = reader(raw.card.reader).open_image
    shapes = {path: decode(raw.folder, path).shape for path in dict.fromkeys(paths)}
    return np.array([shapes[path][1] > shapes[path][0] for path in paths], dtype=np.bool_)
