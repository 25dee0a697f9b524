"""INTACT: critic, losses of the three stages, roles of an image, against numpy; options."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from crossres.datasets import InputError
from crossres.methods import Profile, Run, TrainSet, check_method
from crossres.methods.intact import Critic, Intact, IntactNetwork, SrTeacher, reid_loss
from crossres.methods.interface.conformance import example_images, example_train_set, small_profile
from crossres.methods.shared.networks.reid import part_loss
from crossres.methods.shared.networks.residual_sr import ResidualSR
from crossres.methods.shared.tensors import normalise
from crossres.methods.shared.training.loop import Iteration
from crossres.methods.shared.training.streams import Streams, streams
from tests.methods.oracles import first_batch

SMALL = small_profile(Intact)

CPU = torch.device("cpu")


def prepared(**options: Any) -> tuple[IntactNetwork, Iteration, Streams]:
    """Build a fresh network in training mode, its G not the identity, and one batch."""
    method = Intact(SMALL, **options)
    network = method.build(4, Run(seed=0), pretrained=False).train()
    if isinstance(network.sr, ResidualSR):
        generator = torch.Generator().manual_seed(0)
        nn.init.normal_(network.sr.last.weight, std=0.05, generator=generator)
    now = first_batch(SMALL, method.options)
    return network, now, streams(now, (2,), CPU)


def real_loss(logits: Tensor) -> float:
    """Return the mean of -log sigmoid."""
    return float(np.log1p(np.exp(-logits.detach().numpy().astype(np.float64))).mean())


def loss_of(teacher: SrTeacher, now: Iteration, s: Streams, together: bool) -> float:
    """Return L_G of one step: the sum that is given to `descend` for G's parameters."""
    from crossres.methods import intact

    recorded: list[float] = []
    original = intact.descend

    def spy(_now: Any, parts: Any, losses: Any) -> None:
        if parts[0] is teacher.sr_part:
            recorded.extend(loss.item() for loss in losses)
        # nothing moves, so that the losses can be recomputed afterwards

    intact.descend = spy
    try:
        teacher.step(now, s, together)
    finally:
        intact.descend = original
    return recorded[0]


def test_the_critic_reads_the_image_and_the_feature() -> None:
    torch.manual_seed(0)
    critic = Critic(5, (4, 6))
    images, features = torch.rand(2, 3, 8, 4), torch.randn(2, 5)
    maps = critic.read(features)
    stacked = torch.cat([images, maps[:, :, None, None] * torch.ones(2, 4, 8, 4)], 1)
    assert torch.allclose(critic(images, features), critic.judge(stacked), atol=1e-6)
    assert critic(images, features).shape == (2, 1, 2, 1)
    assert not torch.allclose(critic(images, features), critic(images, features.flip(0)))
    assert not torch.allclose(critic(images, features), critic(images.flip(0), features))


def test_stage_one_is_an_srgan() -> None:
    network, now, s = prepared(adversarial=0.0)
    teacher = SrTeacher(network, Run(seed=0))
    gap = (network.sr(s.low) - s.target).detach().numpy().astype(np.float64)
    assert loss_of(teacher, now, s, together=False) == pytest.approx((gap**2).mean(), rel=1e-4)
    network, now, s = prepared(adversarial=0.5)
    teacher = SrTeacher(network, Run(seed=0))
    teacher.d_part = (teacher.d_part[0], 1e-12, 0.0)
    loss = loss_of(teacher, now, s, together=False)
    fooled = real_loss(teacher.discriminator(network.sr(s.low)))
    assert loss == pytest.approx((gap**2).mean() + 0.5 * fooled, rel=1e-4)


def test_stage_three_adds_identity_and_association() -> None:
    network, now, s = prepared(adversarial=0.0, identity=0.3, association=0.7)
    teacher = SrTeacher(network, Run(seed=0))
    loss = loss_of(teacher, now, s, together=True)
    network.reid.eval()
    lifted = network.sr(torch.cat([s.low, s.native]))
    features, logits = network.reid(normalise(lifted))
    gap = (lifted[: len(s.low)] - s.target).detach().numpy().astype(np.float64)
    labels = torch.cat(s.labels[1:])
    identity = part_loss(features, logits, labels, network.options).item()
    accepted = real_loss(teacher.critic(lifted, network.feature(lifted)))
    expected = (gap**2).mean() + 0.3 * identity + 0.7 * accepted
    assert loss == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("association", [0.0, 1e-2])
def test_a_step_moves_the_generator_and_what_judges_it_but_not_the_re_id(association: Any) -> None:
    network, now, s = prepared(association=association, identity=0.0)
    teacher = SrTeacher(network, Run(seed=0))
    parts = (network.sr, teacher.discriminator, teacher.critic, network.reid)
    before = [[p.detach().clone() for p in part.parameters()] for part in parts]
    statistics = [b.clone() for b in network.reid.buffers()]
    teacher.step(now, s, together=True)
    moved = [
        any(not torch.equal(a, b) for a, b in zip(old, part.parameters(), strict=True))
        for old, part in zip(before, parts, strict=True)
    ]
    assert moved == [True, True, association > 0, False]
    assert all(map(torch.equal, statistics, network.reid.buffers()))
    assert all(p.requires_grad for p in network.reid.parameters())
    assert network.reid.training


def test_association_reaches_the_generator() -> None:
    network, now, s = prepared(adversarial=0.0, identity=0.0, association=1.0)
    teacher = SrTeacher(network, Run(seed=0))
    lifted = network.sr(s.low)
    losses = teacher._association(now, streams_without_native(s), lifted)
    torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
    assert network.sr.last.weight.grad is not None  # type: ignore[union-attr]
    assert network.sr.last.weight.grad.abs().sum() > 0  # type: ignore[union-attr,operator]


def streams_without_native(s: Streams) -> Streams:
    none = s.labels[2][:0]
    return Streams(s.high, s.low, s.target, s.native[:0], (s.labels[0], s.labels[1], none))


def test_the_re_id_network_learns_from_hr_images_then_from_all() -> None:
    network, now, s = prepared()
    inputs: list[Tensor] = []
    network.reid.register_forward_pre_hook(lambda _m, args: inputs.append(args[0]))
    reid_loss(network, now, s, together=False)
    assert torch.allclose(inputs[0], normalise(s.high))
    reid_loss(network, now, s, together=True).backward()  # type: ignore[no-untyped-call]
    lifted = network.sr(torch.cat([s.low, s.native]))
    assert torch.allclose(inputs[1], normalise(torch.cat([s.high, lifted])), atol=1e-5)
    assert all(p.grad is None for p in network.sr.parameters())


def fitted(profile: Profile = SMALL, **options: Any) -> Intact:
    method = Intact(profile, **options)
    method.fit(example_train_set(profile), Run(seed=0))
    return method


def test_a_query_is_lifted_and_a_gallery_image_is_not() -> None:
    method, images = fitted(), example_images(5, SMALL, "test")
    network = method.network
    assert isinstance(network, IntactNetwork)
    nn.init.normal_(network.sr.last.weight, std=0.05)  # type: ignore[arg-type,union-attr]
    x = torch.from_numpy(images).permute(0, 3, 1, 2) / 255.0
    with torch.no_grad():
        query = network.feature(network.sr(x[:2])).numpy().astype(np.float64)
        gallery = network.feature(x[2:]).numpy().astype(np.float64)
    expected = np.sqrt(((query[:, None] - gallery[None]) ** 2).sum(2))
    embeddings = method.embed(images)
    distances = method.distances(embeddings[:2], embeddings[2:])
    assert np.allclose(distances, expected, atol=1e-4)


def test_a_fixed_re_id_network_is_that_of_stage_two() -> None:
    never = fitted(association_from=0.0, reid_tuning=0.0)
    network = never.network
    assert isinstance(network, IntactNetwork)
    fresh = never.build(4, Run(seed=0), pretrained=False)
    pairs = zip(network.reid.parameters(), fresh.reid.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(network.sr.last.weight, fresh.sr.last.weight)  # type: ignore[arg-type,union-attr]


def test_without_sr_both_roles_are_one() -> None:
    method, images = fitted(sr="none"), example_images(4, SMALL, "test")
    embeddings = method.embed(images)
    size = embeddings.shape[1] // 2
    assert np.array_equal(embeddings[:, :size], embeddings[:, size : 2 * size])
    assert method.reconstructions(images) == {}
    assert list(fitted().reconstructions(images)) == ["SR"]


@pytest.mark.parametrize(
    "options",
    [
        {"sr": "none"},
        {"association": 0.0, "identity": 0.0, "adversarial": 0.0},
        {"reid_tuning": 0.0, "embed_flip": True, "sr_batchnorm": True},
        {"part_head": "bnneck", "erase": 0.5, "association_from": 0.0},
    ],
)
def test_its_rows_conform(options: dict[str, Any]) -> None:
    assert "determinism" in check_method("intact", None, **options)


def test_wrong_options_and_missing_variants_are_named() -> None:
    for wrong in (
        {"association_from": 1.5},
        {"identity": -1.0},
        {"association": -1.0},
        {"reid_tuning": -0.1},
        {"adversarial": -1.0},
        {"sr": "bicubic"},
    ):
        with pytest.raises(InputError, match=next(iter(wrong))):
            Intact(SMALL, **wrong)  # type: ignore[arg-type]
    full = example_train_set(SMALL)
    some = {2: full.variants[2], 4: full.variants[4]}
    train = TrainSet(full.images, full.labels, full.camids, full.rates, some, full.hr)
    with pytest.raises(InputError, match=r"down-sampled by \[3\]"):
        Intact(SMALL).fit(train, Run(seed=0))


def test_training_without_any_hr_image_still_gives_embeddings() -> None:
    full = example_train_set(SMALL)
    empty = dict.fromkeys((2, 3, 4), full.images[:0])
    none = np.zeros(0, dtype=np.int64)
    train = TrainSet(full.images, full.labels, full.camids, full.rates * 0, empty, none)
    method = Intact(SMALL)
    method.fit(train, Run(seed=0))
    assert np.isfinite(method.embed(full.images[:2])).all()


def test_training_without_any_lr_image_still_gives_embeddings() -> None:
    full, rows = example_train_set(SMALL), example_train_set(SMALL).hr
    train = TrainSet(
        full.images[rows],
        full.labels[rows],
        full.camids[rows],
        full.rates[rows],
        full.variants,
        np.arange(len(rows)),
    )
    method = Intact(SMALL)
    method.fit(train, Run(seed=0))
    assert np.isfinite(method.embed(full.images[:2])).all()
