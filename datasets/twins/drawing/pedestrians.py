"""Pictures of people: a figure before a camera's background, seen through that camera's optics.

Every number comes from numpy generators seeded by `draw`; pixels pass through integers.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from crossres.datasets.base.draws import draw
from crossres.datasets.twins.drawing.figures import Pose, draw_figure
from crossres.datasets.twins.drawing.optics import View, developed, drawing_size
from crossres.datasets.twins.drawing.people import Person
from crossres.datasets.twins.drawing.scenes import HOURS, WIDE, Camera, background, muted

__all__ = ["View", "photograph"]

# Where people are seen from when no name says it: mostly from the front and from behind.
ANGLES = (0, 0, 30, 180, 180, 150, 330, 210, 90, 270)


def photograph(person: Person, camera: Camera, view: View, *names: str | int) -> NDArray[np.uint8]:
    """Draw an image (height, width, 3) uint8 RGB; its names choose pose and nuisances."""
    rng = np.random.Generator(np.random.PCG64(draw("twin-image", *names)))
    u: Iterator[float] = iter(rng.random(64).tolist())
    drawing = _scene(camera, *drawing_size(view), u, view.nuisance)
    draw_figure(drawing, person, _pose(view, drawing.size, u))
    _occlude(drawing, u, view.nuisance)
    return developed(drawing, camera, view, u, rng)


def _scene(
    camera: Camera, width: int, height: int, u: Iterator[float], nuisance: float
) -> Image.Image:
    """Return a part of the camera's background, with up to three things standing about in it.

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
    """Hide a part of the person behind a post, a bin or a passer-by, in some images."""
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
