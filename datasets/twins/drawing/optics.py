"""How a drawing becomes an image: the view that is asked for, the optics, the light and the noise.

Shared by all that is drawn. Pixels pass through integer arithmetic.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from crossres.datasets.resampling.integer import resample
from crossres.datasets.twins.drawing.scenes import Camera

_CHANNEL = np.array([0, 256, 512], dtype=np.int16)
OVERSAMPLING = 2  # drawing pixels per image pixel: Pillow's polygons have hard edges


@dataclass(frozen=True)
class View:
    """What one image asks for.

    `width` and `height` of the image in pixels; `optics` >= 1 draws a natively LR image: the scene
    is taken at `optics` times that size and brought down. `angle` in degrees: of a person as in
    `Pose`, of a vehicle its heading clockwise from the image's top; None to draw it. `nuisance`
    scales everything else that changes from image to image (docs/twins.md). `tilt` in degrees is
    that of a camera over vehicles: 0 looks straight down, 60 from the roadside.
    """

    width: int
    height: int
    optics: float = 1.0
    angle: int | None = None
    nuisance: float = 1.0
    tilt: int = 0


def drawing_size(view: View) -> tuple[int, int]:
    """Return width and height of the drawing in its own pixels."""
    width = max(4, round(view.width * view.optics))
    height = max(8, round(view.height * view.optics))
    return width * OVERSAMPLING, height * OVERSAMPLING


def developed(
    drawing: Image.Image, camera: Camera, view: View, u: Iterator[float], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return the drawing as the camera sees it: (height, width, 3) uint8 RGB."""
    blur = ImageFilter.BoxBlur(camera.blur + 0.15 * view.nuisance * next(u))
    pixels = np.asarray(drawing.reduce(OVERSAMPLING).filter(blur))
    if pixels.shape[:2] != (view.height, view.width):
        pixels = resample(pixels, view.height, view.width, "box")
    exposed = _response(camera, u)[pixels + _CHANNEL]
    lit = exposed * _light(view, u)[:, :, None] >> 10
    strength = round(camera.noise * (0.5 + view.nuisance * next(u)))
    noise = _noise_levels(strength)[rng.integers(0, 256, pixels.shape, dtype=np.uint8)]
    return np.asarray(np.clip(lit + noise, 0, 255), dtype=np.uint8)


def _response(camera: Camera, u: Iterator[float]) -> NDArray[np.int32]:
    """Return (768,) output levels of red, green and blue, for the camera's cast and the light."""
    light = camera.brightness + 2.0 * camera.cast * (next(u) - 0.5)
    contrast = 1.0 + 2.0 * camera.cast * (next(u) - 0.5)
    drift = np.array([camera.cast * (next(u) - 0.5) for _ in range(3)])
    gain = np.exp(np.array(camera.gains) + drift + light)
    levels = gain[:, None] * (128 + contrast * (np.arange(256) - 128))[None, :]
    table: NDArray[np.int32] = np.clip(np.rint(levels), 0, 255).astype(np.int32).ravel()
    return table


def _light(view: View, u: Iterator[float]) -> NDArray[np.int32]:
    """Return (height, width) gradient of light across the image, in 1/1024."""
    span = 300 * view.nuisance
    across, down = int(span * (next(u) - 0.5)), int(span * (next(u) - 0.5))
    x = across * (2 * np.arange(view.width) - view.width) // view.width
    y = down * (2 * np.arange(view.height) - view.height) // view.height
    ramp: NDArray[np.int32] = (1024 + y[:, None] + x[None, :]).astype(np.int32)
    return ramp


@lru_cache(maxsize=64)
def _noise_levels(deviation: int) -> NDArray[np.int32]:
    """Return 256 equally likely levels of a normal distribution of this standard deviation."""
    normal = NormalDist(0.0, max(1, deviation))
    return np.array([round(normal.inv_cdf((k + 0.5) / 256)) for k in range(256)], dtype=np.int32)
