"""Where vehicles are drawn: ground of a camera at an hour, lanes, shadows, neighbours, trees."""

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from crossres.datasets.base.draws import draw
from crossres.datasets.twins.drawing.bodies import Placement, outline
from crossres.datasets.twins.drawing.fleet import Vehicle
from crossres.datasets.twins.drawing.scenes import HOURS, Camera, muted, shifted

_SIDE = 384  # pixels of a ground's side; larger drawings get a multiple of it
_SHADE = 150  # what a shadow leaves of the light, in 1/256


def street(
    camera: Camera, size: tuple[int, int], placement: Placement, hour: int, u: Iterator[float]
) -> Image.Image:
    """Return a part of the ground with lanes along the vehicle's heading; draws a fixed number of
    times.

    `size` is (width, height) in pixels of the drawing.
    """
    width, height = size
    ground = _ground(camera.seed, hour, math.ceil(max(size) / _SIDE) * _SIDE)
    left, top = (int((ground.width - length) * next(u)) for length in size)
    drawing = ground.crop((left, top, left + width, top + height))
    pen = ImageDraw.Draw(drawing)
    _verge(pen, placement, u)
    _lanes(pen, placement, u)
    return drawing


@lru_cache(maxsize=64)
def _ground(seed: int, hour: int, side: int) -> Image.Image:
    """Draw asphalt or concrete with patches, joints and stains, side x side pixels."""
    rng = np.random.Generator(np.random.PCG64(draw("twin-street", seed, hour)))
    u = iter(rng.random(200).tolist())
    tone = muted(next(u), next(u), next(u))
    image = Image.new("RGB", (side, side), tone)
    pen = ImageDraw.Draw(image)
    for _ in range(14):
        x, y, w, h = (int(share * next(u)) for share in (side, side, side // 3, side // 3))
        pen.rectangle((x, y, x + w, y + h), fill=shifted(tone, int(16 * next(u)) - 8))
    for _ in range(24):
        x, y, r = int(side * next(u)), int(side * next(u)), 2 + int(8 * next(u))
        pen.ellipse((x, y, x + r, y + r), fill=shifted(tone, int(24 * next(u)) - 14))
    return image


def _verge(pen: ImageDraw.ImageDraw, placement: Placement, u: Iterator[float]) -> None:
    """Draw a pavement or grass beside the lane, in half of the images."""
    there, side, tone = next(u), next(u), next(u)
    if there > 0.5:
        return
    sign = 1.0 if side < 0.5 else -1.0
    near, far = sign * (0.34 + 0.12 * next(u)), sign * 2.5
    corners = ((-2.5, near), (2.5, near), (2.5, far), (-2.5, far))
    green = (int(84 + 30 * tone), int(104 + 24 * tone), int(72 + 20 * tone))
    fill = green if side % 0.5 < 0.25 else muted(tone, tone, 1.0 - tone)
    pen.polygon([placement.at(*corner) for corner in corners], fill=fill)


def _lanes(pen: ImageDraw.ImageDraw, placement: Placement, u: Iterator[float]) -> None:
    """Draw a line on each side of the lane, dashed or not, white or yellow."""
    width = max(2, round(placement.size * 0.022))
    for sign in (-1.0, 1.0):
        there, across, phase, dashed, tone = (next(u) for _ in range(5))
        if there > 0.6:
            continue
        x = sign * (0.28 + 0.1 * across)
        fill = (206, 204, 196) if tone < 0.7 else (196, 168, 92)
        step = 0.35 if dashed < 0.6 else 0.7
        for start in (-1.4 + 0.7 * phase + 0.7 * number for number in range(4)):
            pen.line((placement.at(start, x), placement.at(start + step, x)), fill, width)


def cast_shadow(
    drawing: Image.Image, vehicle: Vehicle, placement: Placement, camera: Camera, hour: int
) -> None:
    """Darken the ground beside the vehicle; the sun moves around the compass with the hour."""
    bearing = math.radians(camera.seed % 360 + 360.0 * hour / HOURS)
    reach = 0.35 + 0.5 * (hour % 4) / 3
    sun = Placement(
        placement.heading, placement.size, placement.x, placement.y, placement.flat,
        reach * math.sin(bearing), reach * placement.flat * math.cos(bearing),
    )  # fmt: skip
    dark = drawing.point([level * _SHADE >> 8 for level in range(256)] * 3)
    drawing.paste(dark, (0, 0), outline(drawing, vehicle, sun))


def clutter(
    drawing: Image.Image, placement: Placement, u: Iterator[float], nuisance: float
) -> None:
    """Draw a part of another vehicle ahead, behind or beside, in some images."""
    for along, across in ((1.12, 0.0), (-1.12, 0.0), (0.2, 0.62), (-0.2, -0.62)):
        there, x, tone = next(u), next(u), next(u)
        red, green, blue = next(u), next(u), next(u)
        if there > 0.3 * nuisance:
            continue
        fill = shifted(muted(red, green, blue), int(60 * tone) - 30)
        middle = (along + 0.2 * (x - 0.5), across)
        corners = ((-0.5, -0.2), (0.5, -0.2), (0.5, 0.2), (-0.5, 0.2))
        shape = [placement.at(middle[0] + dx, middle[1] + dy) for dx, dy in corners]
        ImageDraw.Draw(drawing).polygon(shape, fill=fill, outline=shifted(fill, -40))


def crowns(drawing: Image.Image, u: Iterator[float], nuisance: float) -> None:
    """Hide a part of the vehicle below the crown of a tree, in some images."""
    there, x, y, size, tone = (next(u) for _ in range(5))
    leaves = [(next(u), next(u), next(u)) for _ in range(7)]
    if there > 0.25 * nuisance:
        return
    width, height = drawing.size
    pen = ImageDraw.Draw(drawing)
    reach = (0.12 + 0.12 * size) * min(width, height)
    green = (int(58 + 30 * tone), int(80 + 26 * tone), int(52 + 20 * tone))
    for across, down, shade in leaves:
        cx, cy = width * x + reach * (2 * across - 1), height * y + reach * (2 * down - 1)
        box = (int(cx - reach), int(cy - reach), int(cx + reach), int(cy + reach))
        pen.ellipse(box, fill=shifted(green, int(40 * shade) - 20))
