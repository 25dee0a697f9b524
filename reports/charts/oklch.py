"""Colours by lightness, chroma and hue as people see them: the OKLab space of Ottosson (2020).

Colours are sRGB as "#rrggbb".
"""

import math
from collections.abc import Sequence
from functools import lru_cache

_FROM_LMS = (
    (4.0767416621, -3.3077115913, 0.2309699292),
    (-1.2684380046, 2.6097574011, -0.3413193965),
    (-0.0041960863, -0.7034186147, 1.7076147010),
)
_TO_LMS = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_LMS_OF_LAB = (
    (1.0, 0.3963377774, 0.2158037573),
    (1.0, -0.1055613458, -0.0638541728),
    (1.0, -0.0894841775, -1.2914855480),
)
_LAB_OF_LMS = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
_CHROMA_STEP = 0.005


@lru_cache(maxsize=1024)
def colour_at(lightness: float, chroma: float, hue: float) -> str:
    """Return the colour; `hue` in degrees, `lightness` in [0, 1].

    Where sRGB has no such colour, the one of the greatest chroma below, to 0.005.
    """
    for step in range(math.ceil(chroma / _CHROMA_STEP) + 1):
        radius, angle = max(0.0, chroma - step * _CHROMA_STEP), math.radians(hue)
        lms = _times(_LMS_OF_LAB, (lightness, radius * math.cos(angle), radius * math.sin(angle)))
        linear = _times(_FROM_LMS, [value**3 for value in lms])
        if all(-1e-6 <= value <= 1 + 1e-6 for value in linear):
            break
    return "#" + "".join(f"{round(255 * _encoded(min(1, max(0, v)))):02x}" for v in linear)


def hue_of(colour: str) -> float:
    """Return the hue in degrees."""
    _, a, b = oklab(colour)
    return math.degrees(math.atan2(b, a)) % 360


def apart(first: str, second: str) -> float:
    """Return how different two colours look: their distance in OKLab; 0.02 is just noticed."""
    return math.dist(oklab(first), oklab(second))


@lru_cache(maxsize=1024)
def oklab(colour: str) -> tuple[float, ...]:
    """Return (L, a, b)."""
    return _times(_LAB_OF_LMS, [math.cbrt(value) for value in _times(_TO_LMS, linear_rgb(colour))])


def linear_rgb(colour: str) -> tuple[float, ...]:
    """Return red, green and blue as shares of light, in [0, 1]."""
    return tuple(_decoded(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))


def _times(matrix: Sequence[Sequence[float]], vector: Sequence[float]) -> tuple[float, ...]:
    return tuple(math.fsum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)


def _encoded(light: float) -> float:
    return 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


def _decoded(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
