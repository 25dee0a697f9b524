"""PS-HRNet: its loss recomputed by hand, who learns from what, options."""

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from crossres.datasets import InputError
from crossres.methods import Run, TrainSet, check_method
from crossres.methods.interface.conformance import example_images, example_train_set, small_profile
from crossres.methods.ps_hrnet import PsHrnet, PsHrnetNetwork, learning_rate
from crossres.methods.shared.networks.multiscale import MultiScaleReid
from crossres.methods.shared.tensors import normalise, to_tensor
from crossres.methods.shared.training.loop import Iteration
from tests.methods.oracles import first_batch

SMALL = small_profile(PsHrnet)

Array = NDArray[Any]


def prepared(**options: Any) -> tuple[PsHrnetNetwork, Iteration, Tensor, MultiScaleReid]:
    """Build a fresh student, a batch, LR versions of its HR images, and a teacher."""
    method = PsHrnet(SMALL, dropout=0.0, **options)
    student = method.build(4, Run(seed=0), pretrained=False).train()
    teacher = method.build(4, Run(seed=1), pretrained=False).reid.eval()
    now = first_batch(SMALL, method.options)
    return student, now, to_tensor(now.batch.versions((3,))[0], torch.device("cpu")), teacher


@pytest.mark.parametrize(
    "backbone",
    [
        {"name": "resnet-small", "weights": "none", "blocks": [1, 1]},
        {"name": "vit-small", "weights": "none"},
    ],
)
def test_a_trunk_without_four_stages_is_named(backbone: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="has no four maps"):
        PsHrnet(replace(SMALL, backbone=backbone)).fit(example_train_set(SMALL), Run(seed=0))


def hardest(vectors: Array, labels: Array, margin: float) -> float:
    """Compute the batch-hard triplet loss, image by image."""
    total = 0.0
    for k, anchor in enumerate(vectors):
        far = np.linalg.norm(vectors - anchor, axis=1)
        same_identity = labels == labels[k]
        total += max(0.0, margin + far[same_identity].max() - far[~same_identity].min())
    return total / len(vectors)


def numbers(*tensors: Tensor) -> list[Array]:
    return [t.detach().double().numpy() for t in tensors]


@pytest.mark.parametrize(("sr", "taught"), [("vdsr", True), ("vdsr", False), ("none", False)])
def test_the_loss_is_the_papers(sr: str, taught: bool) -> None:
    student, now, low, teacher = prepared(sr=sr, margin=0.7)
    outputs: list[Any] = []
    student.reid.register_forward_hook(lambda _m, _args, out: outputs.append(out))
    loss = student.loss(now, low, teacher if taught else None).item()
    train, batch = example_train_set(SMALL), now.batch
    n, size = len(batch.hr), len(batch.indices)
    assert 0 < n < size
    labels = np.concatenate([train.labels[batch.indices], train.labels[batch.indices][batch.hr]])
    *vectors, logits = numbers(*outputs[0][0], outputs[0][1])
    likely = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    target = np.full_like(logits, 0.1 / 4)
    target[np.arange(len(labels)), labels] += 0.9
    expected = -1.15 * (target * likely).sum(1).mean()
    expected += np.mean([hardest(v, labels, 0.7) for v in vectors])
    images = normalise(to_tensor(batch.images(), torch.device("cpu")))
    high, rows = images[batch.hr], np.concatenate([batch.hr, np.arange(size, size + n)])
    twice = torch.cat([high, high])
    if sr == "vdsr":
        lifted = student.sr(torch.cat([images, normalise(low)]))[rows]
        expected += 0.5 * (lifted - twice).abs().mean().item()
    if taught:
        target_vectors, target_logits = teacher(twice)
        targets = numbers(*target_vectors, target_logits)
        for output, aim in zip([*vectors, logits], targets, strict=True):
            expected += 0.5 * np.abs(output[rows] - aim).mean()
    assert loss == pytest.approx(float(expected), rel=1e-4)


def test_the_teacher_only_tells() -> None:
    student, now, low, teacher = prepared()
    before = {name: x.clone() for name, x in teacher.state_dict().items()}
    student.loss(now, low, teacher).backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is None for p in teacher.parameters())
    assert all(torch.equal(x, before[name]) for name, x in teacher.state_dict().items())
    assert all(p.grad is not None for p in student.parameters())


def test_the_teacher_learns_from_hr_images_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    networks: list[MultiScaleReid] = []
    reid = PsHrnet._reid
    monkeypatch.setattr(
        PsHrnet,
        "_reid",
        lambda self, *args, **kw: networks.append(reid(self, *args, **kw)) or networks[-1],
    )
    train = example_train_set(SMALL)
    noisy = np.where((train.rates == 1)[:, None, None, None], train.images, 255 - train.images)
    PsHrnet(SMALL).fit(train, Run(seed=0))
    PsHrnet(SMALL).fit(replace(train, images=noisy), Run(seed=0))
    first, second = networks[1].state_dict(), networks[3].state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(networks[0].reduce.weight, networks[2].reduce.weight), (
        "students see the LR ones"
    )
    assert not networks[1].training


def test_each_hr_image_gets_one_of_the_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    full, batches = example_train_set(SMALL), list[Tensor]()
    flat = {rate: np.full_like(full.variants[rate], rate) for rate in (2, 3, 4)}
    loss = PsHrnetNetwork.loss

    def spied(self: PsHrnetNetwork, now: Iteration, low: Tensor, teacher: Any) -> Tensor:
        batches.append(low)
        assert len(low) == len(now.batch.hr)
        return loss(self, now, low, teacher)

    monkeypatch.setattr(PsHrnetNetwork, "loss", spied)
    PsHrnet(SMALL, rates=[2, 4], crop=0).fit(replace(full, variants=flat), Run(seed=0))
    drawn = torch.cat(batches).mul(255).round().flatten(1)
    assert torch.equal(drawn.amin(1), drawn.amax(1))
    assert set(drawn[:, 0].tolist()) == {2.0, 4.0}


def test_an_embedding_is_the_normalised_sum_over_an_image_and_its_mirror_image() -> None:
    method = PsHrnet(SMALL)
    method.fit(example_train_set(SMALL), Run(seed=0))
    images = example_images(3, SMALL, "test")
    network, x = cast(PsHrnetNetwork, method.network), to_tensor(images, torch.device("cpu"))
    with torch.no_grad():
        lifted, mirrored = network.sr(normalise(x)), network.sr(normalise(x.flip(3)))
        raw = network.reid.features(lifted) + network.reid.features(mirrored)
        vector = network.reid.vectors(lifted)[0] + network.reid.vectors(mirrored)[0]
    assert np.allclose(method.embed(images), F.normalize(raw, dim=1).numpy(), atol=1e-5)
    assert torch.allclose(raw[:, : vector.shape[1]], vector, atol=1e-4)
    assert raw.shape[1] == vector.shape[1] + 8


def test_progress_counts_teacher_and_student() -> None:
    for teacher, steps in ((True, 6), (False, 3)):
        progress: list[tuple[int, int]] = []
        run = Run(0, "cpu", lambda *now, calls=progress: calls.append(now))  # type: ignore[misc]
        PsHrnet(SMALL, teacher=teacher).fit(example_train_set(SMALL), run)
        assert progress == [(k, steps) for k in range(1, steps + 1)]


def test_rates_of_learning_drop_twice() -> None:
    options = PsHrnet(SMALL).options
    parts = (options, cast(Any, None), Run(0))
    now = [Iteration(step, 71, cast(Any, None), *parts) for step in (5, 30, 60)]
    assert [learning_rate(i, options) for i in now] == pytest.approx([0.0085, 0.00085, 0.000085])


@pytest.mark.parametrize(
    "options",
    [
        {"sr": "none", "teacher": False},
        {"teacher": False, "rates": [3], "test_normalise": "none", "embed_flip": False},
        {"erase": 0.5, "triplet_normalise": True, "optimiser": "adam", "distil_weight": 0.0},
    ],
    ids=str,
)
def test_its_rows_conform(options: dict[str, Any]) -> None:
    assert "determinism" in check_method("ps-hrnet", **options)


def test_wrong_options_and_missing_variants_are_named() -> None:
    for wrong in ({"parts": 4}, {"part_head": "pcb"}, {"rates": [2, 2]}, {"sr_width": 0}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            PsHrnet(SMALL, **wrong)
    for wrong in ({"dropout": 1.0}, {"lr_drop_again_at": 2.0}):
        with pytest.raises(InputError, match="must lie between 0 and 1"):
            PsHrnet(SMALL, **wrong)
    full = example_train_set(SMALL)
    some = {2: full.variants[2], 4: full.variants[4]}
    with pytest.raises(InputError, match=r"down-sampled by \[3\]"):
        PsHrnet(SMALL).fit(replace(full, variants=some), Run(seed=0))


def test_training_without_any_hr_image_still_gives_embeddings() -> None:
    full = example_train_set(SMALL)
    none = np.zeros(0, dtype=np.int64)
    empty = dict.fromkeys((2, 3, 4), full.images[:0])
    rates = np.zeros_like(full.rates)
    method = PsHrnet(SMALL)
    method.fit(TrainSet(full.images, full.labels, full.camids, rates, empty, none), Run(seed=0))
    assert np.isfinite(method.embed(full.images[:2])).all()
