"""What the layouts share: shots by convention, image files by format."""

import io
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from crossres.datasets.base.draws import draw
from crossres.datasets.readers import RawImage
from crossres.datasets.twins.drawing.fleet import Body, vehicle
from crossres.datasets.twins.drawing.optics import View
from crossres.datasets.twins.drawing.vehicles import framed, heading
from crossres.datasets.twins.layouts import Pictures, Shot
from crossres.datasets.twins.sizes import Size

# The stray thumbnail cache of Windows, as it lies in copies of several data sets.
THUMBS_DB = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504)


def shot(size: Size, image: RawImage, angle: int | None = None) -> Shot:
    """Return the usual shot: the person of the image's pid, at the size of the twin."""
    view = View(size.width, size.height, angle=angle, nuisance=size.nuisance)
    return Shot(image, (image.pid,), view, image.path)


def varied(size: Size, image: RawImage, percent: int) -> Shot:
    """Return a shot whose width and height each lie up to `percent` off those of the twin."""
    usual = shot(size, image)
    wider, taller = (
        draw("twin-varied", size.population, side, image.path) % (2 * percent + 1) - percent
        for side in ("width", "height")
    )
    view = replace(
        usual.view,
        width=size.width + size.width * wider // 100,
        height=size.height + size.height * taller // 100,
    )
    return replace(usual, view=view)


def vehicle_shot(
    size: Size, image: RawImage, share: float = 1.0, drawn_as: str | None = None
) -> Shot:
    """Return the usual shot of a vehicle: as large as its heading and the height of the camera make
    it.

    `share` below 1 makes a natively LR image, so much of the usual size. `drawn_as` is the path of
    the image where nothing else is given.
    """
    name = drawn_as or image.path
    turned = heading(size.nuisance, size.population, name)
    height = 0.85 + 0.3 * (draw("twin-altitude", size.population, name) % 1000) / 1000
    area = size.width * size.height * (height * share) ** 2
    frame = framed(_body(size.population, image.pid), turned, size.tilt, area)
    view = View(*frame, 1.0 / share, turned, size.nuisance, size.tilt)
    return Shot(image, (image.pid,), view, name)


@lru_cache(maxsize=256)
def _body(population: str, pid: int) -> Body:
    return vehicle(population, pid).body


def write_files(
    raw: Path, pictures: Pictures, encode: Callable[[NDArray[np.uint8]], bytes]
) -> None:
    """Write each picture to its path under `raw`."""
    for taken, pixels in pictures:
        write_file(raw / taken.image.path, encode(pixels))


def write_file(file: Path, content: bytes) -> None:
    """Write a file, making its folder. Whole folders are made atomic by the caller."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """Encode as JPEG of quality 95 without chroma sub-sampling."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=95, subsampling=0)
    return stream.getvalue()


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode as PNG."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def bmp(pixels: NDArray[np.uint8]) -> bytes:
    """Encode as 24-bit BMP."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "BMP")
    return stream.getvalue()
