"""Pictures of people: a figure before a camera's background, seen through that camera's optics.

Every number comes from numpy generators seeded by `datasets.draw`; pixels pass through integers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from datasets.draws import draw
from datasets.resample import resample
from datasets.twins.figures import Pose, draw_figure
from datasets.twins.people import Person
from datasets.twins.scenes import HOURS, WIDE, Camera, background, muted

_CHANNEL = np.array([0, 256, 512], dtype=np.int16)
# Where people are seen from when no name says it: mostly from the front and from behind.
ANGLES = (0, 0, 30, 180, 180, 150, 330, 210, 90, 270)
OVERSAMPLING = 2  # drawing pixels per image pixel: Pillow's polygons have hard edges


@dataclass(frozen=True)
class View:
    """What one image asks for.

    `width` and `height` of the image in pixels; `optics` >= 1 draws a natively LR image: the scene
    is taken at `optics` times that size and brought down. `angle` in degrees as in `Pose`, None to
    draw it; `nuisance` scales everything else that changes from image to image (docs/twins.md).
    """

    width: int
    height: int
    optics: float = 1.0
    angle: int | None = None
    nuisance: float = 1.0


def photograph(person: Person, camera: Camera, view: View, *names: str | int) -> NDArray[np.uint8]:
    """One image (height, width, 3) uint8 RGB; the names choose pose and nuisances, repeatably."""
    rng = np.random.Generator(np.random.PCG64(draw("twin-image", *names)))
    u: Iterator[float] = iter(rng.random(64).tolist())
    width = max(4, round(view.width * view.optics))
    height = max(8, round(view.height * view.optics))
    drawing = _scene(camera, width * OVERSAMPLING, height * OVERSAMPLING, u, view.nuisance)
    draw_figure(drawing, person, _pose(view, drawing.size, u))
    _occlude(drawing, u, view.nuisance)
    blur = ImageFilter.BoxBlur(camera.blur + 0.3 * view.nuisance * next(u))
    pixels = np.asarray(drawing.reduce(OVERSAMPLING).filter(blur))
    if pixels.shape[:2] != (view.height, view.width):
        pixels = resample(pixels, view.height, view.width, "box")
    seen = _response(camera, u)[pixels + _CHANNEL]
    lit = seen * _light(view, u)[:, :, None] >> 10
    strength = round(camera.noise * (0.5 + view.nuisance * next(u)))
    noise = _noise_levels(strength)[rng.integers(0, 256, pixels.shape, dtype=np.uint8)]
    return np.asarray(np.clip(lit + noise, 0, 255), dtype=np.uint8)


def _scene(
    camera: Camera, width: int, height: int, u: Iterator[float], nuisance: float
) -> Image.Image:
    """A part of the camera's background, with up to three things standing about in it.

    Draws the same number of times whatever it draws, so that poses do not depend on `nuisance`.
    """
    wide = background(camera.seed, int(HOURS * next(u)), width, height)
    left = int((WIDE - 1) * width * next(u))
    drawing = wide.crop((left, 0, left + width, height))
    pen = ImageDraw.Draw(drawing)
    for _ in range(3):
        x, w, y, tone = next(u), next(u), next(u), next(u)
        red, green, blue = next(u), next(u), next(u)
        if tone > 0.3 * nuisance:
            continue
        fill = muted(red, green, blue)
        left, top = int(width * (1.4 * x - 0.4)), int(height * (0.15 + 0.6 * y))
        pen.rectangle((left, top, left + int(width * (0.1 + 0.35 * w)), height), fill=fill)
    return drawing


def _pose(view: View, size: tuple[int, int], u: Iterator[float]) -> Pose:
    width, height = size
    angle, jitter = ANGLES[int(len(ANGLES) * next(u))], 30 * (next(u) - 0.5)
    turned = float(angle if view.angle is None else view.angle) + jitter
    scale = 0.9 + 0.03 * view.nuisance * (next(u) - 0.5)
    tall = height * scale
    return Pose(
        angle=180.0 - abs(180.0 - turned % 360.0),
        mirrored=turned % 360.0 > 180.0,
        stride=0.55 * next(u) - 0.1,
        swing=0.7 * next(u) - 0.2,
        lean=0.03 * view.nuisance * (next(u) - 0.5),
        x=width * (0.5 + 0.05 * view.nuisance * (next(u) - 0.5)),
        top=(height - tall) * (0.5 + 0.4 * view.nuisance * (next(u) - 0.5)),
        size=tall,
    )


def _occlude(drawing: Image.Image, u: Iterator[float], nuisance: float) -> None:
    """In some images a post, a bin or a passer-by hides a part of the person."""
    kind, where, tone = next(u), next(u), next(u)
    if kind > 0.25 * nuisance:
        return
    width, height = drawing.size
    grey = int(60 + 120 * tone)
    x = int(width * where)
    pen = ImageDraw.Draw(drawing)
    if kind < 0.12 * nuisance:
        pen.rectangle((x, 0, x + width // 10, height), fill=(grey, grey, grey - 10))
    else:
        box = (x - width // 3, int(height * 0.62), x + width // 4, height)
        pen.rectangle(box, fill=(grey - 20, grey, grey - 10), outline=(40, 40, 40))


def _response(camera: Camera, u: Iterator[float]) -> NDArray[np.int32]:
    """(768,) output levels of red, green, blue: the camera's cast and the light of this image."""
    light = camera.brightness + 2.0 * camera.cast * (next(u) - 0.5)
    contrast = 1.0 + 2.0 * camera.cast * (next(u) - 0.5)
    drift = np.array([camera.cast * (next(u) - 0.5) for _ in range(3)])
    gain = np.exp(np.array(camera.gains) + drift + light)
    levels = gain[:, None] * (128 + contrast * (np.arange(256) - 128))[None, :]
    table: NDArray[np.int32] = np.clip(np.rint(levels), 0, 255).astype(np.int32).ravel()
    return table


def _light(view: View, u: Iterator[float]) -> NDArray[np.int32]:
    """(height, width) gradient of light across the image, in 1/1024."""
    span = 300 * view.nuisance
    across, down = int(span * (next(u) - 0.5)), int(span * (next(u) - 0.5))
    x = across * (2 * np.arange(view.width) - view.width) // view.width
    y = down * (2 * np.arange(view.height) - view.height) // view.height
    ramp: NDArray[np.int32] = (1024 + y[:, None] + x[None, :]).astype(np.int32)
    return ramp


@lru_cache(maxsize=64)
def _noise_levels(deviation: int) -> NDArray[np.int32]:
    """256 equally likely levels of a normal distribution of this standard deviation."""
    normal = NormalDist(0.0, max(1, deviation))
    return np.array([round(normal.inv_cdf((k + 0.5) / 256)) for k in range(256)], dtype=np.int32)
