"""What drives: the looks of a vehicle, drawn by hash from small shared choices.

Bodies and paints are few and shared; what tells two vehicles apart is mostly fine print and
fittings on roof and bonnet.
"""

from dataclasses import dataclass

from crossres.datasets.base.draws import draw
from crossres.datasets.twins.drawing.people import Colour, Fabric

PAINTS: tuple[Colour, ...] = ((142, 140, 138), (96, 108, 140), (140, 98, 90))
PERIODS = (6, 8, 10, 13)
CONTRASTS: tuple[Colour, ...] = (
    (110, 110, 110),
    (150, -80, -80),
    (-90, 130, -90),
    (-100, -30, 150),
    (130, 60, -140),
)
PATTERNS = ("dots", "checks", "glyphs", "across", "along")
FITTINGS = ("none", "sunroof", "rack", "beacon", "sign")


@dataclass(frozen=True)
class Body:
    """The shape of a kind of vehicle in lengths of the vehicle.

    `width` across; the cabin (or box) reaches from `front` to `back`, measured from the nose, and
    up to `roof`; what lies before and behind it only up to `deck`. `glass` is the share of the
    cabin's length that its windscreen takes. The prints change at the two `seams`.
    """

    width: float
    front: float
    back: float
    deck: float
    roof: float
    glass: float
    seams: tuple[float, float]


BODIES: dict[str, Body] = {
    "car": Body(0.43, front=0.28, back=0.82, deck=0.17, roof=0.3, glass=0.2, seams=(0.28, 0.72)),
    "van": Body(0.42, front=0.13, back=0.98, deck=0.2, roof=0.38, glass=0.1, seams=(0.42, 0.7)),
    "pickup": Body(
        0.4, front=0.26, back=0.56, deck=0.19, roof=0.31, glass=0.25, seams=(0.26, 0.58)
    ),
    "lorry": Body(0.36, front=0.02, back=0.28, deck=0.2, roof=0.36, glass=0.25, seams=(0.3, 0.65)),
    "bus": Body(0.3, front=0.01, back=0.99, deck=0.1, roof=0.3, glass=0.05, seams=(0.36, 0.68)),
}
KINDS = ("car", "car", "car", "van", "pickup", "lorry", "bus")


@dataclass(frozen=True)
class Vehicle:
    """An identity as it looks in every image.

    `prints` are those of its front, middle and rear, seen from above; `fitting` is one of FITTINGS
    with `detail` (0 to 3) telling its place or number; `stripe` the contrast of a line along the
    sides.
    """

    kind: str
    paint: Colour
    prints: tuple[Fabric, Fabric, Fabric]
    fitting: str
    detail: int
    stripe: Colour

    @property
    def body(self) -> Body:
        return BODIES[self.kind]


def vehicle(*names: str | int) -> Vehicle:
    """Return the vehicle of these names (data set, pid): the same names, the same vehicle."""

    def one_of(count: int, *purpose: str) -> int:
        return draw("twin-vehicle", *names, *purpose) % count

    paint = PAINTS[one_of(len(PAINTS), "paint")]
    return Vehicle(
        kind=KINDS[one_of(len(KINDS), "kind")],
        paint=paint,
        prints=(
            _print(paint, "front", *names),
            _print(paint, "middle", *names),
            _print(paint, "front", *names),
        ),
        fitting=FITTINGS[one_of(len(FITTINGS), "fitting")],
        detail=one_of(4, "detail"),
        stripe=CONTRASTS[one_of(len(CONTRASTS), "stripe")],
    )


def _print(paint: Colour, part: str, *names: str | int) -> Fabric:
    def one_of(count: int, purpose: str) -> int:
        return draw("twin-vehicle", *names, part, purpose) % count

    return Fabric(
        colour=paint,
        pattern=PATTERNS[one_of(len(PATTERNS), "pattern")],
        period=PERIODS[one_of(len(PERIODS), "period")],
        contrast=CONTRASTS[one_of(len(CONTRASTS), "contrast")],
        glyph=one_of(1 << 16, "glyph"),
    )
