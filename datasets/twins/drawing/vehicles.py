"""Pictures of vehicles: from a UAV above them, or from a camera at the roadside.

Every number comes from numpy generators seeded by `draw`; pixels pass through integers.
"""

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from crossres.datasets.base.draws import draw
from crossres.datasets.twins.drawing.bodies import Placement, draw_vehicle
from crossres.datasets.twins.drawing.fleet import Body, Vehicle
from crossres.datasets.twins.drawing.optics import View, developed, drawing_size
from crossres.datasets.twins.drawing.scenes import HOURS, Camera
from crossres.datasets.twins.drawing.streets import cast_shadow, clutter, crowns, street

_LEAN = 0.12  # how far off the vertical a UAV looks: lengths on the ground per length of height


def photograph_vehicle(
    vehicle: Vehicle, camera: Camera, view: View, *names: str | int
) -> NDArray[np.uint8]:
    """Draw an image (height, width, 3) uint8 RGB; its names choose heading and nuisances.

    The image is the box around the vehicle with a margin: without an angle in the view, its aspect
    tells how far the vehicle is turned, and the names to which of the four sides.
    """
    rng = np.random.Generator(np.random.PCG64(draw("twin-vehicle-image", *names)))
    u: Iterator[float] = iter(rng.random(96).tolist())
    size = drawing_size(view)
    hour = int(HOURS * next(u))
    placement = _placement(vehicle.body, view, size, u)
    drawing = street(camera, size, placement, hour, u)
    clutter(drawing, placement, u, view.nuisance)
    cast_shadow(drawing, vehicle, placement, camera, hour)
    draw_vehicle(drawing, vehicle, placement)
    crowns(drawing, u, view.nuisance)
    return developed(drawing, camera, view, u, rng)


def heading(nuisance: float, *names: str | int) -> int:
    """Return the degrees that a vehicle is turned, give or take 15.

    Traffic under one camera goes one way, up, but for a share of `nuisance` of the vehicles, which
    head in any of eight directions.
    """
    choice = draw("twin-heading", *names)
    astray = choice % 1000 < 1000 * nuisance
    return 45 * ((choice >> 12) % 8) * astray + (choice >> 24) % 31 - 15


def framed(body: Body, turned: int, tilt: int, area: float) -> tuple[int, int]:
    """Return width and height of an image of about `area` pixels around a turned body."""
    across, down = _extent(body, turned, tilt, (0.0, _up(tilt)))
    scale = math.sqrt(area / (across * down))
    return max(8, round(scale * across)), max(8, round(scale * down))


def _placement(body: Body, view: View, size: tuple[int, int], u: Iterator[float]) -> Placement:
    width, height = size
    side, jitter, lean_x, lean_y = (next(u) for _ in range(4))
    margin, shift_x, shift_y = (next(u) for _ in range(3))
    if view.angle is None:
        turned = _turn(body, view.tilt, width, height)
        heading = (turned, 180 - turned, 180 + turned, 360 - turned)[int(4 * side)]
    else:
        heading = view.angle
    exact = heading + 16.0 * view.nuisance * (jitter - 0.5)
    lift_x, lift_y = 2 * _LEAN * (lean_x - 0.5), 2 * _LEAN * (lean_y - 0.5) - _up(view.tilt)
    across, down = _extent(body, exact, view.tilt, (lift_x, lift_y))
    length = min(width / across, height / down) * (0.95 - 0.12 * view.nuisance * margin)
    shift = 0.06 * view.nuisance
    return Placement(
        heading=exact,
        size=length,
        x=width * (0.5 + shift * (shift_x - 0.5)) - lift_x * body.roof * length / 2,
        y=height * (0.5 + shift * (shift_y - 0.5)) - lift_y * body.roof * length / 2,
        flat=math.cos(math.radians(view.tilt)),
        lift_x=lift_x,
        lift_y=lift_y,
    )


@lru_cache(maxsize=4096)
def _turn(body: Body, tilt: int, width: int, height: int) -> int:
    """Return the degrees, 0 to 90, that a body is turned when its box has this aspect."""

    def misfit(turned: int) -> float:
        across, down = _extent(body, turned, tilt, (0.0, _up(tilt)))
        return abs(across * height - down * width)

    return min(range(91), key=misfit)


def _extent(
    body: Body, heading: float, tilt: int, lift: tuple[float, float]
) -> tuple[float, float]:
    """Return width and height of the box around a body of length 1, lifted by its height."""
    turn = math.radians(heading)
    cos, sin = abs(math.cos(turn)), abs(math.sin(turn))
    flat = math.cos(math.radians(tilt)) * (body.width * sin + cos)
    return body.width * cos + sin + body.roof * abs(lift[0]), flat + body.roof * abs(lift[1])


def _up(tilt: int) -> float:
    """Return how far upwards on the image one unit of height moves a point."""
    return math.sin(math.radians(tilt))
