"""The two strong controls against numpy, option by option, and that they learn."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from crossres.datasets import InputError
from crossres.methods import Method, Profile, Run, TrainSet, check_method
from crossres.methods.bot import Bot, BotNetwork
from crossres.methods.interface.conformance import SMALL, example_images, example_train_set
from crossres.methods.interface.registry import method_class
from crossres.methods.pcb import Pcb, PcbNetwork
from crossres.methods.plain import Plain
from crossres.methods.shared.losses.centre import Centres, centre_optimiser
from crossres.methods.shared.reid_options import ReidOptions
from crossres.methods.shared.tensors import MEAN, STD, to_tensor
from crossres.methods.shared.torch_tools import trainable_count
from crossres.methods.shared.training.loop import Iteration, iterations

CPU = torch.device("cpu")
FEW = {"iterations": 1, "identities": 3, "hr_images": 2, "lr_images": 2}
Array = NDArray[np.float64]


def batch_of(options: ReidOptions) -> Iteration:
    return next(iterations(example_train_set(SMALL), FEW, options, Run(seed=0)))


def pcb(**options: Any) -> tuple[PcbNetwork, Iteration]:
    method = Pcb(SMALL, **options)
    return method.build(4, Run(seed=0), pretrained=False).train(), batch_of(method.options)


def bot(**options: Any) -> tuple[BotNetwork, Iteration]:
    method = Bot(SMALL, **{"crop": 2, **options})
    return method.build(4, Run(seed=0), pretrained=False).train(), batch_of(method.options)


def array(tensor: torch.Tensor) -> Array:
    return tensor.detach().numpy().astype(np.float64)


def cross_entropy(logits: Array, labels: Array, smoothing: float) -> float:
    """The mean over images of - sum_c q_c log p_c, with section 2.4's q; logits (B, C)."""
    classes = logits.shape[1]
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    q = np.full(logits.shape, smoothing / classes)
    q[np.arange(len(labels)), labels] = 1 - (classes - 1) / classes * smoothing
    return float(-(q * log_p).sum(1).mean())


def hardest_triplets(features: Array, labels: Array, margin: float) -> float:
    total = 0.0
    for anchor, label in zip(features, labels, strict=True):
        distances = np.linalg.norm(features - anchor, axis=1)
        gap = distances[labels == label].max() - distances[labels != label].min()
        total += max(gap + margin, 0.0)
    return total / len(labels)


def test_pcb_sums_a_softmax_cross_entropy_over_its_parts() -> None:
    network, now = pcb()
    inputs, labels = now.inputs(CPU), now.labels(CPU)
    _, logits = network.reid(inputs)
    assert logits.shape == (6, 12, 4)
    expected = sum(cross_entropy(array(part), labels.numpy(), 0.0) for part in logits)
    assert network.loss(inputs, labels).item() == pytest.approx(expected, rel=1e-5)


def test_pcb_joins_the_pooled_or_the_reduced_parts() -> None:
    images = to_tensor(example_images(3, SMALL, "test"), CPU)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    for feature, size in (("g", 32), ("h", 5)):
        network, _ = pcb(test_feature=feature, part_width=5, parts=4, test_normalise="none")
        maps = array(network.eval().reid.trunk((images - mean) / std))
        parts = [maps[:, :, 2 * k : 2 * k + 2].mean((2, 3)) for k in range(4)]
        if feature == "h":
            each = zip(parts, network.reid.reduce, strict=True)
            parts = [np.maximum(g @ array(w) / np.sqrt(1 + 1e-5), 0) for g, w in each]
        embedding = array(network.features(images))
        assert embedding.shape == (3, 4 * size)
        assert np.allclose(embedding, np.concatenate(parts, 1), atol=1e-5)


def test_pcb_trains_its_trunk_at_a_tenth_of_the_rate_of_the_new_layers() -> None:
    network, now = pcb()
    network.loss(now.inputs(CPU), now.labels(CPU)).backward()  # type: ignore[no-untyped-call]
    method = Pcb(replace(SMALL, train=FEW))
    method.fit(example_train_set(SMALL), Run(seed=0))
    assert method.network is not None
    after = dict(method.network.named_parameters())
    for name, start in network.named_parameters():
        rate = 0.01 if name.startswith("reid.trunk.") else 0.1
        assert start.grad is not None
        expected = array(start) - rate * (array(start.grad) + 5e-4 * array(start))
        assert np.allclose(array(after[name]), expected, atol=1e-5), name


def test_pcb_with_the_options_of_plain_is_plain_to_the_last_bit() -> None:
    options = {"parts": 4, "part_head": "none", "label_smoothing": 0.1, "triplet": True}
    options |= {"optimiser": "adam", "reid_lr": 3e-4, "trunk_rate": 1.0, "lr_drop_at": 0.5}
    images = example_images(5, SMALL, "test")
    embeddings = []
    for method in (Plain(SMALL), Pcb(SMALL, **options)):
        method.fit(example_train_set(SMALL), Run(seed=1))
        embeddings.append(method.embed(images))
    assert np.array_equal(*embeddings)


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
    now = batch_of(options)
    rates = [options.rate(replace(now, step=epoch, total=120)) for epoch in range(120)]
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


def test_centres_descend_on_the_centre_loss_whatever_its_weight() -> None:
    generator = np.random.default_rng(0)
    features, labels = generator.normal(size=(6, 3)), np.array([0, 0, 0, 2, 2, 1])
    for weight in (5e-4, 2.0):
        torch.manual_seed(0)
        centres = Centres(4, 3).double()
        start = array(centres.centres).copy()
        tensor = torch.from_numpy(features).requires_grad_()
        loss = centres(tensor, torch.from_numpy(labels))
        (weight * loss).backward()  # type: ignore[no-untyped-call]
        centre_optimiser(centres, 0.5, weight).step()
        away = features - start[labels]
        assert loss.item() == pytest.approx((away**2).sum() / 6)
        assert tensor.grad is not None
        assert np.allclose(array(tensor.grad), weight * 2 * away / 6)
        moved = start.copy()
        for image, label in enumerate(labels):
            moved[label] += 0.5 * 2 * away[image] / 6
        assert np.allclose(array(centres.centres), moved)


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
    """Each identity a faint pattern of blocks, under colours that change from image to image."""
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
