"""The control, and several of it side by side."""

import numpy as np
import pytest

from crossres.datasets.base.errors import InputError
from crossres.methods import Run
from crossres.methods.interface.conformance import (
    SMALL,
    check_method,
    example_images,
    example_train_set,
)
from crossres.methods.plain import Plain


def fitted(**options: int) -> Plain:
    method = Plain(SMALL, **options)
    method.fit(example_train_set(SMALL), Run(seed=0))
    return method


def test_three_networks_conform() -> None:
    assert "determinism" in check_method("plain", networks=3)


def test_the_first_of_three_is_the_one_alone_and_the_others_differ() -> None:
    images = example_images(5, SMALL, "test")
    single, three = fitted().embed(images), fitted(networks=3).embed(images)
    size = single.shape[1]
    assert three.shape == (5, 3 * size)
    assert np.allclose(three[:, :size], single, atol=1e-6)
    assert not np.allclose(three[:, size : 2 * size], single, atol=1e-2)
    assert three[:, size:].std() > 0
    assert fitted(networks=3).parameter_count() == 3 * fitted().parameter_count()


def test_no_network_is_refused() -> None:
    with pytest.raises(InputError, match="networks must be at least 1"):
        Plain(SMALL, networks=0)
