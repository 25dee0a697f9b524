"""VPFA: its two equations in numpy, what is frozen, whose block an image takes, and learning."""

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from crossres.datasets import InputError
from crossres.methods import Run, TrainSet, check_method
from crossres.methods.interface.conformance import example_images, example_train_set, small_profile
from crossres.methods.interface.profile import Profile
from crossres.methods.plain import Plain
from crossres.methods.vpfa import Panning, Vpfa, VpfaNetwork, features_of_pairs, hr_only, learn

SMALL = small_profile(Vpfa)

CPU = torch.device("cpu")


def fitted(**options: Any) -> tuple[Vpfa, VpfaNetwork]:
    method = Vpfa(SMALL, **options)
    method.fit(example_train_set(SMALL), Run(seed=0))
    return method, cast(VpfaNetwork, method.network)


def fresh(**options: Any) -> VpfaNetwork:
    return Vpfa(SMALL, **options).build(4, Run(seed=0), pretrained=False).eval()


def by_hand(block: Panning, features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Eq. 1 in double precision, from the weights alone."""
    state = {name: value.double().numpy() for name, value in block.state_dict().items()}
    x = features
    for layer in (0, 3, 6):
        x = x @ state[f"offset.{layer}.weight"].T + state[f"offset.{layer}.bias"]
        x = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
        x = x * state[f"offset.{layer + 1}.weight"] + state[f"offset.{layer + 1}.bias"]
        x = np.maximum(x, 0.0)
    return features + np.tanh(x @ state["offset.9.weight"].T + state["offset.9.bias"])


def test_equation_1_by_hand() -> None:
    torch.manual_seed(0)
    block = Panning(10, 6, "random")
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter)
    features = torch.randn(5, 10)
    assert np.allclose(block(features).detach(), by_hand(block, features.double().numpy()), 1e-4)


def test_a_block_has_the_size_of_the_papers() -> None:
    """24.14 million numbers on TransReID's 3840, as the paper's public reviews quote it."""
    with torch.device("meta"):
        block = Panning(3840, 2048, "random")
    assert round(sum(p.numel() for p in block.parameters()) / 1e6, 2) == 24.14


def test_a_block_begins_as_the_identity_and_can_leave_it() -> None:
    block, features = Panning(10, 6, "identity"), torch.randn(5, 10)
    assert torch.equal(block(features), features)
    block(features).square().sum().backward()
    assert bool(block.offset[9].weight.grad.any())
    assert not torch.equal(Panning(10, 6, "random")(features), features)


def test_equation_2_and_the_estimators_loss_by_hand() -> None:
    network = fresh(start="random")
    generator = np.random.default_rng(0)
    hr, lr = generator.random((6, 128)), generator.random((3, 6, 128))
    errors = [
        ((by_hand(cast(Panning, block), x) - hr) ** 2).mean()
        for block, x in zip(network.panning, lr, strict=True)
    ]
    stacked = torch.from_numpy(np.concatenate([hr, *lr])).float()
    guesses = network.estimator(stacked).detach().double().numpy()
    likely = guesses - np.log(np.exp(guesses).sum(1, keepdims=True))
    classes = np.repeat([0, 1, 2, 3], 6)
    expected = sum(errors) - likely[np.arange(24), classes].mean()
    loss = network.loss(torch.from_numpy(hr).float(), torch.from_numpy(lr).float())
    assert loss.item() == pytest.approx(float(expected), rel=1e-5)


def test_without_blocks_it_is_the_plain_network_to_the_last_bit() -> None:
    plain = Plain(SMALL)
    plain.fit(example_train_set(SMALL), Run(seed=0))
    images = example_images(6, SMALL, "test")
    method, _ = fitted(rates=(), embed_flip=False)
    assert np.array_equal(method.embed(images), plain.embed(images))
    assert method.identities == plain.identities


def test_the_blocks_learn_and_the_features_stay_frozen() -> None:
    _, bare = fitted(rates=())
    _, network = fitted()
    learned, expected = network.plain.state_dict(), bare.plain.state_dict()
    assert all(torch.equal(learned[name], expected[name]) for name in expected)
    start = fresh()
    for block, before in zip(network.panning, start.panning, strict=True):
        assert any(
            not torch.equal(p, q)
            for p, q in zip(block.parameters(), before.parameters(), strict=True)
        )


def test_frozen_features_are_the_mean_of_an_image_and_its_mirror_image() -> None:
    network, images = fresh(), torch.rand(3, 3, 32, 16)
    once = fresh(embed_flip=False)
    expected = (once.frozen(images) + once.frozen(images.flip(3))) / 2
    assert torch.allclose(network.frozen(images), expected, atol=1e-6)
    assert not torch.allclose(network.frozen(images), once.frozen(images), atol=1e-3)


@pytest.mark.parametrize("pairs", ["images", "identities"])
def test_pairs_are_an_hr_image_and_its_own_variants(pairs: str) -> None:
    network, train = fresh(pairs=pairs), example_train_set(SMALL)
    hr, lr = features_of_pairs(network, train)
    versions = [train.images[train.hr], *(train.variants[rate] for rate in (2, 3, 4))]
    labels = train.labels[train.hr]
    for features, images in zip([hr, *lr], versions, strict=True):
        tensor = torch.from_numpy(images / np.float32(255)).permute(0, 3, 1, 2)
        with torch.no_grad():
            expected = network.frozen(tensor).numpy()
        if pairs == "identities":
            expected = np.stack([expected[labels == k].mean(0) for k in range(4)])
        assert np.allclose(features, expected, atol=1e-5)


def test_whose_block_an_image_takes() -> None:
    given_rates = torch.tensor([0, 1, 2, 3, 4, 6, 8])
    features = torch.rand(7, 128)
    for network, expected in (
        (fresh(), [1, 2, 3, 4, 4, 4]),
        (fresh(rates=(3,)), [1, 3, 3, 3, 3, 3]),
    ):
        guessed = network.guessed(features)
        assert network.rates_of(features, given_rates).tolist() == [int(guessed[0]), *expected]
        assert torch.equal(network.rates_of(features, None), guessed)
    blind = fresh(rate="estimated")
    assert torch.equal(blind.rates_of(features, given_rates), blind.guessed(features))


def test_only_lr_images_are_moved_each_by_the_block_of_its_rate() -> None:
    method, network = fitted(test_normalise="none", start="random")
    images = example_images(4, SMALL, "test")
    tensor = torch.from_numpy(images / np.float32(255)).permute(0, 3, 1, 2)
    with torch.no_grad():
        features = network.frozen(tensor).double().numpy()
    embedded = method.embed_rated(images, np.array([1, 3, 4, 1]))
    expected = features.copy()
    expected[1:2] = by_hand(cast(Panning, network.panning[1]), features[1:2])
    expected[2:3] = by_hand(cast(Panning, network.panning[2]), features[2:3])
    assert np.allclose(embedded, expected, atol=1e-4)
    assert not np.allclose(expected, features, atol=1e-2)


def test_the_estimate_never_looks_at_the_given_rates() -> None:
    method, _ = fitted(rate="estimated")
    images = example_images(5, SMALL, "test")
    assert np.array_equal(method.embed_rated(images, np.full(5, 4)), method.embed(images))


def test_hr_features_are_learned_from_hr_images_alone() -> None:
    train = example_train_set(SMALL)
    alone = hr_only(train)
    assert np.array_equal(alone.images, train.images[train.rates == 1])
    assert np.array_equal(alone.labels, train.labels[train.rates == 1])
    noisy = np.where((train.rates == 1)[:, None, None, None], train.images, 255 - train.images)
    method, _ = fitted(features="hr")
    hr_method = Vpfa(SMALL, features="hr")
    hr_method.fit(replace(train, images=noisy), Run(seed=0))
    assert hr_method.parameters_digest() == method.parameters_digest()


def test_an_identity_without_hr_images_leaves_no_gap_in_the_labels() -> None:
    train = example_train_set(SMALL)
    rates = np.where(train.labels == 1, 2, train.rates)
    hr = np.flatnonzero(rates == 1)
    some = {rate: images[np.isin(train.hr, hr)] for rate, images in train.variants.items()}
    alone = hr_only(replace(train, rates=rates, hr=hr, variants=some))
    assert sorted(set(alone.labels)) == [0, 1, 2]


def test_progress_counts_both_trainings() -> None:
    progress: list[tuple[int, int]] = []
    method = Vpfa(SMALL, vp_batch=3, vp_epochs=2)
    method.fit(example_train_set(SMALL), Run(0, "cpu", lambda *now: progress.append(now)))
    pairs = len(example_train_set(SMALL).hr)
    steps = 3 + 2 * -(-pairs // 3)
    assert progress == [(k, steps) for k in range(1, steps + 1)]


def test_what_it_cannot_learn_from_is_named() -> None:
    train = example_train_set(SMALL)
    with pytest.raises(InputError, match=r"down-sampled by \[3, 4\] too"):
        Vpfa(SMALL).fit(replace(train, variants={2: train.variants[2]}), Run(seed=0))
    none = {rate: images[:0] for rate, images in train.variants.items()}
    bare = TrainSet(train.images, train.labels, train.camids, train.rates * 0, none, train.hr[:0])
    with pytest.raises(InputError, match="needs HR training images"):
        Vpfa(SMALL).fit(bare, Run(seed=0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rates": (1, 2)}, "rates out of 2, 3, 4"),
        ({"rates": (2, 2)}, "different rates"),
        ({"vp_batch": 0}, "at least 1"),
        ({"vp_lr": 0.0}, "vp_lr must be positive"),
        ({"rate": "guessed"}, "must be one of 'given', 'estimated'"),
        ({"margin": -1.0}, "margin and decay"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Vpfa(SMALL, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"rate": "estimated", "pairs": "identities"},
        {"features": "hr", "start": "random", "embed_flip": False},
        {"rates": (), "part_head": "bnneck"},
        {"rates": (4, 2), "vp_batch": 2, "vp_weight_decay": 0.0, "test_normalise": "whole"},
    ],
    ids=str,
)
def test_every_option_conforms(options: dict[str, Any]) -> None:
    check_method("vpfa", **options)


def test_two_steps_of_each_training_with_the_papers_networks() -> None:
    """A ResNet-50's 4 x 2048 features and blocks 2048 wide; small images, one rate, few pairs."""
    profile = Profile(
        "p", 64, 32, backbone={"name": "resnet50", "weights": "none"}, train={"iterations": 2}
    )
    train = example_train_set(profile)
    method = Vpfa(profile, rates=(4,), vp_epochs=2)
    method.fit(train, Run(seed=0))
    embedded = method.embed_rated(train.images[:2], np.array([1, 4]))
    assert embedded.shape == (2, 8192)
    assert np.isfinite(embedded).all()


def test_learning_rates_halve_after_each_quarter_and_every_pair_counts_once_an_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = fresh(vp_batch=4, vp_epochs=8, vp_lr=0.8)
    firsts: list[float] = []
    rates: list[float] = []
    monkeypatch.setattr("crossres.methods.vpfa.set_rate", lambda _adam, rate: rates.append(rate))
    loss = network.loss

    def spied(hr: torch.Tensor, lr: torch.Tensor) -> torch.Tensor:
        assert torch.equal(lr, hr.expand(3, -1, -1) + 1)
        firsts.extend(hr[:, 0].tolist())
        return loss(hr, lr)

    monkeypatch.setattr(network, "loss", spied)
    hr = torch.arange(10.0)[:, None].expand(10, 128)
    done: list[tuple[int, int]] = []
    run = Run(0, progress=lambda step, total: done.append((step, total)))
    learn(network, hr, hr.expand(3, 10, 128) + 1, run)
    assert done == [(step, 24) for step in range(1, 25)]
    assert rates == pytest.approx(np.repeat([0.8, 0.4, 0.2, 0.1], 2 * 3))
    assert all(sorted(firsts[k : k + 10]) == list(range(10)) for k in range(0, 80, 10))
    assert firsts[:10] != firsts[10:20]
