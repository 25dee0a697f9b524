"""LR views: the factor of the native grid is found."""

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from crossres.methods import Run, TrainSet
from crossres.methods.interface.conformance import example_train_set, small_profile
from crossres.methods.jbim import Jbim, JbimNetwork
from crossres.methods.shared.networks.views import FACTORS, LowViews, coarsened
from crossres.methods.shared.tensors import to_tensor

SMALL = small_profile(Jbim)
CPU = torch.device("cpu")


def halves(images: NDArray[np.uint8], rate: int) -> NDArray[np.uint8]:
    """Down-sample as on a native grid of half the size: the factor here is twice the rate."""
    size = (images.shape[2], images.shape[1])
    small = (size[0] // (2 * rate), size[1] // (2 * rate))
    how = Image.Resampling.BILINEAR
    shrunk = [Image.fromarray(x).resize(small, how).resize(size, how) for x in images]
    return np.stack([np.asarray(x) for x in shrunk])


def test_lr_views_find_the_factor_of_the_native_grid() -> None:
    full = example_train_set(SMALL)
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, full.images.shape).astype(np.uint8)
    variants = {rate: halves(images[full.hr], rate) for rate in (2, 4)}
    views = LowViews((2, 4))
    views.fit(TrainSet(images, full.labels, full.camids, full.rates, variants, full.hr))
    high = to_tensor(images[full.hr], CPU)
    assert torch.equal(views(high, 2), coarsened(high, 4.0))
    assert torch.equal(views(high, 4), coarsened(high, 8.0))
    assert (views(high, 2) - to_tensor(variants[2], CPU)).abs().mean() < 0.01
    assert torch.equal(coarsened(high, 1.0), high)
    assert FACTORS[0] == 1.0


def test_without_hr_images_a_factor_is_its_rate() -> None:
    full = example_train_set(SMALL)
    none, rates = np.zeros(0, dtype=np.int64), np.zeros_like(full.rates)
    empty = dict.fromkeys((2, 3, 4), full.images[:0])
    train = TrainSet(full.images, full.labels, full.camids, rates, empty, none)
    method = Jbim(SMALL)
    method.fit(train, Run(seed=0))
    assert cast(JbimNetwork, method.network).views.factors.tolist() == [2.0, 3.0, 4.0]
    assert np.isfinite(method.embed(full.images[:2])).all()
