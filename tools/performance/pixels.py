"""The resampler beside Pillow's, and the pixel store beside a loop that makes the same pixels."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from crossres.datasets.pixels.store import PixelStore, open_store
from crossres.datasets.protocols import build_manifest
from crossres.datasets.raw.source import Raw, Source, open_raw
from crossres.datasets.resampling.integer import downsample, resample
from crossres.datasets.splits.manifest import SPLITS, Manifest
from tools.performance.contests import Contest, Function
from tools.performance.figures import Ratio

Pixels = NDArray[np.uint8]

RESAMPLING = "resampling, 256 crops of 128 x 64"
STORE = "pixel store, quick twin of MLR-VIPeR, 128 x 64"
MAPPED = "np.load, mapped, all pixels read"
IMAGES = 256
CROP = (128, 64)  # (height, width) of an image of Market-1501
INPUT = (256, 128)  # of the profile `paper`
RATES = (2, 3, 4)
TWIN, STORED = "mlr-viper", (128, 64)  # the twin of a set, and its input size
FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


def resampling() -> Iterator[Ratio]:
    """Yield ratios to Pillow, which gives the same pixels, image by image."""
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, *CROP, 3), dtype=np.uint8)
    ours: dict[str, Function] = {}
    peers: dict[str, Function] = {}
    for rate in RATES:
        name, size = f"down-sampled by {rate}, bicubic", (CROP[0] // rate, CROP[1] // rate)
        ours[name] = partial(_summed, downsample, images, rate)
        peers[f"Pillow, by {rate}"] = partial(_summed, _by_pillow, images, size, "bicubic")
    ours["enlarged by 2, bilinear"] = partial(_summed, resample, images, *INPUT, "bilinear")
    peers["Pillow, enlarged"] = partial(_summed, _by_pillow, images, INPUT, "bilinear")
    pairs = tuple(zip(ours, peers, strict=True))
    return Contest(RESAMPLING, ours, peers, pairs, 8.0).ratios()


def stores() -> Iterator[Ratio]:
    """Yield ratios for building a store, and for reading all of one that is there."""
    with tempfile.TemporaryDirectory() as name, _caches(Path(name)) as fresh:
        folder = Path(name)
        raw = open_raw(TWIN, Source(size="quick"), folder / "cache")
        manifest = build_manifest(raw)
        open_store(raw, manifest, *STORED, folder / "cache", jobs=1)
        file = folder / "pixels.npy"

        def plainly() -> float:
            pixels = _pixels_by_pillow(raw, manifest)
            np.save(file, pixels)
            return _sum(pixels)

        ours: dict[str, Function] = {
            "built": lambda: _sum_of(open_store(raw, manifest, *STORED, next(fresh), jobs=1)),
            "opened, all pixels read": lambda: _sum_of(
                open_store(raw, manifest, *STORED, folder / "cache", checked=True)
            ),
            "opened and compared with its digest": lambda: _sum_of(
                open_store(raw, manifest, *STORED, folder / "cache")
            ),
        }
        peers: dict[str, Function] = {
            "Pillow image by image, np.save": plainly,
            MAPPED: lambda: _sum(np.load(file, mmap_mode="r")),
        }
        built, *opened = ours
        pairs = ((built, next(iter(peers))), *((name, MAPPED) for name in opened))
        yield from Contest(STORE, ours, peers, pairs, 12.0).ratios()


@contextmanager
def _caches(folder: Path) -> Iterator[Iterator[Path]]:
    """Give a new cache each time that one is asked for, and remove the one before."""

    def caches() -> Iterator[Path]:
        for number in count():
            yield folder / str(number)
            shutil.rmtree(folder / str(number))

    yield caches()


def _pixels_by_pillow(raw: Raw, manifest: Manifest) -> Pixels:
    """Decode and resample as the store does: its images, then the variants by their rates."""
    table = manifest.table
    images = list(zip(table["path"], table["rate"].tolist(), strict=True))
    hr = table.loc[(table["split"] == "train") & (table["rate"] == 1), "path"]
    images += [(path, rate) for rate in RATES for path in hr]
    pixels = np.empty((len(images), *STORED, 3), np.uint8)
    for row, (path, rate) in enumerate(images):
        with Image.open(raw.folder / path) as file:
            image = file.convert("RGB")
            size = (image.width // rate, image.height // rate)
            if rate > 1:
                image = image.resize(size, FILTERS[manifest.kernel])
            pixels[row] = np.asarray(image.resize(STORED[::-1], FILTERS["bilinear"]))
    return pixels


def _by_pillow(images: Pixels, size: tuple[int, int], kernel: str) -> Pixels:
    """Resample each image (N, H, W, 3) to (height, width)."""
    result = np.empty((len(images), *size, 3), np.uint8)
    for row, image in enumerate(images):
        result[row] = np.asarray(Image.fromarray(image).resize(size[::-1], FILTERS[kernel]))
    return result


def _sum_of(store: PixelStore) -> float:
    parts = [*map(store.images, SPLITS), *map(store.variants, RATES)]
    return sum(map(_sum, parts))


def _summed(function: Callable[..., Pixels], *arguments: Any) -> float:
    return _sum(function(*arguments))


def _sum(pixels: Pixels) -> float:
    return float(pixels.sum(dtype=np.int64))
