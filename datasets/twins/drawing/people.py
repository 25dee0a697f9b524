"""Who is drawn: the clothes of an identity, drawn by hash from small shared wardrobes.

Colours are few and shared by many identities; what tells two of them apart is mostly the fabric.
"""

from dataclasses import dataclass

from crossres.datasets.base.draws import draw

Colour = tuple[int, int, int]

TORSO_COLOURS: tuple[Colour, ...] = ((148, 84, 78), (82, 98, 142), (104, 124, 92))
LEGS_COLOURS: tuple[Colour, ...] = ((74, 82, 108), (100, 90, 80))
BAG_COLOURS: tuple[Colour, ...] = ((70, 60, 56), (120, 62, 54), (58, 78, 92))
HAIR_COLOURS: tuple[Colour, ...] = ((44, 36, 34), (96, 70, 48))
SKIN_COLOURS: tuple[Colour, ...] = ((204, 164, 138), (134, 94, 72))

PATTERNS = ("across", "diagonal", "checks", "dots")
PERIODS = (12, 16)
CONTRASTS: tuple[Colour, ...] = ((100, 100, 100), (-100, -100, -100))


@dataclass(frozen=True)
class Fabric:
    """A cloth: its mean colour and a periodic print around that mean.

    `pattern` is "plain", "across", "along", "diagonal", "checks", "dots" or "glyphs"; `period` is
    in pixels of an image 128 pixels high; `contrast` is the difference of the print to the ground
    per channel; `glyph` numbers the 4 x 4 sign that "glyphs" repeats.
    """

    colour: Colour
    pattern: str
    period: int
    contrast: Colour
    glyph: int = 0


@dataclass(frozen=True)
class Person:
    """An identity as it looks in every image. `build` is a factor on all widths."""

    top: Fabric
    bottom: Fabric
    lower: str  # "trousers", "shorts" or "skirt"
    long_sleeves: bool
    long_hair: bool
    bag: str  # "none", "backpack" or "shoulder"
    bag_colour: Colour
    hair: Colour
    skin: Colour
    build: float


def person(*names: str | int) -> Person:
    """Return the person of these names (data set, pid): the same names, the same person."""

    def one_of(count: int, *purpose: str) -> int:
        return draw("twin-person", *names, *purpose) % count

    return Person(
        top=_fabric(TORSO_COLOURS, "top", *names),
        bottom=_fabric(LEGS_COLOURS, "bottom", *names),
        lower=("trousers", "trousers", "trousers", "shorts", "skirt")[one_of(5, "lower")],
        long_sleeves=one_of(2, "sleeves") == 0,
        long_hair=one_of(3, "hair-length") == 0,
        bag=("none", "none", "backpack", "shoulder")[one_of(4, "bag")],
        bag_colour=BAG_COLOURS[one_of(len(BAG_COLOURS), "bag-colour")],
        hair=HAIR_COLOURS[one_of(len(HAIR_COLOURS), "hair")],
        skin=SKIN_COLOURS[one_of(len(SKIN_COLOURS), "skin")],
        build=0.92 + 0.04 * one_of(5, "build"),
    )


def _fabric(colours: tuple[Colour, ...], part: str, *names: str | int) -> Fabric:
    def one_of(count: int, purpose: str) -> int:
        return draw("twin-person", *names, part, purpose) % count

    return Fabric(
        colour=colours[one_of(len(colours), "colour")],
        pattern=PATTERNS[one_of(len(PATTERNS), "pattern")],
        period=PERIODS[one_of(len(PERIODS), "period")],
        contrast=CONTRASTS[one_of(len(CONTRASTS), "contrast")],
    )
