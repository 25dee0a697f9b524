"""A few identities of a test split to look at, drawn by hash, as methods see them."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.datasets.base.draws import ordered, pick
from crossres.datasets.base.errors import InputError
from crossres.datasets.pixels.decoding import Recipe
from crossres.datasets.pixels.plan import HR_RATES
from crossres.datasets.raw.source import Raw
from crossres.datasets.readers import reader
from crossres.datasets.splits.manifest import UNKNOWN_CAMERA, Manifest


@dataclass(frozen=True, eq=False)
class Shown:
    """An image at a rate: `pixels` as in a pixel store, (H, W, 3) uint8.

    `size` is the (height, width) that it had before it was brought to (H, W): what its rate left.
    """

    rate: int
    size: tuple[int, int]
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Sample:
    """A test identity: an HR gallery image at each of HR_RATES, and a query of another camera.

    The camid -1 is an unknown camera.
    """

    pid: int
    gallery_path: str
    gallery_camid: int
    gallery: tuple[Shown, ...]
    query_path: str
    query_camid: int
    query: Shown


def samples(raw: Raw, manifest: Manifest, count: int, height: int, width: int) -> list[Sample]:
    """Return the first `count` test identities in hash order, or all where there are fewer.

    Raises InputError when no test identity has an HR gallery image and a query of another camera,
    or naming an image that cannot be decoded.
    """
    pairs = list(islice(_pairs(manifest), count))
    if not pairs:
        raise InputError(
            f"{raw.folder}: under {manifest.protocol} no identity has an HR gallery image and a "
            "query of another camera; choose another protocol"
        )
    recipe = Recipe(height, width, manifest.kernel, manifest.grid)
    return [
        Sample(
            pid=gallery.pid,
            gallery_path=gallery.path,
            gallery_camid=gallery.camid,
            gallery=_shown(raw, recipe, gallery.path, HR_RATES),
            query_path=query.path,
            query_camid=query.camid,
            query=_shown(raw, recipe, query.path, (query.rate,))[0],
        )
        for gallery, query in pairs
    ]


def _pairs(manifest: Manifest) -> Iterator[tuple[Any, Any]]:
    """Yield, for each identity that has both, the manifest rows of a gallery image and a query."""
    names = (manifest.dataset, manifest.seed, "sheet")
    gallery, queries = _by_pid(manifest, "gallery"), _by_pid(manifest, "query")
    for pid in ordered(gallery.keys() & queries.keys(), *names):
        pairs = [
            (image, query)
            for image, query in product(gallery[pid], queries[pid])
            if image.rate == 1 and (query.camid != image.camid or query.camid == UNKNOWN_CAMERA)
        ]
        if pairs:
            yield pick(pairs, *names, key=lambda pair: f"{pair[0].path} {pair[1].path}")


def _by_pid(manifest: Manifest, split: str) -> dict[int, list[Any]]:
    """Return pid -> its rows of a split."""
    rows: dict[int, list[Any]] = defaultdict(list)
    for row in manifest.rows(split).itertuples():
        rows[row.pid].append(row)
    return rows


def _shown(raw: Raw, recipe: Recipe, path: str, rates: tuple[int, ...]) -> tuple[Shown, ...]:
    image = reader(raw.card.reader).open_image(raw.folder, path)
    native, grid = image.shape[:2], (recipe.height, recipe.width)
    return tuple(
        Shown(
            rate,
            _left(grid if recipe.grid == "input" and rate > 1 else native, max(1, rate)),
            recipe.apply(image, rate),
        )
        for rate in rates
    )


def _left(size: tuple[int, int], rate: int) -> tuple[int, int]:
    return max(1, size[0] // rate), max(1, size[1] // rate)
