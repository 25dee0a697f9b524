"""What Pillow makes of each way of drawing that twins use, held against digests of its pixels.

Versions of Pillow fill other pixels of a polygon (those before 11.2.1 do), and a build may have
another JPEG library. Under one TWIN_VERSION there is one twin: where a digest differs nothing is
drawn. `primitives.csv` beside this file holds what `drawn_digests` was with Pillow 12.3.0.
"""

import csv
import hashlib
import io
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files

import numpy as np
import PIL
from PIL import Image, ImageDraw, ImageFilter

from crossres.datasets.base.errors import InputError
from crossres.datasets.twins.layouts.common import jpeg
from crossres.datasets.twins.sizes import TWIN_VERSION

KNOWN_SAME = "pillow>=11.2.1,<=12.3.0"  # these wheels were tried, on whole twins
_TRIALS = 60
_SIDE = 48

Points = list[tuple[int, int]]


def check_drawing() -> None:
    """Raise InputError naming what this Pillow draws otherwise than twins of TWIN_VERSION have."""
    published = _published()
    differing = [name for name, digest in drawn_digests().items() if published[name] != digest]
    if differing:
        raise InputError(
            f"Pillow {PIL.__version__} as installed here gives other pixels than twins of version "
            f"{TWIN_VERSION} have ({', '.join(differing)}), so numbers measured on them would not "
            f"be comparable; pip install '{KNOWN_SAME}'"
        )


@lru_cache(maxsize=1)
def drawn_digests() -> dict[str, str]:
    """Name of a primitive -> hex SHA-256 of what it draws here, 16 digits."""
    return {
        name: hashlib.sha256(b"".join(map(draw, range(_TRIALS)))).hexdigest()[:16]
        for name, draw in _PRIMITIVES.items()
    }


def _published() -> dict[str, str]:
    text = files("crossres.datasets.twins").joinpath("primitives.csv").read_text(encoding="utf-8")
    return {row["primitive"]: row["digest"] for row in csv.DictReader(text.splitlines())}


# --- the primitives: number of a trial -> bytes of its pixels -------------------------------------


def _points(trial: int, count: int) -> Points:
    """Return points on a square of _SIDE and a sixth around it."""
    values = hashlib.shake_128(f"twin-primitive {trial}".encode()).digest(2 * count)
    places = [value * _SIDE * 4 // (3 * 256) - _SIDE // 6 for value in values]
    return list(zip(places[::2], places[1::2], strict=True))


def _box(trial: int) -> tuple[int, int, int, int]:
    (x0, y0), (x1, y1) = _points(trial, 2)
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _noise(trial: int) -> Image.Image:
    content = hashlib.shake_128(f"twin-noise {trial}".encode()).digest(_SIDE * _SIDE * 3)
    return Image.frombytes("RGB", (_SIDE, _SIDE), content)


def _drawing(draw: Callable[[ImageDraw.ImageDraw, int], None]) -> Callable[[int], bytes]:
    def drawn(trial: int) -> bytes:
        image = Image.new("L", (_SIDE, _SIDE))
        draw(ImageDraw.Draw(image), trial)
        return image.tobytes()

    return drawn


def _rounded(pen: ImageDraw.ImageDraw, trial: int) -> None:
    """Draw the plan of a vehicle, which is far larger than the radius."""
    pen.rounded_rectangle(
        (trial % 7, trial % 5, 28 + trial % 19, 30 + trial % 17), 1 + trial % 7, 9
    )


def _turned(trial: int) -> bytes:
    turn = [(value - 24) / 32 for point in _points(trial, 3) for value in point]
    inverse = (turn[0], turn[1], 9 * turn[2] + 20, turn[3], turn[4], 9 * turn[5] + 20)
    method, nearest = Image.Transform.AFFINE, Image.Resampling.NEAREST
    return _noise(trial).transform((40, 44), method, inverse, nearest).tobytes()


def _pasted(trial: int) -> bytes:
    image, mask = _noise(trial), _noise(trial + 1).convert("L").point(lambda level: level & 128)
    image.paste(
        _noise(trial + 2).point([level * 150 >> 8 for level in range(256)] * 3), (0, 0), mask
    )
    return image.tobytes()


def _blurred(trial: int) -> bytes:
    return _noise(trial).reduce(2).filter(ImageFilter.BoxBlur(trial / 100)).tobytes()


def _stored(trial: int) -> bytes:
    smooth = np.asarray(_noise(trial).filter(ImageFilter.BoxBlur(1)))
    return Image.open(io.BytesIO(jpeg(smooth))).tobytes()


_PRIMITIVES: dict[str, Callable[[int], bytes]] = {
    "polygons": _drawing(lambda pen, trial: pen.polygon(_points(trial, 3 + trial % 8), 9)),
    "outlined polygons": _drawing(lambda pen, trial: pen.polygon(_points(trial, 4), 9, 5)),
    "ellipses": _drawing(lambda pen, trial: pen.ellipse(_box(trial), 9)),
    "lines": _drawing(lambda pen, trial: pen.line(_points(trial, 2), 9, 1)),
    "broad lines": _drawing(lambda pen, trial: pen.line(_points(trial, 2), 9, 2 + trial % 5)),
    "rectangles": _drawing(lambda pen, trial: pen.rectangle(_box(trial), 9, 5, 1 + trial % 3)),
    "rounded rectangles": _drawing(_rounded),
    "turned pictures": _turned,
    "pasted pictures": _pasted,
    "blurred pictures": _blurred,
    "JPEG files": _stored,
}
