"""Block descriptors of the years before networks: histograms of colours and of LBP, and HOG.

A grid of cells lies over the image; a block is a window of 2 x 2 cells, so blocks overlap by half.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from crossres.methods.interface.training_data import Images
from crossres.methods.shared.tensors import EMBED_BATCH, to_tensor

Values = NDArray[Any]
Features = NDArray[np.float32]
BINS, ORIENTATIONS, PATTERNS = 8, 9, 10  # 10 rotation invariant uniform patterns of 8 neighbours
CHROMA = 64.0  # chroma of clothes and skin rarely lies further from grey, of the 128 possible


@dataclass(frozen=True)
class Descriptor:
    """What is measured: `cells` (rows, columns) of the grid, the colour spaces, whether HOG too."""

    cells: tuple[int, ...]
    colours: tuple[str, ...] = ("rgb", "hsv", "ycbcr")
    hog: bool = True

    def __call__(self, images: Images, pixels: int) -> Features:
        """Describe images (N, H, W, 3) uint8, brought to cells of `pixels` x `pixels`.

        Returns (N, blocks, D) float32, blocks row by row. A block has length 1, and so has each of
        its histograms up to a common factor.
        """
        size = (self.cells[0] * pixels, self.cells[1] * pixels)
        return in_chunks(images, lambda chunk: self._chunk(resized(chunk, size), pixels))

    def _chunk(self, rgb: Values, pixels: int) -> Features:
        from skimage import feature

        pattern: Any = feature.local_binary_pattern
        grey = np.rint(rgb @ np.array([76.245, 149.685, 29.07])).astype(np.uint8)
        patterns = [pattern(image, 8, 1, "uniform") for image in grey]
        colours = np.concatenate([_in_space(rgb, space) for space in self.colours], axis=3)
        levels = np.clip(colours * BINS, 0, BINS - 1).astype(np.int64)
        parts = [
            block_histograms(levels, BINS, pixels),
            block_histograms(np.stack(patterns)[..., None].astype(np.int64), PATTERNS, pixels),
        ]
        if self.hog:
            cell, form = (pixels, pixels), {"channel_axis": -1, "feature_vector": False}
            hogs = [feature.hog(image, ORIENTATIONS, cell, (2, 2), **form) for image in rgb]
            parts.append(np.stack(hogs).reshape(*parts[0].shape[:2], -1))
        histograms = 3 * len(self.colours) + 1 + self.hog
        return np.concatenate(parts, axis=2).astype(np.float32) / np.float32(np.sqrt(histograms))


def in_chunks(images: Images, apply: Callable[[Images], Values]) -> Values:
    """Join the rows of `apply` on at most EMBED_BATCH images at a time; called once for none."""
    starts = range(0, max(len(images), 1), EMBED_BATCH)
    return np.concatenate([apply(images[start : start + EMBED_BATCH]) for start in starts])


def resized(images: Images, size: tuple[int, int]) -> Values:
    """Resize (N, H, W, 3) uint8, antialiased, to (N, *size, 3) float32 in [0, 1]."""
    small = F.interpolate(
        to_tensor(images, torch.device("cpu")), size, mode="bilinear", antialias=True
    )
    return np.ascontiguousarray(small.permute(0, 2, 3, 1).numpy())


def block_histograms(levels: NDArray[np.int64], bins: int, pixels: int) -> Values:
    """Return histograms (N, blocks, C * bins) of length 1 of levels (N, H, W, C) below `bins`.

    Square roots of shares, so that the Euclidean distance is Hellinger's.
    """
    count, height, width, channels = levels.shape
    rows, columns = height // pixels, width // pixels
    cell = (np.arange(height) // pixels)[:, None] * columns + np.arange(width) // pixels
    cell_index = np.arange(count)[:, None, None] * rows * columns + cell
    slots = (cell_index[..., None] * channels + np.arange(channels)) * bins + levels
    counts = np.bincount(slots.ravel(), minlength=count * rows * columns * channels * bins)
    cells = counts.reshape(count, rows, columns, channels * bins)
    tall = cells[:, 1:] + cells[:, :-1]
    blocks = tall[:, :, 1:] + tall[:, :, :-1]
    shares = blocks / (4 * pixels**2)
    return np.asarray(np.sqrt(shares).reshape(count, -1, channels * bins))


def _in_space(rgb: Values, space: str) -> Values:
    """Convert to a colour space, (N, H, W, 3), on a scale from 0 to 1 that chroma may leave."""
    from skimage.color import rgb2hsv, rgb2lab, rgb2ycbcr

    wide, grey = 2 * CHROMA, np.array([0, CHROMA, CHROMA])
    if space == "hsv":
        rgb = rgb2hsv(rgb)
    elif space == "ycbcr":
        rgb = (rgb2ycbcr(rgb) - [0, 128, 128] + grey) / [255, wide, wide]
    elif space == "lab":
        rgb = (rgb2lab(rgb) + grey) / [100, wide, wide]
    return rgb
