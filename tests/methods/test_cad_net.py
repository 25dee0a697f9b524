"""CAD-Net, and RAIN, which is CAD-Net with other defaults: losses, embedding, options."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from crossres.datasets import InputError
from crossres.methods import Profile, Run, TrainSet, check_method
from crossres.methods.cad_net import CadNet, CadNetNetwork
from crossres.methods.interface.conformance import example_images, example_train_set, small_profile
from crossres.methods.interface.registry import method_class
from crossres.methods.rain import Rain
from crossres.methods.shared.networks.backbones import (
    stages,
)
from crossres.methods.shared.tensors import MEAN, STD, normalise
from crossres.methods.shared.training.loop import Iteration
from crossres.methods.shared.training.schedule import make_optimiser
from crossres.methods.shared.training.streams import streams
from tests.methods.oracles import FEW, first_batch

SMALL = small_profile(CadNet, Rain)

CPU = torch.device("cpu")


RESNET50 = {"name": "resnet50", "weights": "none"}


def prepared(cls: type[CadNet] = CadNet, **options: Any) -> tuple[CadNetNetwork, Iteration]:
    """Build a fresh network in training mode and one batch."""
    method = cls(SMALL, **options)
    network = method.build(4, Run(seed=0), pretrained=False).train()
    return network, first_batch(SMALL, method.options)


def stepped(network: CadNetNetwork, now: Iteration, rate: float = 0.0) -> dict[str, Any]:
    """Make one `step` at learning rates of `rate`; return the gradients of the last descent."""
    learners = [p for n, p in network.named_parameters() if not n.startswith("adversaries.")]
    part = (make_optimiser("sgd", learners, rate, 0.0), rate, 0.0)
    judges = [make_optimiser("sgd", d.parameters(), rate, 0.0) for d in network.adversaries]
    rate_draws = torch.arange(12) % 3
    network.step(now, part, [(judge, rate, 0.0) for judge in judges], rate_draws)
    return {n: p.grad.clone() for n, p in network.named_parameters() if p.grad is not None}


def bce(logits: torch.Tensor, real: bool) -> torch.Tensor:
    likely = torch.sigmoid(logits.double())
    return -torch.log(likely if real else 1 - likely).mean()


@pytest.mark.parametrize("native", ["aligned", "classified"])
@pytest.mark.parametrize("batches", ["apart", "mixed"])
@pytest.mark.parametrize("adversary", ["minimax", "non-saturating"])
def test_the_gradient_is_that_of_the_papers_loss(native: Any, batches: Any, adversary: Any) -> None:
    """Eq. 1 to 5 written out; the learning rate is zero, so that D is as it was."""
    weights = {"feature_weight": 0.5, "rec_weight": 2.0, "image_weight": 0.25}
    network, now = prepared(native=native, batches=batches, adversary=adversary, **weights)
    gradients = stepped(network, now)
    network.zero_grad()
    s = streams(now, (2, 3, 4), CPU)
    n = len(s.high)
    assert n > 0
    assert len(s.native) > 0
    low = torch.stack([s.low[(k % 3) * n + k] for k in range(n)])
    images, labels = torch.cat([s.high, low, s.native]), torch.cat([*s.labels[:1] * 2, s.labels[2]])
    maps = stages(network.first.trunk, normalise(images))
    painted = network.decoder(maps, (32, 16))  # type: ignore[misc]
    d_f, d_i = network.adversaries
    last = len(images) if native == "aligned" else 2 * n
    f_h, f_l, fake = maps[-1][:n], maps[-1][n:last], painted[:last]
    if adversary == "minimax":
        features = -bce(d_f(f_h), True) - bce(d_f(f_l), False)
        pixels = -2 * bce(d_i(s.high), True) - 2 * bce(d_i(fake), False)
    else:
        features, pixels = bce(d_f(f_l), True), 2 * bce(d_i(fake), True)
    rec = (painted[:n] - s.high).abs().mean() + (painted[n : 2 * n] - s.high).abs().mean()
    f, of_f = network.first.of_maps(maps[-1])
    g, of_g = network.second(normalise(painted))  # type: ignore[misc]
    v, logits = torch.cat([f, g], 2)[0], (of_f + of_g)[0]
    groups = [range(n), range(n, len(images))] if batches == "apart" else [range(len(images))]
    loss = 0.5 * features + 2.0 * rec + 0.25 * pixels
    for group in map(list, groups):
        y, apart = (
            labels[group],
            torch.cdist(v[group], v[group], compute_mode="donot_use_mm_for_euclid_dist"),
        )
        same_identity = y[:, None] == y[None]
        hinge = (
            2.0
            + (apart * same_identity).amax(1)
            - apart.masked_fill(same_identity, torch.inf).amin(1)
        )
        loss = loss + F.cross_entropy(logits[group], y) + hinge.clamp_min(0).mean()
    loss.backward()  # type: ignore[no-untyped-call]
    for name, parameter in network.named_parameters():
        if not name.startswith("adversaries."):
            assert parameter.grad is not None
            scale = float(parameter.grad.abs().max()) + 1e-4
            assert torch.allclose(gradients[name], parameter.grad, atol=2e-3 * scale), name


def test_discriminators_learn_to_tell_and_nothing_else_moves_them() -> None:
    network, now = prepared(adversary_lr=0.1)
    before = {n: p.detach().clone() for n, p in network.named_parameters()}
    s = streams(now, (2, 3, 4), CPU)
    learners = [p for n, p in network.named_parameters() if not n.startswith("adversaries.")]
    part = (make_optimiser("sgd", learners, 0.0, 0.0), 0.0, 0.0)
    adversaries = [
        (make_optimiser("sgd", d.parameters(), 0.1, 0.0), 0.1, 0.0) for d in network.adversaries
    ]
    network.step(now, part, adversaries, torch.arange(12) % 3)  # type: ignore[arg-type]
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter, before[name]) is not name.startswith("adversaries."), name
    assert len(s.high)


def test_an_embedding_is_pooled_f_beside_pooled_g() -> None:
    images = torch.rand(2, 3, 32, 16)
    mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
    network = prepared(test_normalise="none")[0].eval()
    f = network.first.trunk((images - mean) / std).mean((2, 3))
    g = network.second.trunk((network.painted(images) - mean) / std).mean((2, 3))  # type: ignore[union-attr]
    for embedding, expected in (("both", torch.cat([f, g], 1)), ("f", f), ("g", g)):
        network = prepared(test_normalise="none", embedding=embedding)[0].eval()
        assert torch.allclose(network.features(images), expected, atol=1e-5)
    assert torch.allclose(prepared(Rain, test_normalise="none")[0].eval().features(images), f)


@pytest.mark.parametrize(
    ("cls", "options", "adversaries", "decoder"),
    [
        (CadNet, {}, 2, True),
        (CadNet, {"feature_weight": 0.0}, 1, True),
        (CadNet, {"image_weight": 0.0}, 1, True),
        (CadNet, {"rec_weight": 0.0}, 2, True),
        (Rain, {}, 3, True),
        (Rain, {"depths": [4, 5]}, 2, True),
        (Rain, {"rec_weight": 0.0}, 3, False),
        (Rain, {"feature_weight": 0.0}, 0, True),
    ],
)
def test_options_leave_parts_away(
    cls: type[CadNet], options: dict[str, Any], adversaries: int, decoder: bool
) -> None:
    network, _ = prepared(cls, **options)
    assert len(network.adversaries) == adversaries
    assert (network.decoder is not None) is decoder
    assert (network.second is not None) is (cls is CadNet)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cad-net", {}),
        ("cad-net", {"embedding": "g", "adversary": "minimax", "native": "classified"}),
        ("cad-net", {"feature_weight": 0.0, "image_weight": 0.0, "erase": 0.5}),
        ("cad-net", {"output": "difference"}),
        ("cad-net", {"rec_weight": 0.0, "parts": 2, "part_head": "bnneck", "embed_flip": True}),
        ("rain", {}),
        ("rain", {"feature_weight": 0.0, "rec_weight": 0.0, "batches": "mixed"}),
    ],
)
def test_their_rows_conform(name: str, options: dict[str, Any]) -> None:
    assert "determinism" in check_method(name, None, **options)


def test_reconstructions_are_what_the_decoder_paints() -> None:
    train, images = example_train_set(SMALL), example_images(2, SMALL, "test")
    for cls, options, names in ((CadNet, {}, ["G"]), (Rain, {"rec_weight": 0.0}, [])):
        method = cls(SMALL, **options)
        method.fit(train, Run(seed=0))
        assert list(method.reconstructions(images)) == names


def test_the_decoder_learns_to_paint() -> None:
    """An error well below that of each image's mean colour."""
    profile = Profile("paint", 32, 16, backbone=SMALL.backbone, train={**FEW, "iterations": 40})
    small = {"adversary_widths": [4], "decoder_width": 4}
    method = Rain(profile, optimiser="adam", reid_lr=1e-2, rec_weight=10.0, **small)
    train = example_train_set(profile)
    method.fit(train, Run(seed=0))
    high: NDArray[Any] = train.images[train.hr].astype(np.float64)
    error = np.abs(method.reconstructions(train.variants[2])["G"] - high).mean()
    assert error < 0.8 * np.abs(high - high.mean((1, 2), keepdims=True)).mean()


def test_wrong_options_and_missing_variants_are_named() -> None:
    wrong: dict[str, Any]
    for wrong in (
        {"rates": [2, 2]},
        {"rates": []},
        {"image_weight": -1.0},
        {"adversary_widths": [0]},
        {"adversary_lr": 0.0},
        {"decoder_width": 0},
    ):
        with pytest.raises(InputError, match=next(iter(wrong))):
            CadNet(SMALL, **wrong)
    with pytest.raises(InputError, match="second"):
        Rain(SMALL, embedding="g")
    full = example_train_set(SMALL)
    with pytest.raises(InputError, match="depths must lie between 1 and 5"):
        CadNet(SMALL, depths=(6,)).fit(full, Run(seed=0))
    some = {2: full.variants[2], 4: full.variants[4]}
    train = TrainSet(full.images, full.labels, full.camids, full.rates, some, full.hr)
    with pytest.raises(InputError, match=r"rain needs .* \[3\]"):
        Rain(SMALL).fit(train, Run(seed=0))


@pytest.mark.parametrize("name", ["cad-net", "rain"])
@pytest.mark.parametrize("rate", [0, 1])
def test_training_without_any_hr_or_any_lr_image_gives_embeddings(name: str, rate: int) -> None:
    full = example_train_set(SMALL)
    hr = np.arange(len(full.labels)) if rate else np.zeros(0, dtype=np.int64)
    variants = dict.fromkeys((2, 3, 4), full.images[hr])
    rates = np.full_like(full.rates, rate)
    method = method_class(name)(SMALL)
    method.fit(TrainSet(full.images, full.labels, full.camids, rates, variants, hr), Run(seed=0))
    assert np.isfinite(method.embed(full.images[:2])).all()


@pytest.mark.slow
@pytest.mark.parametrize("cls", [CadNet, Rain])
def test_a_step_with_the_papers_network_at_half_its_size(cls: type[CadNet]) -> None:
    few = {"iterations": 1, "identities": 2, "hr_images": 1, "lr_images": 1}
    profile = Profile("half the paper size", 128, 64, backbone=RESNET50, train=few)
    method, train = cls(profile), example_train_set(profile)
    method.fit(train, Run(seed=0))
    assert method.embed(train.images[:1]).shape == (1, 4096 if cls is CadNet else 2048)
    assert np.isfinite(method.embed(train.images[:1])).all()


@pytest.mark.parametrize("name", ["cad-net", "rain"])
def test_a_trunk_without_stages_is_refused_in_one_line(name: str) -> None:
    vit = {"name": "vit-small", "weights": "none", "width": 16, "blocks": [1] * 4, "patch": 8}
    method = method_class(name)(replace(SMALL, backbone=vit))
    with pytest.raises(InputError, match="vit-small has no stages of falling size"):
        method.fit(example_train_set(SMALL), Run(seed=0))
