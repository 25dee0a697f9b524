"""Where people are drawn: cameras with a background, a colour cast and optics of their own."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from crossres.datasets.base.draws import draw
from crossres.datasets.twins.drawing.people import Colour

HOURS = 12
"""How many lights a background is seen in."""

WIDE = 3
"""A background is this many times as wide as an image, so that each image shows another part."""


@dataclass(frozen=True)
class Camera:
    """What all images of one camera share; `gains` are logarithms, one per channel.

    `cast` is the standard deviation that the gains were drawn with; the light of single images
    wanders by as much.
    """

    cast: float
    gains: tuple[float, float, float]
    brightness: float
    blur: float
    noise: float
    seed: int


def camera(cast: float, *names: str | int) -> Camera:
    """Return the camera of these names; `cast`: the standard deviation of a channel's log gain."""
    rng = np.random.Generator(np.random.PCG64(draw("twin-camera", *names)))
    u = rng.random(8).tolist()
    # Uniform on [-sqrt(3), sqrt(3)] has standard deviation 1.
    gains = tuple(cast * 3.4641 * (value - 0.5) for value in u[:3])
    return Camera(
        cast=cast,
        gains=(gains[0], gains[1], gains[2]),
        brightness=cast * 3.4641 * (u[3] - 0.5),
        blur=0.15 * u[4],
        noise=2.0 + 3.0 * u[5],
        seed=draw("twin-background", *names),
    )


@lru_cache(maxsize=128)
def background(seed: int, hour: int, width: int, height: int) -> Image.Image:
    """Return the view of a camera without people, WIDE times `width` x `height` pixels of the
    drawing.

    What stands where is the camera's; wall and ground change their colours with the hour.
    """
    u = iter(np.random.Generator(np.random.PCG64(seed)).random(200).tolist())
    v = iter(np.random.Generator(np.random.PCG64(draw("twin-hour", seed, hour))).random(6).tolist())
    full = width * WIDE
    wall = muted(next(v), next(v), next(v))
    ground = muted(next(v), next(v), next(v))
    image = Image.new("RGB", (full, height), wall)
    pen = ImageDraw.Draw(image)
    horizon = int(height * (0.25 + 0.4 * next(u)))
    _wall(pen, u, wall, full, horizon)
    pen.rectangle((0, horizon, full, height), fill=ground)
    _ground(pen, u, ground, full, horizon, height)
    return image


def _wall(
    pen: ImageDraw.ImageDraw, u: Iterator[float], wall: Colour, full: int, horizon: int
) -> None:
    """Draw courses of bricks or boards, then windows, doors and posts."""
    course = 6 + int(14 * next(u))
    for y in range(course, horizon, course):
        pen.line((0, y, full, y), fill=shifted(wall, -8))
    for _ in range(8):
        x, w = int(full * next(u)), int(8 + 40 * next(u))
        top = int(horizon * 0.7 * next(u))
        tone = shifted(wall, int(44 * next(u)) - 22)
        pen.rectangle((x, top, x + w, horizon), fill=tone, outline=shifted(tone, -12))


def _ground(
    pen: ImageDraw.ImageDraw,
    u: Iterator[float],
    ground: Colour,
    full: int,
    horizon: int,
    height: int,
) -> None:
    """Draw joints of paving that come nearer, and stains."""
    y, step = float(horizon), 4.0 + 6.0 * next(u)
    while y < height:
        pen.line((0, int(y), full, int(y)), fill=shifted(ground, -8))
        y, step = y + step, step * 1.35
    slant, gap = int(40 * next(u)) - 20, 16 + int(30 * next(u))
    for x in range(-gap, full + gap, gap):
        pen.line((x, horizon, x + slant, height), fill=shifted(ground, -6))
    for _ in range(10):
        x, y = int(full * next(u)), horizon + int((height - horizon) * next(u))
        size = 4 + int(16 * next(u))
        pen.ellipse((x, y, x + 2 * size, y + size), fill=shifted(ground, int(20 * next(u)) - 10))


def muted(r: float, g: float, b: float) -> Colour:
    """Return a colour of streets and walls: three draws in [0, 1] pulled towards their mean."""
    mean = (r + g + b) / 3
    red, green, blue = (int(90 + 80 * mean + 24 * (value - mean)) for value in (r, g, b))
    return red, green, blue


def shifted(colour: Colour, by: int) -> Colour:
    """Return the colour made lighter (by > 0) or darker, within 0..255."""
    red, green, blue = (min(255, max(0, channel + by)) for channel in colour)
    return red, green, blue
