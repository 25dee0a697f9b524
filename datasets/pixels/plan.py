"""What a pixel store must be: which images at which rates, by which kernels, where in its file.

Computed from the inputs alone, so that a store in the cache can be compared with it.
"""

import io
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import digest_of, stamp
from crossres.datasets.base.suggest import unknown
from crossres.datasets.pixels.decoding import Recipe, Work
from crossres.datasets.raw.source import Raw
from crossres.datasets.readers import reader
from crossres.datasets.resampling.integer import KERNEL_VERSIONS
from crossres.datasets.splits.manifest import SPLITS, Manifest

STORE_VERSION = 3
VARIANT_RATES = (2, 3, 4)
HR_RATES = (1, *VARIANT_RATES)  # those that a store holds of an HR training image
GRIDS = ("native", "input")
CHUNK = 128  # images of the manifest that are finished together: no more is lost when killed


@dataclass(frozen=True)
class Chunk:
    """Images of the manifest that are finished together.

    `rows` are those of their pixels in the store: of the first image at each of its rates, then of
    the second, and so on.
    """

    name: str
    images: tuple[Work, ...]
    rows: tuple[int, ...]


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
        return (sum(images for _, images in self.counts), self.recipe.height, self.recipe.width, 3)

    def description(self) -> dict[str, Any]:
        """Return what is written beside the pixels."""
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

    @cached_property
    def header(self) -> bytes:
        """The npy header of the pixels."""
        stream = io.BytesIO()
        header = {"descr": "|u1", "fortran_order": False, "shape": self.shape}
        np.lib.format.write_array_header_1_0(stream, header)
        return stream.getvalue()

    @property
    def image_size(self) -> int:
        """How many bytes an image has in the file."""
        return self.recipe.height * self.recipe.width * 3

    def start(self, row: int) -> int:
        """Return the first byte of a row of the array in the file."""
        return len(self.header) + row * self.image_size

    @cached_property
    def chunks(self) -> list[Chunk]:
        """In manifest order; together they fill the file."""
        rows = _rows(self.images)
        return [
            Chunk(
                name=f"{first}-{first + CHUNK}",
                images=self.images[first : first + CHUNK],
                rows=tuple(row for image in rows[first : first + CHUNK] for row in image),
            )
            for first in range(0, len(self.images), CHUNK)
        ]


def _rows(images: tuple[Work, ...]) -> list[list[int]]:
    """Return the rows of each image at its rates: variants come last, ordered by rate."""
    rows = [[row] for row in range(len(images))]
    variant = count(len(images))
    for number in range(1, 1 + len(VARIANT_RATES)):
        for image, image_rows in zip(images, rows, strict=True):
            if number < len(image.rates):
                image_rows.append(next(variant))
    return rows


def plan_store(raw: Raw, manifest: Manifest, height: int, width: int) -> StorePlan:
    """Return the plan of a store.

    Raises InputError on an impossible size, an unknown kernel or grid, or an image of the manifest
    that the raw folder lacks.
    """
    recipe = _recipe(manifest, height, width)
    images = _images(manifest)
    hr = sum(len(image.rates) > 1 for image in images)
    counts = [(split, len(manifest.rows(split))) for split in SPLITS]
    counts += [(str(rate), hr) for rate in VARIANT_RATES]
    inputs = [
        manifest.digest,
        f"{STORE_VERSION} {height} {width} {raw.dataset}",
        *(f"{name}={version}" for name, version in _kernels(recipe).items()),
        *(stamp(raw.folder, source) for source in _sources(raw, manifest)),
    ]
    digest = digest_of("\n".join(inputs).encode("utf-8"))
    return StorePlan(manifest.digest, tuple(counts), images, recipe, digest)


def _recipe(manifest: Manifest, height: int, width: int) -> Recipe:
    if height < 1 or width < 1:
        raise InputError(f"a store of {width} x {height} pixels; the least size is 1 x 1")
    for option, value, choices in (
        ("kernel", manifest.kernel, tuple(KERNEL_VERSIONS)),
        ("grid", manifest.grid, GRIDS),
    ):
        if value not in choices:
            raise unknown(option, value, choices, f"protocol {manifest.protocol}")
    return Recipe(height, width, manifest.kernel, manifest.grid)


def _kernels(recipe: Recipe) -> dict[str, str]:
    """Return the versions of the kernels in use."""
    return {name: KERNEL_VERSIONS[name] for name in sorted({recipe.kernel, "bilinear"})}


def _images(manifest: Manifest) -> tuple[Work, ...]:
    """Return the images with their rates; only HR training images have variants."""
    table = manifest.table
    hr = (table["split"] == "train") & (table["rate"] == 1)
    return tuple(
        Work(path, (rate, *VARIANT_RATES) if is_hr else (rate,))
        for path, rate, is_hr in zip(table["path"], table["rate"].tolist(), hr, strict=True)
    )


def _sources(raw: Raw, manifest: Manifest) -> list[Path]:
    """Return the files that hold the images of the manifest."""
    raw.require(manifest.table["path"])
    files = reader(raw.card.reader)
    return sorted({files.source_file(raw.folder, path) for path in manifest.table["path"]})
