"""What a pixel store must be: which images at which rates, by which kernels, where in its file.

Computed from the inputs alone, so that a store in the cache can be compared with it.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import digest_of, stamp
from crossres.datasets.base.suggest import unknown
from crossres.datasets.cards import card
from crossres.datasets.pixels.decoding import Recipe, Work
from crossres.datasets.pixels.resumable import Span
from crossres.datasets.raw.source import Raw
from crossres.datasets.readers import reader
from crossres.datasets.resampling.integer import KERNEL_VERSIONS
from crossres.datasets.splits.manifest import SPLITS, Manifest

STORE_VERSION = 3
VARIANT_RATES = (2, 3, 4)
GRIDS = ("native", "input")
CHUNK = 128  # images of the manifest that are finished together: no more is lost when killed


@dataclass(frozen=True)
class StorePlan:
    """All that decides the pixels of a store; `inputs` is its digest, and names the store."""

    manifest_digest: str
    counts: tuple[tuple[str, int], ...]  # (part, images), in the order of the file
    images: tuple[Work, ...]  # in manifest order
    recipe: Recipe
    inputs: str

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of the array of all images and variants, uint8."""
        return (sum(count for _, count in self.counts), self.recipe.height, self.recipe.width, 3)

    def about(self) -> dict[str, Any]:
        """What is written beside the pixels."""
        return {
            "store": STORE_VERSION,
            "manifest": self.manifest_digest,
            "inputs": self.inputs,
            "kernels": _kernels(self.recipe),
            "grid": self.recipe.grid,
            "height": self.recipe.height,
            "width": self.recipe.width,
            "counts": dict(self.counts),
        }

    def head(self) -> bytes:
        """The npy header of the pixels."""
        stream = io.BytesIO()
        header = {"descr": "|u1", "fortran_order": False, "shape": self.shape}
        np.lib.format.write_array_header_1_0(stream, header)
        return stream.getvalue()

    def works(self) -> list[list[Work]]:
        """The images of each chunk with their rates; variants only of HR training images."""
        return [list(self.images[at : at + CHUNK]) for at in range(0, len(self.images), CHUNK)]

    def images_in(self, chunks: int) -> int:
        """How many images so many chunks have."""
        return min(chunks * CHUNK, len(self.images))

    def spans(self) -> Iterator[tuple[Span, ...]]:
        """The bytes that each chunk fills: one span for its images, and one for each variant."""
        image, start = int(np.prod(self.shape[1:])), len(self.head())
        variants = sum(len(work.rates) > 1 for work in self.images)
        row, variant = 0, 0
        for chunk in self.works():
            count = sum(len(work.rates) > 1 for work in chunk)
            places = range(len(VARIANT_RATES))
            firsts = [len(self.images) + place * variants + variant for place in places]
            yield (
                (start + row * image, len(chunk) * image),
                *((start + first * image, count * image) for first in firsts),
            )
            row, variant = row + len(chunk), variant + count


def plan_store(raw: Raw, manifest: Manifest, height: int, width: int) -> StorePlan:
    """Return the plan; InputError on a size, kernel, grid or image that cannot be had."""
    recipe = _recipe(manifest, height, width)
    images = _images(manifest)
    hr = sum(len(work.rates) > 1 for work in images)
    counts = [(split, len(manifest.rows(split))) for split in SPLITS]
    counts += [(str(rate), hr) for rate in VARIANT_RATES]
    named = [
        manifest.digest,
        f"{STORE_VERSION} {height} {width} {raw.dataset}",
        *(f"{name}={version}" for name, version in _kernels(recipe).items()),
        *(stamp(raw.folder, source) for source in _sources(raw, manifest)),
    ]
    inputs = digest_of("\n".join(named).encode("utf-8"))
    return StorePlan(manifest.digest, tuple(counts), images, recipe, inputs)


def _recipe(manifest: Manifest, height: int, width: int) -> Recipe:
    if height < 1 or width < 1:
        raise InputError(f"a store of {width} x {height} pixels; the least size is 1 x 1")
    for what, value, known in (
        ("kernel", manifest.kernel, tuple(KERNEL_VERSIONS)),
        ("grid", manifest.grid, GRIDS),
    ):
        if value not in known:
            raise unknown(what, value, known, f"protocol {manifest.protocol}")
    return Recipe(height, width, manifest.kernel, manifest.grid)


def _kernels(recipe: Recipe) -> dict[str, str]:
    """The versions of the kernels in use."""
    return {name: KERNEL_VERSIONS[name] for name in sorted({recipe.kernel, "bilinear"})}


def _images(manifest: Manifest) -> tuple[Work, ...]:
    table = manifest.table
    hr = (table["split"] == "train") & (table["rate"] == 1)
    return tuple(
        Work(path, (rate, *VARIANT_RATES) if wanted else (rate,))
        for path, rate, wanted in zip(table["path"], table["rate"].tolist(), hr, strict=True)
    )


def _sources(raw: Raw, manifest: Manifest) -> list[Path]:
    """The files that hold the images of the manifest."""
    raw.require(manifest.table["path"])
    files = reader(card(raw.dataset).reader)
    return sorted({files.source_file(raw.folder, path) for path in manifest.table["path"]})
