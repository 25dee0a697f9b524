"""Images to tensors and back, and their augmentation."""

import numpy as np
import pytest
import torch

from crossres.methods.interface.conformance import SMALL, example_images, example_train_set
from crossres.methods.shared.tensors import (
    Augmented,
    denormalise,
    erasing_mask,
    in_batches,
    normalise,
    to_images,
    to_tensor,
)

CPU = torch.device("cpu")


def test_tensors_are_channels_last_and_come_back_to_the_last_bit() -> None:
    images = example_images(3, SMALL, "x")
    images.setflags(write=False)
    tensor = to_tensor(images, CPU)
    assert tensor.is_contiguous(memory_format=torch.channels_last)
    assert np.allclose(tensor.numpy(), images.transpose(0, 3, 1, 2) / 255.0)
    assert np.array_equal(to_images(tensor), images)
    assert torch.allclose(denormalise(normalise(tensor)), tensor, atol=1e-6)
    assert to_images(torch.tensor([-1.0, 0.5, 2.0]).view(1, 3, 1, 1)).tolist() == [
        [[[0, 128, 255]]]
    ]


def test_in_batches_joins_runs_of_any_length() -> None:
    for count in (0, 1, 64, 65, 130):
        images = np.arange(count, dtype=np.uint8).reshape(-1, 1, 1, 1).repeat(3, 3)
        joined = in_batches(images, lambda batch: to_tensor(batch, CPU)[:, 0, 0, 0] * 255)
        assert joined.tolist() == pytest.approx(list(range(count)))


@pytest.mark.parametrize("crop", [0, 2])
def test_an_image_and_its_variants_are_changed_alike(crop: int) -> None:
    train = example_train_set(SMALL)
    plain = train.images.copy()
    for rate in train.variants:
        train.variants[rate][:] = train.images[train.hr]
    indices = np.array([0, 1, 2, 4, 5, 0, 1, 4], dtype=np.int64)
    batch = Augmented(train, indices, 0.5, crop, np.random.default_rng(1))
    images, versions = batch.images(), batch.versions((4, 3, 2, 1))
    assert 0 < batch.mirrored.sum() < len(indices)
    for version in versions:
        assert np.array_equal(version, images[batch.hr])
    assert np.array_equal(train.images, plain)


def test_flip_mirrors_columns() -> None:
    train = example_train_set(SMALL)
    batch = Augmented(train, np.arange(3), 1.0, 0, np.random.default_rng(0))
    assert np.array_equal(batch.images(), train.images[:3, :, ::-1])


def test_crop_moves_the_image_and_fills_with_black() -> None:
    train = example_train_set(SMALL)
    batch = Augmented(train, np.array([0]), 0.0, 2, np.random.default_rng(0))
    batch.offsets = np.array([[0, 4]])
    moved = batch.images()[0]
    assert not moved[:2].any()
    assert not moved[:, -2:].any()
    assert np.array_equal(moved[2:, :-2], train.images[0][:-2, 2:])


def test_erasing_hides_one_rectangle_of_an_image() -> None:
    masks = erasing_mask((200, 32, 16), 0.5, np.random.default_rng(0))
    share = 1.0 - masks.mean((1, 2, 3))
    hidden = share[share > 0]
    assert 60 < len(hidden) < 140
    assert hidden.min() > 0.0
    assert hidden.max() < 0.5
    for mask in masks[share > 0][:20, 0]:
        rows, columns = np.flatnonzero((mask == 0).any(1)), np.flatnonzero((mask == 0).any(0))
        assert not mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].any()
