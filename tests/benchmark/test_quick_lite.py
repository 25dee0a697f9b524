"""Profile quick-lite: every method with a network learns on its trained trunk."""

from dataclasses import replace

import numpy as np
import pytest

from crossres.benchmark import load_profile
from crossres.methods.interface.conformance import example_train_set
from crossres.methods.interface.registry import method_class, method_names
from crossres.methods.interface.run import Run
from crossres.methods.shared.networks import lite0
from crossres.methods.shared.networks.imagenet_weights import recorded_weights
from crossres.methods.shared.torch_method import TorchMethod

NETWORKS = [name for name in method_names() if issubclass(method_class(name), TorchMethod)]


def test_these_are_most_methods() -> None:
    assert len(NETWORKS) >= 16


@pytest.mark.parametrize("name", NETWORKS)
def test_a_method_with_a_network_learns_on_it(name: str) -> None:
    """One step on images of half the profile's size: it runs, from the package's weights alone."""
    profile = load_profile("quick-lite")
    small = replace(profile, height=64, width=32, train={**profile.train, "iterations": 1})
    method, train = method_class(name)(small), example_train_set(small)
    with recorded_weights() as digests:
        method.fit(train, Run(seed=0))
    assert digests == {lite0.NAME: lite0.DIGEST}
    embeddings = method.embed(train.images[:3])
    assert len(embeddings) == 3
    assert np.isfinite(embeddings).all()
