"""The two resamplers that alias: what OpenCV's resize does to 8-bit images, in integers of our own.

Four or two neighbours of each output's place, however much is skipped between them; coefficients of
11 bits, no rounding between the passes. docs/protocols.md, "Resampling".
"""

import functools

import numpy as np
from numpy.typing import NDArray

ALIASING_VERSIONS = {
    "cv2_linear_noaa": "mlr-cv2-linear-1",
    "cv2_cubic_noaa": "mlr-cv2-cubic-1",
}
_COEFFICIENT_BITS = 11
_CUBIC_A = np.float32(-0.75)

Taps = tuple[NDArray[np.intp], NDArray[np.int64]]
"""(input places, coefficients in multiples of 2**-11), both (outputs, taps)."""


def resample_aliasing(
    images: NDArray[np.uint8], height: int, width: int, kernel: str
) -> NDArray[np.uint8]:
    """Bring images (n, H, W, 3) uint8 to (n, height, width, 3) uint8, by a kernel named above."""
    before_h, before_w = images.shape[1:3]
    if (before_h, before_w) == (height, width):
        return images.copy()
    if kernel == "cv2_linear_noaa":
        rows = _across(images, _linear_taps(before_w, width, inside=True))
        return _down_linear(rows, _linear_taps(before_h, height, inside=False))
    rows = _across(images, _cubic_taps(before_w, width))
    return _down_cubic(rows, _cubic_taps(before_h, height))


def _across(images: NDArray[np.uint8], taps: Taps) -> NDArray[np.int64]:
    """Return the horizontal pass: (n, H, width, 3), in multiples of 2**-11, not rounded."""
    places, weights = taps
    result = np.zeros((*images.shape[:2], len(places), images.shape[3]), dtype=np.int64)
    for tap in range(places.shape[1]):
        result += images[:, :, places[:, tap]] * weights[:, tap, None]
    return result


def _down_linear(rows: NDArray[np.int64], taps: Taps) -> NDArray[np.uint8]:
    """Return the vertical pass of two taps; OpenCV's shifts drop each product's low bits."""
    places, weights = taps
    result = np.full((len(rows), len(places), *rows.shape[2:]), 2, dtype=np.int64)
    for tap in range(places.shape[1]):
        result += ((rows[:, places[:, tap]] >> 4) * weights[:, tap, None, None]) >> 16
    return (result >> 2).astype(np.uint8)


def _down_cubic(rows: NDArray[np.int64], taps: Taps) -> NDArray[np.uint8]:
    """Return the vertical pass of four taps: rounded half up once, then clipped to 8 bits."""
    places, weights = taps
    half = 1 << (2 * _COEFFICIENT_BITS - 1)
    result = np.full((len(rows), len(places), *rows.shape[2:]), half, dtype=np.int64)
    for tap in range(places.shape[1]):
        result += rows[:, places[:, tap]] * weights[:, tap, None, None]
    result >>= 2 * _COEFFICIENT_BITS
    return result.clip(0, 255).astype(np.uint8)


@functools.lru_cache(maxsize=512)
def _linear_taps(before: int, after: int, *, inside: bool) -> Taps:
    """Return the two neighbours; beyond the border the outermost sample is repeated.

    `inside`: there the outermost sample has all the weight, as OpenCV does across, but not down.
    """
    first, part = _places(before, after)
    if inside:
        part = np.where((first < 0) | (first >= before - 1), np.float32(0), part)
    samples = np.clip(first[:, None] + np.arange(2), 0, before - 1)
    return samples, _fixed_point(np.stack([np.float32(1) - part, part], axis=1))


@functools.lru_cache(maxsize=512)
def _cubic_taps(before: int, after: int) -> Taps:
    """Return Keys' kernel with a = -0.75; beyond the border the outermost sample is repeated."""
    first, x = _places(before, after)
    a, unit = _CUBIC_A, np.float32(1)
    far = ((a * (x + unit) - 5 * a) * (x + unit) + 8 * a) * (x + unit) - 4 * a
    near = ((a + 2) * x - (a + 3)) * x * x + unit
    opposite = ((a + 2) * (unit - x) - (a + 3)) * (unit - x) * (unit - x) + unit
    weights = np.stack([far, near, opposite, unit - far - near - opposite], axis=1)
    samples = np.clip(first[:, None] + np.arange(-1, 3), 0, before - 1)
    return samples, _fixed_point(weights)


def _places(before: int, after: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the sample at or before each output's centre, and the way to the next (float32)."""
    scale = 1.0 / (after / before)
    centre = ((np.arange(after) + 0.5) * scale - 0.5).astype(np.float32)
    sample = np.floor(centre)
    return sample.astype(np.intp), centre - sample


def _fixed_point(weights: NDArray[np.float32]) -> NDArray[np.int64]:
    """Round half to even, to multiples of 2**-11. The sum is not corrected."""
    multiples = weights * np.float32(1 << _COEFFICIENT_BITS)
    return multiples.round().astype(np.int64)
