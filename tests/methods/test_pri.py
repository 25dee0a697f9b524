"""PRI, PCB + PRI and APSR: branches and losses against numpy; options; training."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from crossres.datasets import InputError
from crossres.methods import Method, Profile, Run, TrainSet, check_method
from crossres.methods.interface.conformance import example_images, example_train_set, small_profile
from crossres.methods.interface.registry import method_class
from crossres.methods.pri import Pri, PriNetwork
from crossres.methods.shared.networks.adaptive import Predictor, Recovery, soft_labels
from crossres.methods.shared.tensors import MEAN, STD, to_tensor
from crossres.methods.shared.training.loop import Iteration
from tests.methods.oracles import array, first_batch

SMALL = small_profile("pri", "pcb-pri", "apsr")

CPU = torch.device("cpu")


Array = NDArray[np.float64]


def prepared(name: str = "pri", **options: Any) -> tuple[PriNetwork, Iteration]:
    """A network in training mode whose branches and predictor differ, and one batch."""
    method: Any = method_class(name)(SMALL, **options)
    network: PriNetwork = method.build(4, Run(seed=0), pretrained=False).train()
    generator = torch.Generator().manual_seed(0)
    if network.recovery is not None:
        torch.nn.init.normal_(network.recovery.last.weight, std=0.05, generator=generator)
    torch.nn.init.normal_(linear(network.predictor).weight, std=1.0, generator=generator)
    return network, first_batch(SMALL, method.options)


def linear(predictor: Predictor) -> torch.nn.Linear:
    return next(layer for layer in predictor if isinstance(layer, torch.nn.Linear))


def test_untrained_branches_leave_images_as_they_are_and_count_the_same() -> None:
    images = torch.rand(2, 3, 9, 5)
    assert torch.equal(Recovery(4, 2, 3)(images), images.expand(3, 2, 3, 9, 5))
    assert torch.allclose(Predictor(4, 4)(torch.rand(3, 3, 32, 16)).exp(), torch.tensor(0.25))


def losses(network: PriNetwork, now: Iteration, **changed: Any) -> float:
    """The loss with other weights of its terms."""
    before = network.options
    network.options = replace(before, **changed)
    try:
        return network.loss(now).item()
    finally:
        network.options = before


def test_each_branch_learns_to_undo_its_own_rate() -> None:
    network, now = prepared(branch_weight=0.0, pred_weight=0.0, factors=(1, 3))
    train, batch = example_train_set(SMALL), now.batch
    is_hr = train.rates[batch.indices] == 1
    rows = np.searchsorted(train.hr, batch.indices[is_hr])
    error = 0.0
    for k, images in enumerate((train.images[train.hr[rows]], train.variants[3][rows])):
        pair = [images.copy(), train.images[train.hr[rows]].copy()]
        for x in pair:
            x[batch.mirrored[is_hr]] = x[batch.mirrored[is_hr], :, ::-1]
        low, high = (to_tensor(x, CPU) for x in pair)
        error += np.abs(array(network.recovered(low)[k]) - array(high)).mean()
    gap = losses(network, now, rec_weight=7.0) - losses(network, now, rec_weight=0.0)
    assert gap == pytest.approx(7.0 * error, rel=1e-3)


def test_the_predictor_learns_from_the_labels_alone() -> None:
    network, now = prepared(pred_weight=0.0)
    network.loss(now).backward()  # type: ignore[no-untyped-call]
    gradient = linear(network.predictor).weight.grad
    assert gradient is None or not gradient.any()
    network, now = prepared()
    network.loss(now).backward()  # type: ignore[no-untyped-call]
    assert linear(network.predictor).weight.grad is not None
    network, now = prepared("apsr")
    network.loss(now).backward()  # type: ignore[no-untyped-call]
    assert linear(network.predictor).weight.grad is not None, "from the identity loss"
    network, now = prepared(weights="uniform")
    network.loss(now).backward()  # type: ignore[no-untyped-call]
    assert linear(network.predictor).weight.grad is None


def test_the_prediction_loss_is_the_divergence_from_the_labels() -> None:
    network, now = prepared()
    arguments: list[Any] = []
    network.reid.register_forward_hook(lambda _m, _a, out: arguments.append(out[0]))
    predicted: list[Any] = []
    network.predictor.register_forward_hook(lambda _m, _a, out: predicted.append(out))
    gap = losses(network, now, pred_weight=3.0) - losses(network, now, pred_weight=0.0)
    order = np.concatenate([now.batch.hr, np.delete(np.arange(12), now.batch.hr)])
    labels = now.labels(CPU)[torch.from_numpy(order)]
    log_p, each = predicted[0], arguments[0].reshape(1, 4, 12, -1)
    fused = (each * log_p.exp().T[:, :, None]).sum(1)
    q, p = array(soft_labels(each, fused, labels, 0.02)), np.exp(array(log_p))
    tiny = np.maximum(q, 1e-30)
    assert gap == pytest.approx(3 * (q * np.log(tiny / p)).sum(1).mean(), rel=1e-3)


@pytest.mark.parametrize("fusion", ["sum", "best"])
def test_an_embedding_is_the_weighted_sum_of_its_branches(fusion: str) -> None:
    network, _ = prepared(fusion=fusion, test_normalise="none")
    network.eval()
    images = torch.rand(3, 3, 32, 16)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    weights = array(network.predictor((images - mean) / std).exp())
    if fusion == "best":
        weights = (weights == weights.max(1, keepdims=True)).astype(np.float64)
    expected = sum(
        weights[:, k, None] * array(network.reid.features((network.branch(k, images) - mean) / std))
        for k in range(4)
    )
    assert np.allclose(array(network.features(images)), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("pri", {"sr": "none", "weights": "uniform"}),
        ("pri", {"factors": [3], "fusion": "best", "part_head": "bnneck", "erase": 0.5}),
        ("pcb-pri", {"embed_flip": True, "parts": 3}),
        ("apsr", {"crop": 2, "branch_weight": 1.0}),
    ],
)
def test_its_rows_conform(name: str, options: dict[str, Any]) -> None:
    assert "determinism" in check_method(name, None, **options)


def test_reconstructions_are_named_by_their_factors() -> None:
    for options, names in (({"factors": [1, 4]}, ["R_1", "R_4"]), ({"sr": "none"}, [])):
        method = Pri(SMALL, **options)  # type: ignore[arg-type]
        method.fit(example_train_set(SMALL), Run(seed=0))
        assert list(method.reconstructions(example_images(2, SMALL, "test"))) == names


def test_wrong_options_and_missing_variants_are_named() -> None:
    wrongs: list[dict[str, Any]] = [{"factors": [2, 2]}, {"factors": [5]}, {"factors": []}]
    wrongs += [{"tau": 0.0}, {"sr_width": 0}, {"rec_weight": -1.0}, {"weights": "none"}]
    for wrong in wrongs:
        with pytest.raises(InputError, match=next(iter(wrong))):
            Pri(SMALL, **wrong)
    full = example_train_set(SMALL)
    some = {2: full.variants[2], 4: full.variants[4]}
    train = TrainSet(full.images, full.labels, full.camids, full.rates, some, full.hr)
    with pytest.raises(InputError, match=r"pri needs .* down-sampled by \[3\]"):
        Pri(SMALL).fit(train, Run(seed=0))


@pytest.mark.parametrize("name", ["pri", "pcb-pri", "apsr"])
def test_training_without_any_hr_image_still_gives_embeddings(name: str) -> None:
    full = example_train_set(SMALL)
    none = np.zeros(0, dtype=np.int64)
    empty = dict.fromkeys((2, 3, 4), full.images[:0])
    method: Method = method_class(name)(SMALL)
    rates = np.full_like(full.rates, 0)
    method.fit(TrainSet(full.images, full.labels, full.camids, rates, empty, none), Run(seed=0))
    assert np.isfinite(method.embed(full.images[:2])).all()


def test_two_steps_with_the_papers_trunk_on_small_images() -> None:
    profile = Profile(
        name="the paper's trunk",
        height=64,
        width=32,
        backbone={"name": "resnet50", "weights": "none"},
        train={"iterations": 2, "identities": 2, "hr_images": 1, "lr_images": 1},
    )
    method = method_class("pcb-pri")(profile, factors=[1, 4], sr_blocks=1)
    train = example_train_set(profile)
    method.fit(train, Run(seed=0))
    embedding = method.embed(train.images[:1])
    assert embedding.shape == (1, 6 * 256)
    assert np.isfinite(embedding).all()
