"""MSIFLA's wiring and its two backward passes: which loss reaches which network, by option."""

from typing import Any, cast

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from crossres.datasets import InputError
from crossres.methods import Run, TrainSet
from crossres.methods.interface.conformance import example_images, example_train_set, small_profile
from crossres.methods.msifla import VERSIONS, Msifla, MsiflaNetwork, ir_loss, learn, reid_loss
from crossres.methods.shared.networks.reid import part_loss
from crossres.methods.shared.tensors import MEAN, STD, normalise, to_tensor
from crossres.methods.shared.training.loop import Iteration
from crossres.methods.shared.training.schedule import make_optimiser
from tests.methods.oracles import first_batch

SMALL = small_profile(Msifla)

ROWS: dict[str, dict[str, Any]] = {
    "Baseline": {"scales": (1,)},
    "+CMSR2": {"reid": "shared"},
    "+MR2L": {},
    "IR_1 + IR_1/2": {"scales": (2, 1)},
    "full + IR_1/4": {"scales": (4, 3, 2, 1)},
}


def prepared(**options: Any) -> tuple[MsiflaNetwork, Iteration]:
    """Build a fresh network in training mode, its IR outputs not the identity, and one batch."""
    method = Msifla(SMALL, **options)
    network = method.build(4, Run(seed=0), pretrained=False).train()
    generator = torch.Generator().manual_seed(0)
    for part in network.ir:
        torch.nn.init.normal_(part.last.weight, std=0.05, generator=generator)  # type: ignore[union-attr,arg-type]
    return network, first_batch(SMALL, method.options)


def touched(network: MsiflaNetwork) -> dict[str, list[bool]]:
    """Say for each IR and re-ID network whether any gradient arrived."""

    def any_gradient(part: torch.nn.Module) -> bool:
        return any(p.grad is not None and bool(p.grad.any()) for p in part.parameters())

    return {
        "ir": [any_gradient(part) for part in network.ir],
        "reid": [any_gradient(part) for part in network.reid],
    }


def weights(module: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])


@pytest.mark.parametrize("row", ROWS)
def test_each_row_has_its_networks_and_its_embedding(row: str) -> None:
    network, _ = prepared(**ROWS[row])
    scales = len(ROWS[row].get("scales", (3, 2, 1)))
    assert len(network.ir) == scales
    assert len(network.reid) == (1 if row == "+CMSR2" else scales)
    images = to_tensor(example_images(2, SMALL, "test"), torch.device("cpu"))
    assert network.eval().features(images).shape == (2, scales * 4 * 32)


def test_embedding_joins_the_features_of_every_scale_of_the_cascade() -> None:
    network, _ = prepared(test_normalise="none")
    network.eval()
    images = torch.rand(2, 3, 32, 16)
    mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
    x, expected = images, []
    for ir, reid in zip(network.ir, network.reid, strict=True):
        x = ir(x)
        expected.append(reid.features((x - mean) / std))  # type: ignore[operator]
    assert torch.allclose(network.features(images), torch.cat(expected, 1), atol=1e-5)


@pytest.mark.parametrize("ir_images", [0, 2])
def test_equation_4_sums_the_scales_over_all_versions_of_the_hr_images(ir_images: int) -> None:
    network, now = prepared(ir_images=ir_images)
    train = example_train_set(SMALL)
    hr = now.batch.hr[:ir_images] if ir_images else now.batch.hr
    assert len(now.batch.hr) > 2
    rows = [int(np.flatnonzero(train.hr == k)[0]) for k in now.batch.indices[hr]]
    mirrored = now.batch.mirrored[hr]
    variants = {r: train.variants[r][rows] for r in (2, 3, 4)}
    x = {
        rate: np.where(mirrored[:, None, None, None], images[:, :, ::-1], images) / 255.0
        for rate, images in {1: train.images[train.hr[rows]], **variants}.items()
    }
    total = 0.0
    for version in (4, 3, 2, 1):
        rebuilt = torch.from_numpy(x[version]).permute(0, 3, 1, 2).float()
        for ir, target in zip(network.ir, (3, 2, 1), strict=True):
            rebuilt = ir(rebuilt)
            difference = rebuilt.detach().permute(0, 2, 3, 1).numpy() - x[target]
            total += float((difference**2).mean())
    assert ir_loss(network, now).item() == pytest.approx(total, rel=1e-5)


def test_versions_always_hold_all_four_rates_in_the_papers_order() -> None:
    assert VERSIONS == (4, 3, 2, 1)
    _, now = prepared(scales=(1,))
    assert now.batch.versions(VERSIONS).shape[0] == 4


@pytest.mark.parametrize("reid", ["per-scale", "shared"])
def test_equation_14_sums_eq_13_over_the_scales(reid: str) -> None:
    """Each scale is a batch of its own for Eq. 12; a shared network normalises over all scales."""
    network, now = prepared(reid=reid)
    device = torch.device("cpu")
    rebuilt = network.reconstructions(to_tensor(now.batch.images(), device))
    inputs = torch.stack([normalise(x) for x in rebuilt])
    labels = now.labels(device)
    if reid == "shared":
        features, logits = network.network_of(0)(inputs.flatten(0, 1))
        outputs = [
            (features[:, k * len(labels) : (k + 1) * len(labels)], part)
            for k, part in enumerate(logits.split(len(labels), 1))
        ]
    else:
        outputs = [network.network_of(k)(x) for k, x in enumerate(inputs)]
    expected = sum(part_loss(f, p, labels, network.options).item() for f, p in outputs)
    assert reid_loss(network, now).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("reid", ["per-scale", "shared"])
def test_a_shared_network_sees_all_scales_at_once(reid: str) -> None:
    network, now = prepared(reid=reid)
    sizes: list[int] = []
    for part in network.reid:
        part.register_forward_hook(lambda _m, args, _out: sizes.append(len(args[0])))
    reid_loss(network, now)
    batch = len(now.batch.indices)
    assert sizes == ([3 * batch] if reid == "shared" else [batch] * 3)


def test_l_ir_trains_the_ir_networks_alone() -> None:
    network, now = prepared()
    ir_loss(network, now).backward()  # type: ignore[no-untyped-call]
    assert touched(network) == {"ir": [True] * 3, "reid": [False] * 3}


@pytest.mark.parametrize(
    ("options", "reached"),
    [({}, True), ({"reid_grad_to_ir": False}, False), ({"ir_warmup": 0.5}, False)],
)
def test_l_reid_reaches_the_ir_networks_only_where_asked(
    options: dict[str, Any], reached: bool
) -> None:
    network, now = prepared(**options)
    reid_loss(network, now).backward()  # type: ignore[no-untyped-call]
    assert touched(network) == {"ir": [reached] * 3, "reid": [True] * 3}


def test_after_its_warm_up_the_gradient_flows() -> None:
    network, now = prepared(ir_warmup=0.5)
    later = Iteration(1, 2, now.batch, now.options, now.generator, now.run)
    reid_loss(network, later).backward()  # type: ignore[no-untyped-call]
    assert touched(network)["ir"] == [True] * 3


def test_detached_losses_train_one_ir_network_each() -> None:
    network, now = prepared(ir_detach=True)
    rebuilt = network.reconstructions(to_tensor(now.batch.images(), torch.device("cpu")))
    rebuilt[2].square().sum().backward()
    assert touched(network)["ir"] == [False, False, True]


def _learn_once(**options: Any) -> tuple[MsiflaNetwork, list[str]]:
    """Do one iteration; list the order of backward passes (IR, ReID) and steps (ir, reid)."""
    network, now = prepared(**options)
    events: list[str] = []
    ir = make_optimiser("sgd", network.ir.parameters(), 0.01, 0.0)
    reid = make_optimiser("sgd", network.reid.parameters(), 0.01, 0.0)
    ir_by_reid = ir
    if options.get("steps") == "separate":
        ir_by_reid = make_optimiser("sgd", network.ir.parameters(), 0.01, 0.0)
        ir_by_reid.register_step_pre_hook(lambda _o, _a, _k: events.append("step ir by L_ReID"))
    for name, optimiser in (("ir", ir), ("reid", reid)):
        optimiser.register_step_pre_hook(lambda _o, _a, _k, n=name: events.append(f"step {n}"))
    last = network.ir[-1].last.bias
    head = network.reid[-1].bias
    assert isinstance(last, torch.Tensor)
    assert isinstance(head, torch.Tensor)
    head.register_hook(lambda _g: events.append("L_ReID"))
    last.register_hook(lambda _g: events.append("gradient to IR"))
    learn(network, now, ir, reid, ir_by_reid)
    return network, events


def test_alternating_steps_after_either_backward_pass() -> None:
    _, events = _learn_once()
    assert events == [
        "gradient to IR",
        "step ir",
        "L_ReID",
        "gradient to IR",
        "step reid",
        "step ir",
    ]


def test_separate_steps_have_an_optimiser_for_either_loss() -> None:
    _, events = _learn_once(steps="separate")
    assert events == [
        "gradient to IR",
        "step ir",
        "L_ReID",
        "gradient to IR",
        "step reid",
        "step ir by L_ReID",
    ]


def test_moments_of_l_ir_do_not_scale_the_steps_of_l_reid() -> None:
    """A tiny L_ReID gradient: one Adam hardly moves, one of its own makes full steps with it."""
    moved = {}
    for steps in ("alternating", "separate"):
        method = Msifla(SMALL, steps=steps, ir_reid_lr=1e-3, ir_lr=1e-3, ir_detach=True)
        network = method.build(4, Run(seed=0), pretrained=False).train()
        parameters = list(network.ir[0].parameters())
        ir = make_optimiser("adam", parameters, 1e-3, 0.0)
        ir_by_reid = make_optimiser("adam", parameters, 1e-3, 0.0) if steps == "separate" else ir
        for _ in range(20):
            for optimiser, gradient in ((ir, 1.0), (ir_by_reid, 1e-4)):
                for parameter in parameters:
                    parameter.grad = torch.full_like(parameter, gradient)
                before = weights(network.ir[0])
                optimiser.step()
        moved[steps] = (weights(network.ir[0]) - before).abs().mean().item()
    assert moved["separate"] == pytest.approx(1e-3, rel=0.01)
    assert moved["alternating"] < moved["separate"]


def test_ir_networks_trained_first_leave_the_joint_batches_as_they_are() -> None:
    """Batches of the joint training do not depend on a phase before; progress counts both."""
    steps: dict[float, list[tuple[int, int]]] = {}
    labels: dict[float, list[bytes]] = {}
    for ir_first in (0.0, 1.5):
        reported: list[tuple[int, int]] = []
        drawn: list[bytes] = []
        run = Run(
            seed=0,
            progress=lambda done, total, out=reported: out.append((done, total)),  # type: ignore[misc]
            record_draws=lambda *arrays, out=drawn: out.append(arrays[0].tobytes()),
        )
        method = Msifla(SMALL, ir_first=ir_first)
        method.fit(example_train_set(SMALL), run)
        steps[ir_first], labels[ir_first] = reported, drawn
    joint = len(steps[0.0])
    alone = round(1.5 * joint)
    assert steps[1.5] == [(k + 1, alone + joint) for k in range(alone + joint)]
    assert labels[1.5][alone:] == labels[0.0]
    assert labels[1.5][:joint] != labels[0.0]


def test_accumulated_takes_one_step_after_both() -> None:
    _, events = _learn_once(steps="accumulated")
    assert events == ["gradient to IR", "L_ReID", "gradient to IR", "step reid", "step ir"]


def test_accumulated_is_one_step_along_the_sum_of_both_gradients() -> None:
    network, now = prepared(steps="accumulated")
    start = weights(network.ir)
    (ir_loss(network, now) + reid_loss(network, now)).backward()  # type: ignore[no-untyped-call]
    gradient = torch.cat([p.grad.flatten() for p in network.ir.parameters() if p.grad is not None])
    learned, _ = _learn_once(steps="accumulated")
    assert torch.allclose(weights(learned.ir), start - 0.01 * gradient, atol=1e-6)


def test_without_reid_gradient_the_ir_networks_learn_from_l_ir_alone() -> None:
    network, now = prepared(reid_grad_to_ir=False)
    start = weights(network.ir)
    ir_loss(network, now).backward()  # type: ignore[no-untyped-call]
    gradient = torch.cat([p.grad.flatten() for p in network.ir.parameters() if p.grad is not None])
    learned, _ = _learn_once(reid_grad_to_ir=False)
    assert torch.allclose(weights(learned.ir), start - 0.01 * gradient, atol=1e-6)


def test_variants_join_the_reid_batch_when_asked() -> None:
    network, now = prepared(reid_inputs="batch+variants", scales=(1,))
    sizes: list[int] = []
    network.reid[0].register_forward_hook(lambda _m, args, _out: sizes.append(len(args[0])))
    reid_loss(network, now)
    assert sizes == [len(now.batch.indices) + 3 * len(now.batch.hr)]


def test_a_batch_without_hr_images_skips_l_ir() -> None:
    full = example_train_set(SMALL)
    rates = np.full_like(full.rates, 0)
    none = np.zeros(0, dtype=np.int64)
    train = TrainSet(
        full.images,
        full.labels,
        full.camids,
        rates,
        dict.fromkeys((2, 3, 4), full.images[:0]),
        none,
    )
    method = Msifla(SMALL, scales=(1,))
    method.fit(train, Run(seed=0))
    assert np.isfinite(method.embed(full.images[:2])).all()


def test_missing_variants_are_named() -> None:
    full = example_train_set(SMALL)
    some = {rate: full.variants[rate] for rate in (2, 4)}
    train = TrainSet(full.images, full.labels, full.camids, full.rates, some, full.hr)
    with pytest.raises(InputError, match=r"down-sampled by \[3\]"):
        Msifla(SMALL).fit(train, Run(seed=0))


def test_reconstructions_are_labelled_in_cascade_order() -> None:
    method = Msifla(SMALL, scales=(4, 2, 1))
    method.fit(example_train_set(SMALL), Run(seed=0))
    images = example_images(3, SMALL, "test")
    rebuilt = method.reconstructions(images)
    assert list(rebuilt) == ["IR_1/4", "IR_1/2", "IR_1"]
    assert all(r.shape == images.shape and r.dtype == np.uint8 for r in rebuilt.values())
    close = np.abs(rebuilt["IR_1"].astype(int) - images).mean()
    assert close < 40


def test_rows_of_a_table_start_from_the_same_weights() -> None:
    full = Msifla(SMALL).build(4, Run(seed=3), pretrained=False)
    base = Msifla(SMALL, scales=(1,)).build(4, Run(seed=3), pretrained=False)
    assert torch.equal(weights(full.ir[2]), weights(base.ir[0]))
    assert torch.equal(weights(full.reid[2]), weights(base.reid[0]))
    assert not torch.equal(weights(full.reid[1]), weights(full.reid[2]))


def test_normalised_space_measures_the_error_there() -> None:
    network, now = prepared(ir_space="normalised", scales=(1,))
    for part in network.ir.parameters():
        torch.nn.init.zeros_(part)
    unit, _ = prepared(scales=(1,))
    for part in unit.ir.parameters():
        torch.nn.init.zeros_(part)
    ratio = ir_loss(network, now).item() / ir_loss(unit, now).item()
    assert 1 / max(STD) ** 2 < ratio < 1 / min(STD) ** 2


def test_the_control_gives_all_networks_the_last_reconstruction() -> None:
    images = torch.rand(3, 3, 32, 16)
    labels = torch.tensor([0, 1, 1])
    method = Msifla(SMALL, reid_sees="last")
    method.fit(example_train_set(SMALL), Run(seed=0))
    network = cast(MsiflaNetwork, method.network)
    last = network.reconstructions(images)[-1]
    blocks = [F.normalize(net.features(normalise(last)), dim=1) for net in network.reid]
    assert torch.equal(network.features(images), torch.cat(blocks, 1))
    rebuilt = network.reconstructions(images)
    expected = sum(part_loss(*net(normalise(last)), labels, method.options) for net in network.reid)
    assert network.reid_loss(rebuilt, labels, None).item() == pytest.approx(expected.item())
