"""Decoding and resampling the images of a manifest to one size, on several threads, in order.

Pillow and numpy let other threads run while they work, and each image's pixels depend on nothing
else: the result is the same for any number of threads.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from crossres.datasets.base.cores import usable_cores
from crossres.datasets.resampling.integer import downsample, resample

Pixels = NDArray[np.uint8]
Decode = Callable[[Path, str], Pixels]

_SLICE = 16  # images of a thread at a time: bounds memory, and makes groups of one size worthwhile
_DECODED_BYTES = 32_000_000  # resampled before more is decoded
_MOST_JOBS = 8

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Recipe:
    """How an image becomes (height, width, 3) pixels: docs/protocols.md, "Resampling"."""

    height: int
    width: int
    kernel: str
    grid: str

    def apply(self, image: Pixels, rate: int) -> Pixels:
        """Bring images (..., H, W, 3) of one size to (..., height, width, 3) at a rate.

        Rates 0 and 1 are not down-sampled; others on the native grid or on that of the input.
        """
        if self.grid == "input" and rate > 1:
            image = self._to_input(image)
        return self._to_input(downsample(image, max(1, rate), self.kernel))

    def _to_input(self, image: Pixels) -> Pixels:
        return resample(image, self.height, self.width, "bilinear")


@dataclass(frozen=True)
class Work:
    """An image to decode, and the rates at which it is resampled."""

    path: str
    rates: tuple[int, ...]


def default_jobs() -> int:
    """Return the number of cores, or OMP_NUM_THREADS where it is set, as in workers; at most 8."""
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads.isdecimal() and int(threads) > 0:
        return min(int(threads), _MOST_JOBS)
    return min(usable_cores(), _MOST_JOBS)


def fill(
    folder: Path,
    decode: Decode,
    recipe: Recipe,
    chunks: Sequence[Sequence[Work]],
    jobs: int,
) -> Generator[list[list[Pixels]], None, None]:
    """Yield, chunk by chunk, the pixels of each image at each of its rates.

    Raises what `decode` raises, of the first image (in order) that it raises for.
    """

    def work_on(part: Sequence[Work]) -> list[list[Pixels]]:
        return _fill(folder, decode, recipe, part)

    sliced = [[chunk[at : at + _SLICE] for at in range(0, len(chunk), _SLICE)] for chunk in chunks]
    with ThreadPoolExecutor(jobs, thread_name_prefix="pixels") as pool:
        filled = _in_order(pool, work_on, (part for parts in sliced for part in parts), jobs)
        for parts in sliced:
            yield [image for part in islice(filled, len(parts)) for image in part]


def _in_order(
    pool: ThreadPoolExecutor,
    function: Callable[[_Item], _Result],
    items: Iterable[_Item],
    jobs: int,
) -> Iterator[_Result]:
    """Yield the results in the order of the items, with at most two per thread under way."""
    waiting: deque[Future[_Result]] = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) > 2 * jobs:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _fill(folder: Path, decode: Decode, recipe: Recipe, part: Sequence[Work]) -> list[list[Pixels]]:
    """Return the pixels of some images at their rates, decoding only so many at a time."""
    result: list[list[Pixels]] = []
    images: list[Pixels] = []
    for number, work in enumerate(part, start=1):
        images.append(decode(folder, work.path))
        if number == len(part) or sum(image.nbytes for image in images) > _DECODED_BYTES:
            result += _resampled(recipe, images, part[len(result) : number])
            images = []
    return result


def _resampled(recipe: Recipe, images: list[Pixels], works: Sequence[Work]) -> list[list[Pixels]]:
    """Resample images of one size and rate together, which is what makes building fast."""
    groups: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    result = [[image] * len(work.rates) for image, work in zip(images, works, strict=True)]
    for row, (image, work) in enumerate(zip(images, works, strict=True)):
        for column, rate in enumerate(work.rates):
            groups.setdefault((rate, *image.shape), []).append((row, column))
    for (rate, *_), cells in groups.items():
        stack = recipe.apply(np.stack([images[row] for row, _ in cells]), rate)
        for (row, column), pixels in zip(cells, stack, strict=True):
            result[row][column] = pixels
    return result
