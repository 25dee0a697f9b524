"""The kernels that alias equal OpenCV's plain path: digests of its own output are stored here."""

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossres.datasets.resampling.integer import downsample, resample
from crossres.datasets.resampling.opencv import ALIASING_VERSIONS

KERNELS = sorted(ALIASING_VERSIONS)


def hashed_noise(height, width, hard=False):
    """Noise that no version of numpy changes; `hard` has black and white only."""
    content = hashlib.shake_128(b"crossres").digest(height * width * 3)
    noise = np.frombuffer(content, np.uint8).reshape(height, width, 3)
    return ((noise > 127) * 255).astype(np.uint8) if hard else noise


def outputs(kernel):
    """What OPENCV is the digest of. The last sizes are so narrow that OpenCV has no short cut."""
    wide = [(64, 24), (42, 16), (32, 12), (21, 8), (16, 6), (256, 128), (128, 20)]
    sizes = wide if kernel == "cv2_linear_noaa" else [(64, 2), (31, 2), (200, 2), (5, 1)]
    for hard in (False, True):
        for width in (48, 7, 1):
            for size in sizes:
                yield hashed_noise(128, width, hard), size


# From cv2.resize of OpenCV 4.11.0 and 5.0.0, cv2.setUseOptimized(False), cv2.ipp.setUseIPP(False).
OPENCV = {
    "cv2_linear_noaa": "4d42f0d16a73780c",
    "cv2_cubic_noaa": "7bb16edfebe0130a",
}


@pytest.mark.parametrize("kernel", KERNELS)
def test_equal_to_opencv(kernel):
    sha = hashlib.sha256()
    for image, size in outputs(kernel):
        sha.update(resample(image, *size, kernel).tobytes())
    assert sha.hexdigest()[:16] == OPENCV[kernel]


def test_equal_to_stored_digests():
    """At the sizes in use; a change needs other kernel versions."""
    digests = {}
    for kernel in KERNELS:
        small = [downsample(hashed_noise(131, 61), rate, kernel) for rate in (2, 3, 4, 6, 8)]
        sha = hashlib.sha256(b"".join(image.tobytes() for image in small))
        digests[ALIASING_VERSIONS[kernel]] = sha.hexdigest()[:16]
    assert digests == GOLDEN


GOLDEN = {"mlr-cv2-cubic-1": "d9d4d36c67596d9a", "mlr-cv2-linear-1": "11cda95d9c9b7efd"}


def weight(kernel, x):
    """The kernels on paper."""
    x, a = abs(x), -0.75
    if kernel == "cv2_linear_noaa":
        return max(0.0, 1 - x)
    if x < 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0


def matrix(kernel, before, after):
    """One pass in real numbers, the border repeated."""
    result = np.zeros((after, before))
    for row in range(after):
        centre = (row + 0.5) * before / after - 0.5
        for x in range(math.floor(centre) - 1, math.floor(centre) + 3):
            result[row, min(max(x, 0), before - 1)] += weight(kernel, x - centre)
    return result


@pytest.mark.parametrize("kernel", KERNELS)
@settings(deadline=None, max_examples=60)
@given(st.tuples(*[st.integers(1, 60)] * 4))
def test_within_one_level_of_the_real_numbers(kernel, sizes):
    """11 bits of coefficient: half a level by rounding, and less than one by the coefficients."""
    image = hashed_noise(sizes[0], sizes[1])
    down, across = matrix(kernel, sizes[0], sizes[2]), matrix(kernel, sizes[1], sizes[3])
    exact = np.einsum("ab,bcd,ec->aed", down, image.astype(float), across).clip(0, 255)
    assert np.abs(resample(image, sizes[2], sizes[3], kernel) - exact).max() <= 1.5


@pytest.mark.parametrize("kernel", KERNELS)
@given(level=st.integers(0, 255), sizes=st.tuples(*[st.integers(1, 40)] * 4))
@settings(deadline=None, max_examples=25)
def test_a_constant_image_stays_constant_to_one_level(kernel, level, sizes):
    """OpenCV does not make the coefficients sum to one, and cuts low bits off."""
    image = np.full((sizes[0], sizes[1], 3), level, np.uint8)
    result = resample(image, sizes[2], sizes[3], kernel).astype(int)
    assert np.abs(result - level).max() <= 1


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_same_size_is_the_identity(kernel):
    image = hashed_noise(31, 17)
    assert np.array_equal(downsample(image, 1, kernel), image)


def test_linear_by_two_is_the_mean_of_four_rounded_half_up():
    image = hashed_noise(40, 20).astype(int)
    total = image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2]
    small = downsample(image.astype(np.uint8), 2, "cv2_linear_noaa")
    assert np.array_equal(small, (total + 2) // 4)


@pytest.mark.parametrize("kernel", KERNELS)
def test_they_alias(kernel):
    """Stripes of three pixels: by 3 only every third counts, so they become flat black or white."""
    stripes = np.zeros((30, 30, 3), np.uint8)
    stripes[:, 1::3] = 255
    assert (downsample(stripes, 3, kernel) == 255).all()
    assert downsample(stripes, 3, "box").max() == 85


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_stack_is_resampled_image_by_image(kernel):
    images = np.stack([hashed_noise(300, 90)[top : top + 200] for top in range(40)])
    together = downsample(images, 3, kernel)
    assert together.shape == (40, 66, 30, 3)
    for image, alone in zip(together, images, strict=True):
        assert np.array_equal(image, downsample(alone, 3, kernel))
