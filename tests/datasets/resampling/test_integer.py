"""The resampler equals Pillow up to 12 to the last bit, and stored arrays with any Pillow."""

import hashlib

import numpy as np
import PIL
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from crossres.datasets import InputError
from crossres.datasets.resampling.integer import KERNEL_VERSIONS, downsample, resample

PILLOW = {
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
needs_pillow_12 = pytest.mark.skipif(
    int(PIL.__version__.split(".")[0]) > 12, reason="Pillow 13 swaps the passes of tall images"
)
SIZES = [(128, 48), (128, 64), (72, 17), (39, 17), (7, 5), (1, 1), (160, 60)]


def noise(height, width, seed=0, hard=False):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 2 if hard else 256, (height, width, 3))
    return (pixels * 255 if hard else pixels).astype(np.uint8)


def hashed_noise(height, width):
    """Noise that no version of numpy changes."""
    content = hashlib.shake_128(b"crossres").digest(height * width * 3)
    return np.frombuffer(content, np.uint8).reshape(height, width, 3)


def by_pillow(image, height, width, kernel):
    return np.asarray(Image.fromarray(image).resize((width, height), PILLOW[kernel]))


@needs_pillow_12
@pytest.mark.parametrize("kernel", sorted(PILLOW))
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("hard", [False, True])
def test_equal_to_pillow(size, kernel, hard):
    image = noise(*size, hard=hard)
    height, width = size
    targets = [(64, 32), (256, 128), (129, 65), (1, 1), size, (height, 9), (11, width)]
    targets += [(max(1, height // rate), max(1, width // rate)) for rate in (2, 3, 4, 8)]
    for target in targets:
        expected = by_pillow(image, *target, kernel)
        assert np.array_equal(resample(image, *target, kernel), expected), target


@needs_pillow_12
@settings(deadline=None, max_examples=150)
@given(st.tuples(*[st.integers(1, 60)] * 4), st.sampled_from(sorted(PILLOW)), st.integers(0, 2**32))
def test_equal_to_pillow_at_any_size(sizes, kernel, seed):
    image = noise(sizes[0], sizes[1], seed)
    expected = by_pillow(image, sizes[2], sizes[3], kernel)
    assert np.array_equal(resample(image, sizes[2], sizes[3], kernel), expected)


def test_equal_to_stored_digests():
    """Holds whatever Pillow is installed; a change needs other kernel versions."""
    digests, image = {}, hashed_noise(61, 23)
    for kernel in PILLOW:
        outputs = [resample(image, *size, kernel) for size in [(30, 11), (64, 32), (5, 99)]]
        sha = hashlib.sha256(b"".join(output.tobytes() for output in outputs))
        digests[KERNEL_VERSIONS[kernel]] = sha.hexdigest()[:16]
    assert digests == GOLDEN


GOLDEN = {
    "mlr-bicubic-1": "48ad1991844106d5",
    "mlr-bilinear-1": "524f9c9ec1bfcb65",
    "mlr-box-1": "d9dbb5264a32a07b",
    "mlr-lanczos-1": "3072aa0efca1931a",
}


def test_tall_images_down_sampled_equal_stored_digests():
    """Where Pillow 13 gives other pixels."""
    digests = {}
    for kernel in PILLOW:
        small = [downsample(hashed_noise(128, 48), rate, kernel) for rate in (2, 3, 4, 6, 8)]
        sha = hashlib.sha256(b"".join(image.tobytes() for image in small))
        digests[KERNEL_VERSIONS[kernel]] = sha.hexdigest()[:16]
    assert digests == GOLDEN_TALL


# These are also the digests of what Pillow 9.5 and 12.3 make of it.
GOLDEN_TALL = {
    "mlr-bicubic-1": "cd3050bdc3d59fff",
    "mlr-bilinear-1": "c7b871886631c86e",
    "mlr-box-1": "c4ce6c4da5598d28",
    "mlr-lanczos-1": "5a0fba9c800d04db",
}


def test_a_hand_made_box():
    """Block means, rounded half up after each pass."""
    image = np.zeros((2, 4, 3), np.uint8)
    image[..., 0] = [[1, 2, 10, 20], [3, 3, 30, 41]]
    # rows: (1+2)/2 -> 2, 15; 3, 35.5 -> 36; columns: (2+3)/2 -> 3, (15+36)/2 = 25.5 -> 26
    assert resample(image, 1, 2, "box")[0, :, 0].tolist() == [3, 26]


@pytest.mark.parametrize("kernel", sorted(PILLOW))
@given(level=st.integers(0, 255), sizes=st.tuples(*[st.integers(1, 40)] * 4))
@settings(deadline=None, max_examples=25)
def test_a_constant_image_stays_constant(kernel, level, sizes):
    image = np.full((sizes[0], sizes[1], 3), level, np.uint8)
    assert (resample(image, sizes[2], sizes[3], kernel) == level).all()


@pytest.mark.parametrize("kernel", sorted(PILLOW))
def test_the_same_size_is_the_identity(kernel):
    image = noise(31, 17)
    assert np.array_equal(resample(image, 31, 17, kernel), image)


def test_a_stack_is_resampled_image_by_image():
    images = np.stack([noise(50, 20, seed) for seed in range(30)]).reshape(5, 6, 50, 20, 3)
    together = resample(images, 16, 8, "bilinear")
    assert together.shape == (5, 6, 16, 8, 3)
    assert together.dtype == np.uint8
    for row in range(5):
        for column in range(6):
            alone = resample(images[row, column], 16, 8, "bilinear")
            assert np.array_equal(together[row, column], alone)


def test_a_view_is_resampled_like_its_copy():
    image = noise(40, 40)
    view = image[::2, ::-1]
    assert np.array_equal(resample(view, 9, 9), resample(view.copy(), 9, 9))
    assert resample(np.zeros((0, 8, 8, 3), np.uint8), 4, 4).shape == (0, 4, 4, 3)


@pytest.mark.parametrize(
    ("size", "rate", "expected"),
    [
        ((128, 48), 4, (32, 12)),
        ((128, 64), 3, (42, 21)),
        ((128, 64), 1, (128, 64)),
        ((39, 17), 2, (19, 8)),
        ((3, 3), 4, (1, 1)),
        ((3, 9), 4, (1, 2)),
    ],
)
def test_down_sampling_floors_the_size(size, rate, expected):
    image = noise(*size)
    small = downsample(image, rate)
    assert small.shape[:2] == expected
    assert np.array_equal(small, resample(image, *expected, "bicubic"))


def test_what_cannot_be_resampled_is_refused():
    with pytest.raises(
        InputError, match="unknown kernel 'cubic' \\(did you mean 'bicubic'\\?\\); known are box, "
    ):
        resample(noise(4, 4), 2, 2, "cubic")
    with pytest.raises(InputError, match="the least size is 1 x 1"):
        resample(noise(4, 4), 0, 2)
    with pytest.raises(InputError, match="cannot down-sample by 0"):
        downsample(noise(4, 4), 0)


@pytest.mark.parametrize("kernel", sorted(KERNEL_VERSIONS))
@pytest.mark.parametrize("rate", [1, 2, 3, 4, 6, 8])
def test_every_kernel_gives_the_floored_size(kernel, rate):
    for height, width in [(128, 48), (39, 17), (7, 300), (1, 1)]:
        small = downsample(noise(height, width), rate, kernel)
        assert small.shape == (max(1, height // rate), max(1, width // rate), 3)
        assert small.dtype == np.uint8


@pytest.mark.parametrize("rate", [2, 3, 4, 6, 8])
def test_a_box_of_a_divisible_size_is_the_mean_of_blocks_rounded_after_each_pass(rate):
    image = noise(rate * 5, rate * 7).astype(int)
    rows = image.reshape(rate * 5, 7, rate, 3).sum(axis=2)
    rows = (2 * rows + rate) // (2 * rate)  # half up
    blocks = rows.reshape(5, rate, 7, 3).sum(axis=1)
    expected = (2 * blocks + rate) // (2 * rate)
    assert np.array_equal(downsample(image.astype(np.uint8), rate, "box"), expected)
