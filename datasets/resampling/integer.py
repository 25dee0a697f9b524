"""The versioned integer resampler: the same pixels on every machine and with every library.

Fixed-point weights of 22 bits, a horizontal then a vertical pass, each rounded and clipped to 8
bits: equal to Pillow up to version 12 to the last bit. The two kernels that alias are those of
datasets/resampling/opencv.py. docs/protocols.md, "Resampling".
"""

import functools
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.suggest import unknown
from crossres.datasets.resampling.opencv import ALIASING_VERSIONS, resample_aliasing

KERNEL_VERSIONS = {
    "box": "mlr-box-1",
    "bilinear": "mlr-bilinear-1",
    "bicubic": "mlr-bicubic-1",
    "lanczos": "mlr-lanczos-1",
    **ALIASING_VERSIONS,
}
_PRECISION_BITS = 22
_BLOCK_BYTES = 1_000_000  # float64 working memory per block of images: stays in the caches


def _box(x: float) -> float:
    return 1.0 if -0.5 < x <= 0.5 else 0.0


def _bilinear(x: float) -> float:
    return max(0.0, 1.0 - abs(x))


def _bicubic(x: float) -> float:
    """Return Keys' cubic kernel with a = -0.5."""
    a, x = -0.5, abs(x)
    if x < 1.0:
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1
    if x < 2.0:
        return (((x - 5) * x + 8) * x - 4) * a
    return 0.0


def _lanczos(x: float) -> float:
    return _sinc(x) * _sinc(x / 3) if -3.0 <= x < 3.0 else 0.0


def _sinc(x: float) -> float:
    return math.sin(x * math.pi) / (x * math.pi) if x != 0.0 else 1.0


_KERNELS: dict[str, tuple[Callable[[float], float], float]] = {
    "box": (_box, 0.5),
    "bilinear": (_bilinear, 1.0),
    "bicubic": (_bicubic, 2.0),
    "lanczos": (_lanczos, 3.0),
}


@functools.lru_cache(maxsize=512)
def _weights(before: int, after: int, kernel: str) -> NDArray[np.float64]:
    """Return the (after, before) matrix of one pass, in multiples of 2**-22."""
    function, support = _KERNELS[kernel]
    scale = before / after
    stretch = max(scale, 1.0)
    matrix = np.zeros((after, before))
    for row in range(after):
        centre = (row + 0.5) * scale
        first = max(int(centre - support * stretch + 0.5), 0)
        last = min(int(centre + support * stretch + 0.5), before)
        taps = [function((x - centre + 0.5) * (1.0 / stretch)) for x in range(first, last)]
        total = 0.0
        for tap in taps:  # one after another: a pairwise sum would round differently
            total += tap
        for x, tap in zip(range(first, last), taps, strict=True):
            matrix[row, x] = _fixed_point(tap / total)
    return matrix


def _fixed_point(weight: float) -> float:
    """Round half away from zero to a multiple of 2**-22."""
    return int(weight * (1 << _PRECISION_BITS) + math.copysign(0.5, weight)) / (
        1 << _PRECISION_BITS
    )


def resample(
    images: NDArray[np.uint8], height: int, width: int, kernel: str = "bicubic"
) -> NDArray[np.uint8]:
    """Bring images (..., H, W, 3) uint8 to (..., height, width, 3) uint8.

    When shrinking, the kernel is widened by the factor, so it does not alias; but the cv2_*_noaa
    kernels do. Raises InputError on an unknown kernel or a size below 1 x 1.
    """
    if kernel not in KERNEL_VERSIONS:
        raise unknown("kernel", kernel, KERNEL_VERSIONS)
    if height < 1 or width < 1:
        raise InputError(f"cannot resample to {width} x {height}; the least size is 1 x 1")
    *lead, before_h, before_w, channels = images.shape
    flat = images.reshape(-1, before_h, before_w, channels)
    result = np.empty((len(flat), height, width, channels), dtype=np.uint8)
    largest = max(before_h, height) * max(before_w, width) * channels * 8
    step = max(1, _BLOCK_BYTES // largest)
    resampled = resample_aliasing if kernel in ALIASING_VERSIONS else _both_passes
    for start in range(0, len(flat), step):
        block = flat[start : start + step]
        result[start : start + step] = resampled(block, height, width, kernel)
    return result.reshape(*lead, height, width, channels)


def _both_passes(
    images: NDArray[np.uint8], height: int, width: int, kernel: str
) -> NDArray[np.uint8]:
    """Resample a block (n, H, W, 3), plane by plane: then both passes are plain matrix products.

    They are exact in float64 in whatever order a BLAS adds: every partial sum is a multiple of
    2**-22 below 2**12 in size, so it fits into 53 bits.
    """
    before_h, before_w = images.shape[1:3]
    planes = images.transpose(0, 3, 1, 2)
    if before_w != width:
        planes = _to_8_bits(_floats(planes) @ _weights(before_w, width, kernel).T)
    if before_h != height:
        planes = _to_8_bits(_weights(before_h, height, kernel) @ _floats(planes))
    return planes.transpose(0, 2, 3, 1)


def _floats(planes: NDArray[np.uint8]) -> NDArray[np.float64]:
    return planes.astype(np.float64, order="C")


def _to_8_bits(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    values += 0.5
    np.clip(values, 0.0, 255.0, out=values)
    return values.astype(np.uint8)


def downsample(image: NDArray[np.uint8], rate: int, kernel: str = "bicubic") -> NDArray[np.uint8]:
    """Shrink image(s) (..., H, W, 3) by a whole rate, to (floor(H/rate), floor(W/rate)).

    At least 1 x 1; rate 1 changes nothing. Raises InputError on a rate below 1 or an unknown
    kernel.
    """
    if rate < 1:
        raise InputError(f"cannot down-sample by {rate}; a rate is a whole number from 1")
    height, width = image.shape[-3:-1]
    return resample(image, max(1, height // rate), max(1, width // rate), kernel)
