"""Fabrics: periodic prints with periods of a few pixels, which down-sampling destroys by steps.

Integer arithmetic only, so that a tile has the same bytes everywhere.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from crossres.datasets.twins.drawing.people import Fabric

TILE = 128
"""Width and height of a tile in pixels of the drawing (two to a pixel of an image 128 high)."""

_SHADE = 40  # darkening at the left and right edge of a body, in 1/256


@lru_cache(maxsize=1024)
def tile(fabric: Fabric) -> Image.Image:
    """Return the print as an RGB image of TILE x TILE, centred on the body's axis and shaded like a
    tube.

    Over one period the mean is `fabric.colour` whatever the print, so that colour alone does not
    give the print away.
    """
    ink = _ink(fabric)
    share = int(ink.sum()) * 256 // ink.size
    ground = np.array(fabric.colour) - np.array(fabric.contrast) * share // 256
    pixels = ground + ink[:, :, None] * np.array(fabric.contrast)
    x = np.arange(TILE) - TILE // 2
    shade = 256 - _SHADE * (x * x) // (TILE * TILE // 16)
    shaded = pixels * np.clip(shade, 256 - 2 * _SHADE, 256)[None, :, None] // 256
    return Image.fromarray(np.clip(shaded, 0, 255).astype(np.uint8))


def _ink(fabric: Fabric) -> NDArray[np.int64]:
    """Return (TILE, TILE) of 1 where the print is and 0 where the ground is."""
    period = 2 * fabric.period
    y, x = np.mgrid[0:TILE, 0:TILE]
    lines = {
        "across": y,
        "along": x,
        "diagonal": x + y,
    }
    if fabric.pattern in lines:
        return np.asarray(lines[fabric.pattern] % period < fabric.period, dtype=np.int64)
    if fabric.pattern == "checks":
        return np.asarray((x % period < fabric.period) ^ (y % period < fabric.period), np.int64)
    if fabric.pattern == "dots":
        far = (2 * (x % period) - period + 1) ** 2 + (2 * (y % period) - period + 1) ** 2
        return np.asarray(10 * far < 7 * period**2, dtype=np.int64)
    if fabric.pattern == "glyphs":
        return _glyphs(fabric, x, y)
    return np.zeros((TILE, TILE), dtype=np.int64)


def _glyphs(fabric: Fabric, x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a sign of 4 x 4 cells with a margin of one cell, repeated every 5 cells."""
    cell = max(2, fabric.period // 2)
    column, row = x // cell % 5, y // cell % 5
    bits = fabric.glyph >> (4 * np.minimum(row, 3) + np.minimum(column, 3)) & 1
    return np.asarray(bits * (column < 4) * (row < 4), dtype=np.int64)
