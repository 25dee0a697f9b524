"""BoT against numpy, option by option."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from crossres.methods import Profile, Run
from crossres.methods.bot import Bot, BotNetwork, learning_rate
from crossres.methods.interface.conformance import SMALL, example_images, example_train_set
from crossres.methods.shared.tensors import MEAN, STD, to_tensor
from crossres.methods.shared.torch_tools import trainable_count
from crossres.methods.shared.training.loop import Iteration
from tests.methods.oracles import array, cross_entropy, first_batch

CPU = torch.device("cpu")


Array = NDArray[np.float64]


def bot(**options: Any) -> tuple[BotNetwork, Iteration]:
    method = Bot(SMALL, **{"crop": 2, **options})
    network = method.build(4, Run(seed=0), pretrained=False).train()
    return network, first_batch(SMALL, method.options)


def hardest_triplets(features: Array, labels: Array, margin: float) -> float:
    total = 0.0
    for anchor, label in zip(features, labels, strict=True):
        distances = np.linalg.norm(features - anchor, axis=1)
        gap = distances[labels == label].max() - distances[labels != label].min()
        total += max(gap + margin, 0.0)
    return total / len(labels)


def test_bot_sees_cropped_images_with_rectangles_of_the_mean_colour() -> None:
    _, now = bot(erase=1.0)
    _, unerased = bot(erase=0.0)
    pixels = unerased.batch.images().transpose(0, 3, 1, 2) / 255.0
    mean, std = (np.array(values).reshape(1, 3, 1, 1) for values in (MEAN, STD))
    normalised, inputs = (pixels - mean) / std, array(now.inputs(CPU))
    hidden = (inputs == 0.0).all(1, keepdims=True)
    assert hidden.any((1, 2, 3)).all()
    assert np.allclose(inputs, np.where(hidden, 0.0, normalised), atol=1e-5)
    assert np.allclose(array(unerased.inputs(CPU)), normalised, atol=1e-5)


def test_bot_warms_up_over_ten_of_120_epochs_and_drops_at_40_and_70() -> None:
    options = Bot(Profile("p", 256, 128)).options
    now = first_batch(SMALL, options)
    rates = [learning_rate(replace(now, step=epoch, total=120), options) for epoch in range(120)]
    expected = [3.5e-5 * t if t <= 10 else 3.5e-4 if t <= 40 else 3.5e-5 for t in range(1, 71)]
    assert rates == pytest.approx(expected + [3.5e-6] * 50)


@pytest.mark.parametrize("options", [{}, {"part_head": "none"}, {"centre_weight": 0.0}])
def test_bot_equation_6_adds_its_three_losses(options: dict[str, Any]) -> None:
    network, now = bot(**options)
    inputs, labels = now.inputs(CPU), now.labels(CPU)
    features, logits = network.reid(inputs)
    before, y = array(features[0]), labels.numpy()
    expected = cross_entropy(array(logits[0]), y, 0.1) + hardest_triplets(before, y, 0.3)
    if network.centres is not None:
        away = before - array(network.centres.centres)[y]
        expected += 5e-4 * float((away**2).sum(1).mean())
    assert (network.centres is None) == ("centre_weight" in options)
    assert network.loss(inputs, labels).item() == pytest.approx(expected, rel=1e-5)


def test_bnneck_has_no_shift_and_classifies_without_bias() -> None:
    network, now = bot()
    features, logits = network.reid(now.inputs(CPU))
    before = array(features[0])
    after = (before - before.mean(0)) / np.sqrt(before.var(0) + 1e-5)
    assert np.allclose(array(logits[0]), after @ array(network.reid.weight[0]), atol=1e-6)
    assert 0.0008 < array(network.reid.weight).std() < 0.0012
    method = Bot(SMALL, crop=2, reid_lr=0.1)
    method.fit(example_train_set(SMALL), Run(seed=0))
    learned = method.arrays()
    assert not learned["reid.norm.bias"].any()
    assert not learned["reid.bias"].any()
    assert (learned["reid.norm.weight"] != 1.0).all()
    frozen = learned["reid.norm.bias"].size + learned["reid.bias"].size
    assert method.network is not None
    everything = sum(p.numel() for p in method.network.parameters())
    assert trainable_count(method.network) == everything - frozen


def test_bot_compares_what_comes_after_or_before_its_neck_by_cosine_or_distance() -> None:
    images = to_tensor(example_images(3, SMALL, "test"), CPU)
    norms = {}
    for feature in ("after", "before"):
        for how in ("whole", "none"):
            network, now = bot(test_feature=feature, test_normalise=how)
            network.reid(now.inputs(CPU))
            norms[feature, how] = array(network.eval().features(images))
    norm = network.reid.norm
    mean, var = array(norm.running_mean), array(norm.running_var)  # type: ignore[arg-type]
    before, after = norms["before", "none"], norms["after", "none"]
    assert np.allclose(after, (before - mean) / np.sqrt(var + 1e-5), atol=1e-4)
    for name, raw in (("before", before), ("after", after)):
        unit = raw / np.linalg.norm(raw, axis=1, keepdims=True)
        assert np.allclose(norms[name, "whole"], unit, atol=1e-4)
