"""Training sets whose columns disagree are refused."""

import numpy as np
import pytest

from crossres.datasets import InputError
from crossres.methods.interface.training_data import TrainSet


def test_training_sets_that_disagree_are_refused() -> None:
    images = np.zeros((3, 4, 2, 3), dtype=np.uint8)
    labels, rates = np.array([0, 1, 1]), np.array([1, 1, 3])
    hr = np.array([0, 1])
    TrainSet(images, labels, labels, rates, {2: images[:2]}, hr)
    with pytest.raises(InputError, match=r"\(N, H, W, 3\) uint8"):
        TrainSet(images.astype(np.float32), labels, labels, rates, {}, hr)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="one entry per training image"):
        TrainSet(images, labels[:2], labels, rates, {}, hr)
    with pytest.raises(InputError, match=r"labels must be 0\.\.C-1"):
        TrainSet(images, labels + 1, labels, rates, {}, hr)
    with pytest.raises(InputError, match="hr must be"):
        TrainSet(images, labels, labels, rates, {}, hr[:1])
    with pytest.raises(InputError, match="variant 1/2"):
        TrainSet(images, labels, labels, rates, {2: images}, hr)
