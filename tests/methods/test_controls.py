"""PCB and BoT alike: conformance, wrong options, the size of the papers, and that they learn."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from crossres.datasets import InputError
from crossres.methods import Method, Profile, Run, TrainSet, check_method
from crossres.methods.bot import Bot
from crossres.methods.interface.conformance import SMALL, example_images, example_train_set
from crossres.methods.interface.registry import method_class
from crossres.methods.pcb import Pcb

Array = NDArray[np.float64]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("pcb", {"test_feature": "h", "triplet": True, "erase": 0.5, "part_width": 8}),
        ("pcb", {"part_head": "none", "optimiser": "adamw", "reid_warmup": 0.5, "parts": 2}),
        ("bot", {"centre_weight": 0.0, "test_feature": "before", "test_normalise": "none"}),
        ("bot", {"part_head": "none", "erase": 0.0, "crop": 0, "parts": 2}),
    ],
)
def test_their_options_pass_the_conformance_test(name: str, options: dict[str, Any]) -> None:
    assert check_method(name, **options)[-1] == "save and load"


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        (Pcb, {"trunk_rate": 0.0}, "trunk_rate must be positive"),
        (Pcb, {"test_feature": "f"}, "test_feature must be one of 'g', 'h'"),
        (Bot, {"lr_drop_again_at": 1.5}, "lr_drop_again_at must lie between 0 and 1"),
        (Bot, {"centre_weight": -1.0}, "centre_weight must not be negative"),
        (Bot, {"centre_lr": 0.0}, "centre_lr must be positive"),
    ],
)
def test_wrong_options_are_refused(
    method: type[Method], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        method(SMALL, **options)


@pytest.mark.parametrize(("name", "size"), [("pcb", 6 * 2048), ("bot", 2048)])
def test_two_steps_at_the_size_of_the_papers(name: str, size: int) -> None:
    backbone = {"name": "resnet50", "weights": "none", "last_stride": 1}
    train = {"iterations": 2, "identities": 2, "hr_images": 1, "lr_images": 1}
    profile = Profile("p", 256, 128, backbone=backbone, train=train)
    method = method_class(name)(profile)
    method.fit(example_train_set(profile, identities=3), Run(seed=0))
    embeddings = method.embed(example_images(2, profile, "test"))
    assert embeddings.shape == (2, size)
    assert np.isfinite(embeddings).all()


IDENTITIES, EACH = 8, 8


def faint_patterns(seed: int) -> TrainSet:
    """Draw a faint pattern of blocks an identity, under colours that change with the image."""
    patterns = np.random.default_rng(0).choice([-25.0, 25.0], (IDENTITIES, 8, 4, 3))
    generator = np.random.default_rng([1, seed])
    labels = np.repeat(np.arange(IDENTITIES), EACH)
    colours = generator.uniform(60.0, 195.0, (len(labels), 2, 1, 3))
    images = patterns[labels].repeat(4, 1).repeat(4, 2) + colours.repeat(16, 1)
    images += generator.normal(0.0, 8.0, images.shape)
    rates = np.tile(np.array([1, 2]), len(labels) // 2)
    pixels = np.clip(images, 0, 255).astype(np.uint8)
    return TrainSet(pixels, labels, rates % 2, rates, {}, np.flatnonzero(rates == 1))


def rank1(method: Method, query: TrainSet, gallery: TrainSet) -> float:
    distances = method.distances(method.embed(query.images), method.embed(gallery.images))
    nearest: Array = gallery.labels[distances.argmin(1)] == query.labels
    return float(nearest.mean())


@pytest.mark.parametrize("method", [Pcb, Bot])
def test_they_learn_what_a_fresh_network_does_not_see(method: type[Method]) -> None:
    train, query, gallery = (faint_patterns(seed) for seed in range(3))
    options = {"parts": 2, "reid_lr": 3e-3, "optimiser": "adam", "lr_drop_at": 1.0}
    options |= {"trunk_rate": 1.0} if method is Pcb else {"lr_drop_again_at": 1.0, "crop": 0}
    fresh = method(SMALL, **{**options, "reid_lr": 1e-9})
    trained = method(replace(SMALL, train={**SMALL.train, "iterations": 80}), **options)
    for learner in (fresh, trained):
        learner.fit(train, Run(seed=0))
    assert rank1(trained, query, gallery) > 2 * rank1(fresh, query, gallery)
