"""LRAR: padded codes, both losses, levels and distances by hand; the order of training."""

from dataclasses import replace
from itertools import pairwise
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from crossres.datasets import InputError
from crossres.methods import Profile, Run, TrainSet, check_method
from crossres.methods.interface.conformance import example_images, example_train_set, small_profile
from crossres.methods.lrar import Lrar, LrarNetwork
from crossres.methods.shared.tensors import normalise, to_tensor
from crossres.methods.shared.training.loop import Iteration
from crossres.methods.shared.training.streams import streams
from tests.methods.oracles import first_batch

SMALL = small_profile(Lrar)

CPU = torch.device("cpu")


def prepared(**options: Any) -> tuple[LrarNetwork, Iteration]:
    """Build a fresh network in training mode and one batch."""
    method = Lrar(SMALL, **options)
    network = method.build(4, Run(seed=0), pretrained=False).train()
    return network, first_batch(SMALL, method.options)


def fitted(**options: Any) -> tuple[Lrar, LrarNetwork]:
    method = Lrar(SMALL, **options)
    method.fit(example_train_set(SMALL), Run(seed=0))
    return method, cast(LrarNetwork, method.network)


def test_masks_come_from_the_output_side_and_only_the_newest_learns() -> None:
    network, now = prepared()
    trunk, states = network.trunk, []
    for trunk.added in (1, 2, 4):
        trunk.frozen = True
        network.zero_grad()
        network.loss(now).backward()  # type: ignore[no-untyped-call]
        states.append([mask.grad is not None for mask in trunk.masks])
    assert states == [
        [False, False, False, True],
        [False, False, True, False],
        [True, False, False, False],
    ]


@pytest.mark.parametrize(("iterations", "expected"), [(8, [1, 1, 2, 2, 3, 3, 4, 4]), (2, [2, 4])])
def test_every_mask_gets_its_share_of_the_schedule(
    iterations: int, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    added: list[int] = []
    loss = LrarNetwork.loss

    def spied(network: LrarNetwork, now: Iteration) -> torch.Tensor:
        added.append(network.trunk.added)
        return loss(network, now)

    monkeypatch.setattr(LrarNetwork, "loss", spied)
    profile = replace(SMALL, train={**SMALL.train, "iterations": iterations})
    method = Lrar(profile)
    method.fit(example_train_set(profile), Run(seed=0))
    assert added == expected
    assert cast(LrarNetwork, method.network).trunk.frozen is False


def by_hand(
    network: LrarNetwork, rows: list[tuple[torch.Tensor, int, int]], kinds: list[int]
) -> float:
    """Compute L in double precision from rows (image, level, label); kinds end at `kinds`."""
    o, count = network.options, len(network.options.levels)
    images = normalise(torch.stack([row[0] for row in rows]))
    levels = torch.tensor([row[1] for row in rows])
    with torch.no_grad():
        features = network.reid.features(network.trunk(images, levels)).double().numpy()
    labels = np.array([row[2] for row in rows])
    ends = [network.reid.size * (k + 1) // count for k in range(count)]
    padded = features.copy()
    for row, level in enumerate(levels):
        padded[row, ends[level] :] = 0
    logits = padded @ network.reid.weight[0].detach().double().numpy()
    logits = logits + network.reid.bias[0].detach().double().numpy()
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    picked = -log_p[np.arange(len(rows)), labels]
    total = np.mean([picked[first:last].mean() for first, last in pairwise([0, *kinds])])
    state = {name: value.double().numpy() for name, value in network.same.state_dict().items()}
    for k in range(count):
        members = [i for i, row in enumerate(rows) if row[1] >= k]
        errors = []
        for i in members:
            for j in members:
                if i == j:
                    continue
                apart = features[i].copy() - features[j]
                apart[ends[k] :] = 0
                hidden = np.maximum(state["0.weight"] @ apart + state["0.bias"], 0)
                p = 1 / (1 + np.exp(-(state["2.weight"] @ hidden + state["2.bias"])[0]))
                errors.append(-np.log(p if labels[i] == labels[j] else 1 - p))
        total += o.verification * np.mean(errors)
    return float(total)


@pytest.mark.parametrize("gallery", ["query", "own"])
def test_the_loss_by_hand(gallery: str) -> None:
    network, now = prepared(gallery=gallery, verification=0.7)
    loss = network.loss(now).item()
    s = streams(now, (2, 3, 4), CPU)
    rates = example_train_set(SMALL).rates[now.batch.indices]
    rows = [
        (image, k, int(y))
        for k in (range(4) if gallery == "query" else (3,))
        for image, y in zip(s.high, s.labels[0], strict=True)
    ]
    kinds = [len(rows)]
    low = [k for k in (2, 1, 0) for _ in s.high]
    rows += [(x, k, int(y)) for x, k, y in zip(s.low, low, s.labels[1], strict=True)]
    kinds.append(len(rows))
    levels = {2: 2, 4: 0}
    native = zip(s.native, rates[rates != 1], s.labels[2], strict=True)
    rows += [(x, levels[rate], int(y)) for x, rate, y in native]
    assert loss == pytest.approx(by_hand(network, rows, [*kinds, len(rows)]), rel=1e-4)


def test_levels_of_told_and_of_unknown_rates() -> None:
    network, _ = prepared()
    estimated = torch.tensor([0.4, 3.4, 9.0, 2.6, 3.4, 1.0, 1.0])
    assert network.levels_of(estimated, None).tolist() == [3, 1, 0, 1, 1, 3, 3]
    given_rates = torch.tensor([2, 0, 1, 3, 4, 6, 8])
    assert network.levels_of(estimated, given_rates).tolist() == [2, 1, 3, 1, 0, 0, 0]
    few, _ = prepared(rates=(4,))
    assert few.options.levels == (4, 1)
    assert few.levels_of(estimated, given_rates).tolist() == [1, 0, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("gallery", ["query", "own"])
@pytest.mark.parametrize("length", ["variable", "fixed"])
def test_distances_compare_the_sub_vectors_of_the_querys_level(gallery: str, length: str) -> None:
    method, network = fitted(gallery=gallery, length=length, parts=2)
    images = example_images(7, SMALL, "test")
    rates = np.array([4, 3, 2, 1, 1, 1, 2])
    level_of = {4: 0, 3: 1, 2: 2, 1: 3}
    embedded = method.embed_rated(images, rates)
    distances = method.distances(embedded[:4], embedded[4:])
    tensor = normalise(to_tensor(images, CPU))

    def vectors(image: int, level: int) -> NDArray[np.float32]:
        with torch.no_grad():
            maps = network.trunk(tensor[image : image + 1], torch.tensor([level]))
            return np.asarray(network.reid.features(maps).view(2, -1).numpy())

    for q in range(4):
        level = level_of[int(rates[q])]
        end = network.reid.size * (level + 1) // 4 if length == "variable" else network.reid.size
        for g in range(4, 7):
            under = level if gallery == "query" else level_of[int(rates[g])]
            apart = vectors(q, level)[:, :end] - vectors(g, under)[:, :end]
            assert distances[q, g - 4] == pytest.approx(float(np.linalg.norm(apart)), rel=1e-4)


def test_without_masks_every_level_shares_one_pass() -> None:
    _, network = fitted(masks=False)
    passes = network.passes(torch.rand(2, 3, 32, 16))
    assert passes.shape == (2, 4, 1, network.reid.size)
    assert torch.equal(passes[:, 0], passes[:, 3])
    assert len(network.trunk.masks) == 0


def test_the_estimate_never_looks_at_the_given_rates() -> None:
    method, _ = fitted(rate="estimated")
    images = example_images(5, SMALL, "test")
    assert np.array_equal(method.embed_rated(images, np.full(5, 4)), method.embed(images))


def test_verification_and_triplet_are_options() -> None:
    both, now = prepared(verification=0.0)
    more, batch = prepared(verification=0.0, triplet=True, margin=50.0)
    assert more.loss(batch).item() > both.loss(now).item() + 10
    both.loss(now).backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is None for p in both.same.parameters())


@pytest.mark.parametrize("kind", ["hr", "lr"])
def test_it_survives_sets_of_one_kind(kind: str) -> None:
    full = example_train_set(SMALL)
    if kind == "hr":
        rates, hr = np.ones_like(full.rates), np.arange(len(full.rates))
        variants = dict.fromkeys((2, 3, 4), full.images)
    else:
        rates, hr = np.zeros_like(full.rates), np.zeros(0, dtype=np.int64)
        variants = dict.fromkeys((2, 3, 4), full.images[:0])
    method = Lrar(SMALL, triplet=True)
    method.fit(TrainSet(full.images, full.labels, full.camids, rates, variants, hr), Run(seed=0))
    assert np.isfinite(method.embed(full.images[:2])).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rates": (1, 2)}, "rates out of 2, 3, 4"),
        ({"verif_width": 0}, "verif_width >= 1"),
        ({"verification": -1.0}, "verification >= 0"),
        ({"gallery": "hr"}, "must be one of 'query', 'own'"),
        ({"margin": -1.0}, "margin and decay"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Lrar(SMALL, **options)


def test_missing_variants_are_named() -> None:
    train = example_train_set(SMALL)
    with pytest.raises(InputError, match=r"lrar needs the HR images down-sampled by \[3, 4\] too"):
        Lrar(SMALL).fit(replace(train, variants={2: train.variants[2]}), Run(seed=0))


@pytest.mark.parametrize(
    "options",
    [
        {"length": "fixed", "triplet": True, "erase": 0.5},
        {"masks": False, "embed_flip": True, "part_head": "bnneck", "parts": 2},
        {"gallery": "own", "rates": [2, 4], "progressive": False, "verification": 0.0},
        {"rate": "estimated", "part_head": "pcb", "test_normalise": "network"},
    ],
    ids=str,
)
def test_its_rows_conform(options: dict[str, Any]) -> None:
    assert "determinism" in check_method("lrar", None, **options)


def test_two_steps_with_the_papers_network_at_a_quarter_of_its_size() -> None:
    profile = Profile(
        "p", 64, 32, backbone={"name": "resnet50", "weights": "none"}, train={"iterations": 2}
    )
    train = example_train_set(profile)
    method = Lrar(profile)
    method.fit(train, Run(seed=0))
    embedding = method.embed_rated(train.images[:2], np.array([1, 4]))
    assert embedding.shape == (2, 512 * (1 + 2 + 3 + 4) + 1)
    assert np.isfinite(embedding).all()
