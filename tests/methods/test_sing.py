"""SING: hybrid loss and embedding against numpy; options; that it learns."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from crossres.datasets import InputError
from crossres.methods import Profile, Run, TrainSet, check_method
from crossres.methods.interface.conformance import example_images, example_train_set, small_profile
from crossres.methods.shared.networks.srcnn import SRCNN, luminance_loss
from crossres.methods.shared.tensors import MEAN, STD
from crossres.methods.shared.training.loop import Iteration
from crossres.methods.shared.training.streams import streams
from crossres.methods.sing import SingMethod, SingNetwork
from tests.methods.oracles import detailed, first_batch

SMALL = small_profile(SingMethod)

Array = NDArray[Any]

CPU = torch.device("cpu")


def prepared(**options: Any) -> tuple[SingNetwork, Iteration]:
    """Build a fresh network in training mode, its SRCNNs not the identity, and one batch."""
    method = SingMethod(SMALL, **options)
    network = method.build(4, Run(seed=0), pretrained=False).train()
    generator = torch.Generator().manual_seed(0)
    for part in network.sr.modules():
        if isinstance(part, SRCNN):
            torch.nn.init.normal_(part.conv3.weight, std=0.05, generator=generator)
    return network, first_batch(SMALL, method.options)


def psnr(images: Array, target: Array) -> float:
    """Mean peak signal-to-noise ratio of Y in dB."""
    y, reference = (
        a.astype(np.float64) @ np.array([0.299, 0.587, 0.114]) for a in (images, target)
    )
    return float((10 * np.log10(255.0**2 / ((y - reference) ** 2).mean((1, 2)))).mean())


@pytest.mark.parametrize("models", ["per-rate", "one"])
def test_the_hybrid_loss_is_the_papers(models: str) -> None:
    """alpha/2 ||.||^2 + CE(x_h) + CE(SR(x_1/r)) + CE(SR(x_l)), each recomputed from its parts."""
    network, now = prepared(models=models, alpha=1e-3)
    outputs: list[torch.Tensor] = []
    network.reid[0].register_forward_hook(lambda _m, _args, out: outputs.append(out[1]))
    loss = network.loss(now, 0).item()
    train, batch = example_train_set(SMALL), now.batch
    rates = (2, 3, 4) if models == "one" else (2,)
    x = train.images[batch.indices].astype(np.float64) / 255.0
    x[batch.mirrored] = x[batch.mirrored, :, ::-1]
    is_hr = train.rates[batch.indices] == 1
    rows = [int(np.flatnonzero(train.hr == k)[0]) for k in batch.indices[is_hr]]
    error = 0.0
    for rate in rates:
        low = train.variants[rate][rows].astype(np.float32) / 255.0
        mirrored = batch.mirrored[is_hr]
        low[mirrored] = low[mirrored, :, ::-1]
        lifted = network.sr[0](torch.from_numpy(low).permute(0, 3, 1, 2))
        gap = lifted.detach().permute(0, 2, 3, 1).numpy() - x[is_hr]
        error += float(((gap @ np.array([0.299, 0.587, 0.114])) ** 2).sum((1, 2)).mean()) / 2
    labels = train.labels[batch.indices]
    of_streams = [labels[is_hr], *[labels[is_hr]] * len(rates), labels[~is_hr]]
    logits = outputs[0][0].detach().numpy().astype(np.float64)
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    picked = -log_p[np.arange(len(logits)), np.concatenate(of_streams)]
    high, low_count = int(is_hr.sum()), len(rates) * int(is_hr.sum())
    expected = sum(float(p.mean()) for p in np.split(picked, [high, high + low_count]))
    assert loss == pytest.approx(expected + 1e-3 * 255**2 * error / len(rates), rel=1e-4)


def test_re_id_sees_hr_images_and_lifted_ones() -> None:
    network, now = prepared(rates=(3,))
    inputs: list[torch.Tensor] = []
    network.reid[0].register_forward_pre_hook(lambda _m, args: inputs.append(args[0]))
    network.loss(now, 0)
    s = streams(now, (3,), CPU)
    expected = torch.cat([s.high, network.sr[0](s.low), network.sr[0](s.native)])
    mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
    assert torch.allclose(inputs[0], (expected - mean) / std, atol=1e-5)
    assert [len(x) for x in (s.high, s.low, s.native)] == [len(y) for y in s.labels]
    assert len(s.high) + len(s.native) == len(now.batch.indices)


@pytest.mark.parametrize(
    ("options", "trained"),
    [
        ({}, True),
        ({"alpha": 0.0}, True),
        ({"joint": False}, True),
        ({"alpha": 0.0, "joint": False}, False),
    ],
)
def test_what_trains_the_srcnn(options: dict[str, Any], trained: bool) -> None:
    network, now = prepared(**options)
    network.loss(now, 1).backward()  # type: ignore[no-untyped-call]
    gradients = [p.grad for p in network.sr[1].parameters()]
    assert any(g is not None and bool(g.any()) for g in gradients) is trained
    assert all(p.grad is None for p in network.sr[0].parameters())
    assert all(p.grad is None for p in network.reid[2].parameters())


def test_pixels_alone_train_the_srcnn_where_it_is_not_joint() -> None:
    network, now = prepared(joint=False, rates=(2,), alpha=2.0)
    network.loss(now, 0).backward()  # type: ignore[no-untyped-call]
    gradients = [p.grad.clone() for p in network.sr.parameters() if p.grad is not None]
    network.zero_grad()
    s = streams(now, (2,), CPU)
    (2.0 * luminance_loss(network.sr[0](s.low), s.target)).backward()  # type: ignore[no-untyped-call]
    expected = [p.grad for p in network.sr.parameters() if p.grad is not None]
    assert len(gradients) == 6
    assert all(torch.allclose(f, w, rtol=1e-4) for f, w in zip(gradients, expected, strict=True))


def test_the_triplet_loss_joins_where_asked() -> None:
    plain, now = prepared(rates=(2,))
    more, batch = prepared(rates=(2,), triplet=True, margin=50.0)
    assert more.loss(batch, 0).item() > plain.loss(now, 0).item() + 10


def test_an_embedding_holds_both_roles_of_an_image() -> None:
    network, _ = prepared(test_normalise="none")
    network.eval()
    images = torch.rand(2, 3, 32, 16)
    embedding = network.features(images)
    assert embedding.shape == (2, 6 * 256 + 3)
    mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
    for j in range(3):
        lifted = network.reid[j].features((network.sr[j](images) - mean) / std)  # type: ignore[operator]
        direct = network.reid[j].features((images - mean) / std)  # type: ignore[operator]
        assert torch.allclose(embedding[:, 256 * j : 256 * (j + 1)], lifted, atol=1e-5)
        assert torch.allclose(embedding[:, 256 * (3 + j) : 256 * (4 + j)], direct, atol=1e-5)
        assert not torch.allclose(lifted, direct, atol=1e-2)


SMALL_TWIN = Profile(
    name="small twin",
    height=32,
    width=16,
    backbone={**SMALL.backbone, "width": 8},
    train={"iterations": 50, "identities": 4, "hr_images": 2, "lr_images": 2},
    methods={"sing": {"sr_widths": [8, 8], "reid_lr": 3e-3, "lr_drop_at": 0.75}},
)


@pytest.fixture(scope="module")
def learned() -> SingMethod:
    method = SingMethod(SMALL_TWIN)
    method.fit(detailed(6, 4, 0), Run(seed=0))
    return method


def test_the_srcnns_beat_bilinear_on_the_training_variants(learned: SingMethod) -> None:
    train = detailed(6, 4, 0)
    high = train.images[train.hr]
    for rate in (2, 3, 4):
        low = train.variants[rate]
        assert psnr(learned.reconstructions(low)[f"SR_x{rate}"], high) > psnr(low, high) + 0.5


def test_it_learns_to_match_lr_queries_with_hr_images(learned: SingMethod) -> None:
    """Six people, unseen images of them: far above the sixth that chance gives."""
    test = detailed(6, 4, 5)
    lr = np.flatnonzero(test.rates != 1)
    distances = learned.distances(
        learned.embed(test.images[lr]), learned.embed(test.images[test.hr])
    )
    nearest = test.labels[test.hr][distances.argmin(1)]
    assert (nearest == test.labels[lr]).mean() > 0.6


@pytest.mark.parametrize(
    "options",
    [
        {"models": "one", "sr": "none"},
        {"rates": [3], "sr_output": "direct", "triplet": True, "embed_flip": True, "erase": 0.5},
    ],
)
def test_its_rows_conform(options: dict[str, Any]) -> None:
    assert "determinism" in check_method("sing", None, **options)


def test_reconstructions_are_named_by_their_rates() -> None:
    train = example_train_set(SMALL)
    images = example_images(2, SMALL, "test")
    for options, names in (
        ({}, ["SR_x2", "SR_x3", "SR_x4"]),
        ({"models": "one"}, ["SR_x2x3x4"]),
        ({"sr": "none"}, []),
    ):
        method = SingMethod(SMALL, **options)  # type: ignore[arg-type]
        method.fit(train, Run(seed=0))
        assert list(method.reconstructions(images)) == names


def test_wrong_options_and_missing_variants_are_named() -> None:
    for wrong in ({"rates": [2, 2]}, {"rates": [8]}, {"sr_widths": [4]}, {"theta": 0.0}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            SingMethod(SMALL, **wrong)
    full = example_train_set(SMALL)
    some = {2: full.variants[2], 4: full.variants[4]}
    train = TrainSet(full.images, full.labels, full.camids, full.rates, some, full.hr)
    with pytest.raises(InputError, match=r"down-sampled by \[3\]"):
        SingMethod(SMALL).fit(train, Run(seed=0))


def test_training_without_any_hr_image_still_gives_embeddings() -> None:
    full = example_train_set(SMALL)
    none = np.zeros(0, dtype=np.int64)
    empty = dict.fromkeys((2, 3, 4), full.images[:0])
    rates = np.full_like(full.rates, 0)
    method = SingMethod(SMALL)
    method.fit(TrainSet(full.images, full.labels, full.camids, rates, empty, none), Run(seed=0))
    assert np.isfinite(method.embed(full.images[:2])).all()


def test_two_steps_with_the_papers_network_at_half_its_size() -> None:
    profile = Profile(
        name="half the paper size",
        height=128,
        width=64,
        backbone={"name": "resnet50", "weights": "none"},
        train={"iterations": 2, "identities": 2, "hr_images": 1, "lr_images": 1},
    )
    method = SingMethod(profile, rates=(4,))
    train = example_train_set(profile)
    method.fit(train, Run(seed=0))
    embedding = method.embed(train.images[:1])
    assert embedding.shape == (1, 2 * 256 + 1)
    assert np.isfinite(embedding).all()
