"""The body of a vehicle: flat layers seen from above, stacked by their height when it is drawn.

Layers lie in the frame of the vehicle, nose up, LENGTH pixels long. A stack of them, each turned,
foreshortened and lifted by its height, is the vehicle from any side above the ground.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw

from crossres.datasets.twins.drawing.fabrics import TILE, tile
from crossres.datasets.twins.drawing.fleet import Vehicle
from crossres.datasets.twins.drawing.people import Colour
from crossres.datasets.twins.drawing.scenes import shifted

LENGTH = 160
"""Length of a vehicle in pixels of its layers."""

GLASS: Colour = (52, 60, 70)
_RUBBER: Colour = (40, 40, 44)
_STEP = 3.0  # pixels of the drawing between two slices of a wall

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Placement:
    """Where a vehicle is on a drawing, in pixels of it.

    `heading` in degrees clockwise from up; `size` is the vehicle's length; (`x`, `y`) the middle
    of its ground; `flat` in (0, 1] the foreshortening of the ground; (`lift_x`, `lift_y`) how far
    one length of height moves a point.
    """

    heading: float
    size: float
    x: float
    y: float
    flat: float = 1.0
    lift_x: float = 0.0
    lift_y: float = 0.0

    def at(self, along: float, across: float) -> tuple[int, int]:
        """Return the pixel of a point of the ground, in lengths ahead and right of the middle."""
        turn = math.radians(self.heading)
        right = across * math.cos(turn) + along * math.sin(turn)
        down = across * math.sin(turn) - along * math.cos(turn)
        return round(self.x + self.size * right), round(self.y + self.size * self.flat * down)


@dataclass(frozen=True)
class Layers:
    """Deck (the whole plan) and roof as RGB images, each with the mask of where it is."""

    deck: Image.Image
    deck_mask: Image.Image
    roof: Image.Image
    roof_mask: Image.Image


@lru_cache(maxsize=512)
def layers(vehicle: Vehicle) -> Layers:
    """Return the layers of a vehicle, LENGTH high and as wide as the vehicle."""
    width = round(vehicle.body.width * LENGTH)
    front, back = (round(share * LENGTH) for share in (vehicle.body.front, vehicle.body.back))
    plan = (0, 0, width - 1, LENGTH - 1)
    cabin = (3, front, width - 4, back)
    deck = _printed(vehicle, width)
    roof = deck.copy()
    _deck(ImageDraw.Draw(deck), vehicle, plan, cabin)
    _roof(ImageDraw.Draw(roof), vehicle, cabin)
    return Layers(deck, _rounded(plan, width), roof, _rounded(cabin, width))


def _printed(vehicle: Vehicle, width: int) -> Image.Image:
    """Return the three prints one behind the other."""
    image = Image.new("RGB", (width, LENGTH))
    left = (TILE - width) // 2
    seams = (0, *(round(seam * LENGTH) for seam in vehicle.body.seams), LENGTH)
    for fabric, top, bottom in zip(vehicle.prints, seams[:-1], seams[1:], strict=True):
        image.paste(tile(fabric).crop((left, 0, left + width, bottom - top)), (0, top))
    return image


def _rounded(box: Box, width: int) -> Image.Image:
    mask = Image.new("L", (width, LENGTH))
    ImageDraw.Draw(mask).rounded_rectangle(box, radius=width // 7, fill=255)
    return mask


def _deck(pen: ImageDraw.ImageDraw, vehicle: Vehicle, plan: Box, cabin: Box) -> None:
    """Draw the lamps, and the edge of the load bed of pickups and lorries."""
    width = plan[2] + 1
    for x in (3, width - 4):
        pen.rectangle((x - 2, 2, x + 2, 5), fill=(226, 222, 196))
        pen.rectangle((x - 2, LENGTH - 6, x + 2, LENGTH - 3), fill=(150, 54, 50))
    if vehicle.kind in ("pickup", "lorry"):
        bed = (2, cabin[3] + 2, width - 3, LENGTH - 4)
        pen.rectangle(bed, outline=shifted(vehicle.paint, -50), width=3)


def _roof(pen: ImageDraw.ImageDraw, vehicle: Vehicle, cabin: Box) -> None:
    """Draw windscreen and rear window, then the fitting."""
    left, front, right, back = cabin
    screen = round((back - front) * vehicle.body.glass)
    pen.rectangle((left, front, right, front + screen), fill=GLASS)
    if vehicle.kind in ("car", "pickup"):
        pen.rectangle((left, back - screen // 2, right, back), fill=GLASS)
        back -= screen // 2
    _fitting(pen, vehicle, (left, front + screen, right, back))


def _fitting(pen: ImageDraw.ImageDraw, vehicle: Vehicle, roof: Box) -> None:
    left, front, right, back = roof
    middle, long = (left + right) // 2, back - front
    edge = front + long * (1 + vehicle.detail) // 6
    if vehicle.fitting == "sunroof":
        pen.rectangle((left + 8, edge, right - 8, edge + long // 4), fill=GLASS)
    elif vehicle.fitting == "rack":
        for bar in range(2 + vehicle.detail):
            y = front + long * (2 * bar + 1) // (4 + 2 * vehicle.detail)
            pen.line((left + 2, y, right - 2, y), fill=(44, 44, 46), width=3)
    elif vehicle.fitting == "beacon":
        pen.rectangle((left + 4, edge, right - 4, edge + 7), fill=(208, 150, 58))
    elif vehicle.fitting == "sign":
        pen.rectangle((middle - 12, edge, middle + 12, edge + 12), fill=(222, 222, 214))
        pen.line((middle - 8, edge + 6, middle + 8, edge + 6), fill=(60, 60, 60), width=3)


def draw_vehicle(image: Image.Image, vehicle: Vehicle, placement: Placement) -> None:
    """Draw the vehicle onto the RGB image, wall by wall from the wheels up to the roof."""
    flat = layers(vehicle)
    body = vehicle.body
    deck, deck_mask, box = _turned(flat.deck, flat.deck_mask, placement)
    for height in _heights(placement, 0.0, body.deck):
        fill = _wall(vehicle, height)
        _paste(image, fill, deck_mask, box, placement, height)
    _paste(image, deck, deck_mask, box, placement, body.deck)
    roof, roof_mask, box = _turned(flat.roof, flat.roof_mask, placement)
    for height in _heights(placement, body.deck, body.roof):
        _paste(image, _window(vehicle, height), roof_mask, box, placement, height)
    _paste(image, roof, roof_mask, box, placement, body.roof)


def outline(image: Image.Image, vehicle: Vehicle, placement: Placement) -> Image.Image:
    """Return the mask, as large as the image, of what the vehicle covers: it casts the shadow."""
    mask = Image.new("L", image.size)
    body, flat = vehicle.body, layers(vehicle)
    for plan, top in ((flat.deck_mask, body.deck), (flat.roof_mask, body.roof)):
        _, turned, box = _turned(plan, plan, placement)
        for height in (*_heights(placement, 0.0, top, 8.0), top):
            _paste(mask, 255, turned, box, placement, height)
    return mask


def _wall(vehicle: Vehicle, height: float) -> Colour:
    """Return the colour of the sides at a height: tyres, paint, a stripe, paint."""
    share = height / vehicle.body.deck
    if share < 0.25:
        return _RUBBER
    if 0.5 < share < 0.75:
        red, green, blue = (
            min(255, max(0, ground + mark))
            for ground, mark in zip(vehicle.paint, vehicle.stripe, strict=True)
        )
        return red, green, blue
    return shifted(vehicle.paint, -28)


def _window(vehicle: Vehicle, height: float) -> Colour:
    """Return the colour of the cabin's sides at a height: glass below a rim of paint."""
    share = (height - vehicle.body.deck) / (vehicle.body.roof - vehicle.body.deck)
    return GLASS if 0.2 < share < 0.75 else shifted(vehicle.paint, -28)


def _heights(
    placement: Placement, bottom: float, top: float, step: float = _STEP
) -> Iterator[float]:
    """Yield heights from bottom to below the top, so close that their slices make a wall."""
    lift = math.hypot(placement.lift_x, placement.lift_y) * placement.size * (top - bottom)
    count = math.ceil(lift / step)
    return (bottom + (top - bottom) * index / count for index in range(count))


def _paste(
    image: Image.Image,
    content: Image.Image | Colour | int,
    mask: Image.Image,
    box: Box,
    placement: Placement,
    height: float,
) -> None:
    """Paste a turned layer at its height."""
    x = box[0] + round(placement.lift_x * placement.size * height)
    y = box[1] + round(placement.lift_y * placement.size * height)
    image.paste(content, (x, y, x + mask.width, y + mask.height), mask)


def _turned(
    layer: Image.Image, mask: Image.Image, placement: Placement
) -> tuple[Image.Image, Image.Image, Box]:
    """Return a layer and its mask as they lie on the ground, and the box that they fill."""
    turn = math.radians(placement.heading)
    cos, sin = math.cos(turn), math.sin(turn)
    scale = placement.size / LENGTH
    half_w = scale * (layer.width * abs(cos) + LENGTH * abs(sin)) / 2 + 1
    half_h = placement.flat * scale * (layer.width * abs(sin) + LENGTH * abs(cos)) / 2 + 1
    left, top = round(placement.x - half_w), round(placement.y - half_h)
    size = (round(2 * half_w), round(2 * half_h))
    # From a pixel of the drawing back to the layer: undo the shift, the foreshortening, the turn.
    dx, dy = left - placement.x, top - placement.y
    across, down = 1.0 / scale, 1.0 / (scale * placement.flat)
    inverse = (
        cos * across, sin * down, layer.width / 2 + cos * across * dx + sin * down * dy,
        -sin * across, cos * down, LENGTH / 2 - sin * across * dx + cos * down * dy,
    )  # fmt: skip
    turned, cut = (
        picture.transform(size, Image.Transform.AFFINE, inverse, Image.Resampling.NEAREST)
        for picture in (layer, mask)
    )
    return turned, cut, (left, top, left + size[0], top + size[1])
