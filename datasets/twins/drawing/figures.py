"""The body: limbs, clothes, head and bag of one person in one pose, drawn with Pillow polygons.

Lengths are in heights of the person: x to the right of the body's axis, y down from the crown.
"""

import math
from dataclasses import dataclass

from PIL import Image, ImageDraw

from crossres.datasets.twins.drawing.fabrics import TILE, tile
from crossres.datasets.twins.drawing.people import Colour, Fabric, Person
from crossres.datasets.twins.drawing.scenes import shifted

Point = tuple[float, float]


@dataclass(frozen=True)
class Pose:
    """How a person stands in one image.

    `angle` in degrees: 0 seen from the front, 90 from the side, 180 from behind. `stride` and
    `swing` are the angles of legs and arms in radians. (`x`, `top`) is the crown and `size` the
    height of the person in pixels of the drawing; `lean` moves the feet sideways, in heights.
    """

    angle: float
    mirrored: bool
    stride: float
    swing: float
    lean: float
    x: float
    top: float
    size: float


class Figure:
    """A person in a pose on a drawing, with what is needed to place one more part of the body."""

    def __init__(self, image: Image.Image, person: Person, pose: Pose) -> None:
        self.image, self.person, self.pose = image, person, pose
        self.pen = ImageDraw.Draw(image)
        turn = math.radians(pose.angle)
        self.front, self.side = math.cos(turn), abs(math.sin(turn))
        self.wide = abs(self.front)  # 1 from the front and from behind, 0 from the side
        self.sign = -1.0 if pose.mirrored else 1.0
        self.shoulder = person.build * (0.072 + 0.046 * self.wide)
        self.hip = person.build * (0.066 + 0.026 * self.wide)

    def at(self, x: float, y: float) -> tuple[int, int]:
        """Return the pixel of a point of the body."""
        pose = self.pose
        across = self.sign * x + pose.lean * y
        return round(pose.x + across * pose.size), round(pose.top + y * pose.size)

    def points(self, *points: Point) -> list[tuple[int, int]]:
        return [self.at(x, y) for x, y in points]

    def box(self, x: float, y: float, rx: float, ry: float) -> tuple[int, int, int, int]:
        """Return the box of an ellipse around a point of the body."""
        cx, cy = self.at(x, y)
        a, b = max(1, round(rx * self.pose.size)), max(1, round(ry * self.pose.size))
        return cx - a, cy - b, cx + a, cy + b

    def limb(self, start: Point, end: Point, w0: float, w1: float) -> list[tuple[int, int]]:
        """Return the outline of a limb of width w0 at its start and w1 at its end."""
        dx, dy = end[0] - start[0], end[1] - start[1]
        length = math.hypot(dx, dy) or 1.0
        nx, ny = -dy / length, dx / length
        return self.points(
            (start[0] + nx * w0, start[1] + ny * w0),
            (end[0] + nx * w1, end[1] + ny * w1),
            (end[0] - nx * w1, end[1] - ny * w1),
            (start[0] - nx * w0, start[1] - ny * w0),
        )


def draw_figure(image: Image.Image, person: Person, pose: Pose) -> None:
    """Draw the person onto the RGB image, from the shoes up to the hair."""
    figure = Figure(image, person, pose)
    if person.bag == "backpack" and figure.front > -0.3:
        _backpack(figure)
    _legs(figure)
    _top(figure)
    if person.bag == "backpack" and figure.front <= -0.3:
        _backpack(figure)
    if person.bag == "shoulder":
        _shoulder_bag(figure)
    _head(figure)


# --- legs -----------------------------------------------------------------------------------------


def _legs(figure: Figure) -> None:
    """Draw shoes and skin, then trousers, shorts or a skirt as one cloth."""
    person, pen = figure.person, figure.pen
    cloth = Image.new("L", figure.image.size)
    shape = ImageDraw.Draw(cloth)
    for which in (-1.0, 1.0):
        hip, knee, foot = _leg(figure, which)
        toe = foot[0] + 0.03 * figure.side + 0.01 * which * figure.wide
        pen.ellipse(figure.box(toe, foot[1] + 0.005, 0.045, 0.02), fill=(46, 44, 48))
        thigh = figure.limb(hip, knee, 0.062, 0.046)
        shin = figure.limb(knee, foot, 0.046, 0.034)
        if person.lower != "trousers":
            pen.polygon(figure.limb(knee, foot, 0.036, 0.024), fill=person.skin)
        else:
            shape.polygon(shin, fill=255)
        if person.lower == "skirt":
            pen.polygon(figure.limb(hip, knee, 0.05, 0.036), fill=person.skin)
        else:
            shape.polygon(thigh, fill=255)
    _seat(figure, shape)
    _dress(figure, cloth, person.bottom, 0.75)


def _leg(figure: Figure, which: float) -> tuple[Point, Point, Point]:
    """Return hip, knee and foot of the left (-1) or right (1) leg."""
    apart = which * 0.045 * figure.wide
    forward = which * figure.pose.stride * (0.35 + 0.65 * figure.side)
    knee = (apart + 0.23 * math.sin(forward * 1.1), 0.50 + 0.23 * math.cos(forward))
    back = forward - 0.25 * max(0.0, -which * figure.pose.stride) * figure.side
    foot = (knee[0] + 0.22 * math.sin(back), knee[1] + 0.23 * math.cos(back))
    return (apart, 0.49), knee, foot


def _seat(figure: Figure, shape: ImageDraw.ImageDraw) -> None:
    hip = figure.hip
    if figure.person.lower == "skirt":
        hem = ((hip + 0.035, 0.70), (-hip - 0.035, 0.70))
    else:
        hem = ((hip * 0.9, 0.55), (-hip * 0.9, 0.55))
    shape.polygon(figure.points((-hip, 0.45), (hip, 0.45), *hem), fill=255)


# --- torso and arms -------------------------------------------------------------------------------


def _top(figure: Figure) -> None:
    """Draw torso and sleeves as one cloth; forearms and hands are skin below it."""
    person, pen = figure.person, figure.pen
    cloth = Image.new("L", figure.image.size)
    shape = ImageDraw.Draw(cloth)
    arms = [_arm(figure, which) for which in (-1.0, 1.0)]
    for shoulder, elbow, hand in arms:
        pen.ellipse(figure.box(hand[0], hand[1], 0.022, 0.024), fill=person.skin)
        pen.polygon(figure.limb(elbow, hand, 0.026, 0.02), fill=person.skin)
        shape.polygon(figure.limb(shoulder, elbow, 0.04, 0.034), fill=255)
        if person.long_sleeves:
            shape.polygon(figure.limb(elbow, hand, 0.034, 0.026), fill=255)
    neck, wide, hip = 0.04, figure.shoulder, figure.hip
    shape.polygon(
        figure.points(
            (-neck, 0.145), (neck, 0.145), (wide * 0.8, 0.165), (wide, 0.2), (hip * 1.02, 0.38),
            (hip * 1.06, 0.5), (-hip * 1.06, 0.5), (-hip * 1.02, 0.38), (-wide, 0.2),
            (-wide * 0.8, 0.165),
        ),
        fill=255,
    )  # fmt: skip
    pen.polygon(
        figure.points((-0.03, 0.1), (0.03, 0.1), (0.035, 0.17), (-0.035, 0.17)), person.skin
    )
    _dress(figure, cloth, person.top, 0.33)
    for shoulder, elbow, _ in arms:
        inner = (shoulder[0] * 0.8, shoulder[1] + 0.04), (elbow[0] * 0.86, elbow[1])
        pen.line(figure.points(*inner), fill=shifted(person.top.colour, -42), width=1)


def _arm(figure: Figure, which: float) -> tuple[Point, Point, Point]:
    """Return shoulder, elbow and hand of the left (-1) or right (1) arm."""
    x = which * (figure.shoulder - 0.025) * (0.3 + 0.7 * figure.wide)
    forward = -which * figure.pose.swing * (0.2 + 0.8 * figure.side) + which * 0.1 * figure.wide
    elbow = (x + 0.16 * math.sin(forward), 0.19 + 0.16 * math.cos(forward))
    bent = forward + 0.35 * figure.side
    hand = (elbow[0] + 0.15 * math.sin(bent), elbow[1] + 0.15 * math.cos(bent))
    return (x, 0.19), elbow, hand


def _dress(figure: Figure, cloth: Image.Image, fabric: Fabric, middle: float) -> None:
    """Lay the fabric under the mask; it turns, leans and shrinks with the body.

    The tile's centre lies on the body's axis at height `middle`.
    """
    box = cloth.getbbox()
    if box is None:
        return
    pose = figure.pose
    scale = 225.0 / pose.size  # pixels of the tile per pixel of the drawing
    squeeze = figure.sign * scale / (0.76 + 0.24 * figure.wide)
    cx, cy = figure.at(0.0, middle)
    left, top = box[0] - cx, box[1] - cy
    placed = tile(fabric).transform(
        (box[2] - box[0], box[3] - box[1]),
        Image.Transform.AFFINE,
        (
            squeeze, -squeeze * pose.lean, TILE / 2 + squeeze * (left - pose.lean * top),
            0.0, scale, TILE / 2 + scale * top,
        ),
        Image.Resampling.NEAREST,
    )  # fmt: skip
    figure.image.paste(placed, box, cloth.crop(box))


# --- bag and head ---------------------------------------------------------------------------------


def _backpack(figure: Figure) -> None:
    colour = figure.person.bag_colour
    behind = -0.085 * figure.side
    half = 0.05 + 0.035 * figure.wide
    body = figure.points(
        (behind - half, 0.19), (behind + half, 0.19), (behind + half, 0.42), (behind - half, 0.42)
    )
    figure.pen.polygon(body, fill=colour, outline=shifted(colour, -24))
    pocket = figure.points(
        (behind - half * 0.6, 0.32), (behind + half * 0.6, 0.32), (behind + half * 0.6, 0.39),
        (behind - half * 0.6, 0.39),
    )  # fmt: skip
    figure.pen.polygon(pocket, fill=shifted(colour, 22))


def _shoulder_bag(figure: Figure) -> None:
    colour = figure.person.bag_colour
    strap = figure.points((-figure.shoulder * 0.6, 0.165), (figure.hip, 0.46))
    figure.pen.line(strap, fill=colour, width=max(1, round(0.02 * figure.pose.size)))
    x = figure.hip + 0.02
    bag = figure.points((x - 0.05, 0.44), (x + 0.05, 0.44), (x + 0.06, 0.56), (x - 0.06, 0.56))
    figure.pen.polygon(bag, fill=colour, outline=shifted(colour, -24))


def _head(figure: Figure) -> None:
    """Draw the hair, then as much of the face as the view shows."""
    person, pen = figure.person, figure.pen
    rx, ry = 0.05 + 0.006 * figure.side, 0.066
    if person.long_hair:
        fall = figure.points((-rx, 0.06), (rx, 0.06), (rx * 1.05, 0.2), (-rx * 1.05, 0.2))
        if figure.front < 0.3:
            pen.polygon(fall, fill=person.hair)
        else:
            pen.polygon(
                figure.points((-rx, 0.06), (rx, 0.06), (rx, 0.15), (-rx, 0.15)), person.hair
            )
    pen.ellipse(figure.box(0.0, 0.068, rx, ry), fill=person.hair)
    if figure.front < -0.3:
        return
    face: Colour = person.skin
    pen.ellipse(figure.box(0.022 * figure.side, 0.082, rx * 0.8, ry * 0.78), fill=face)
    if figure.front > 0.3:
        pen.line(figure.points((-0.018, 0.078), (-0.012, 0.078)), fill=person.hair)
        pen.line(figure.points((0.012, 0.078), (0.018, 0.078)), fill=person.hair)
