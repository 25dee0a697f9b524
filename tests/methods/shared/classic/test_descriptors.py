"""Block descriptors against their definitions."""

import numpy as np

from crossres.methods.interface.conformance import SMALL, example_images
from crossres.methods.shared.classic.descriptors import Descriptor, block_histograms


def test_block_histograms_are_roots_of_shares_over_windows_of_four_cells() -> None:
    levels = np.random.default_rng(0).integers(0, 5, (2, 9, 6, 2))
    histograms = block_histograms(levels, 5, 3)
    assert histograms.shape == (2, 2 * 1, 2 * 5)
    for image in range(2):
        for block in range(2):
            window = levels[image, 3 * block : 3 * block + 6, :6]
            shares = [np.bincount(window[..., c].ravel(), minlength=5) / 36 for c in range(2)]
            assert np.allclose(histograms[image, block], np.sqrt(np.concatenate(shares)))


def test_descriptors_have_a_length_of_one_a_block_and_see_colour() -> None:
    images = example_images(3, SMALL, "test")
    for colours, hog, size in (
        (("rgb", "hsv", "ycbcr"), True, 9 * 8 + 10 + 36),
        (("hsv", "lab"), False, 6 * 8 + 10),
    ):
        blocks = Descriptor((4, 2), colours, hog)(images, 6)
        assert blocks.shape == (3, 3, size)
        assert blocks.dtype == np.float32
        assert np.allclose(np.square(blocks).sum(2), 1, atol=0.06), "HOG's own norm is near 1"
    red, blue = np.zeros((2, 1, 32, 16, 3), dtype=np.uint8)
    red[..., 0], blue[..., 2] = 200, 200
    assert np.linalg.norm(Descriptor((4, 2))(red, 4) - Descriptor((4, 2))(blue, 4)) > 1
