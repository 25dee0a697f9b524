"""Schedule, optimisers, seeds, pixels and augmentation of a training."""

import numpy as np
import pytest
import torch
from torch import nn

from crossres.datasets import InputError
from crossres.methods import Run
from crossres.methods.interface.conformance import SMALL, example_images, example_train_set
from crossres.methods.interface.registry import method_class
from crossres.methods.shared.reid_options import ReidOptions
from crossres.methods.shared.tensors import (
    Augmented,
    denormalise,
    erasing_mask,
    in_batches,
    normalise,
    to_images,
    to_tensor,
)
from crossres.methods.shared.torch_tools import resolve_device, seeded, start_digest
from crossres.methods.shared.training.loop import iterations
from crossres.methods.shared.training.schedule import make_optimiser, rate_factor, train_spec

CPU = torch.device("cpu")


def test_the_papers_schedule_drops_at_half_of_sixty_epochs() -> None:
    factors = [rate_factor(epoch, 60, 0.5, 0.1) for epoch in range(60)]
    assert factors == [1.0] * 30 + [0.1] * 30


def test_warm_up_grows_linearly_to_one() -> None:
    factors = [rate_factor(step, 60, 0.5, 0.1, 10 / 60) for step in range(12)]
    assert factors == pytest.approx([k / 10 for k in range(1, 11)] + [1.0, 1.0])


def test_epochs_count_the_batches_of_the_training_set() -> None:
    labels = example_train_set(SMALL).labels
    per_epoch = train_spec({"epochs": 1, "identities": 3}).total(labels)
    assert train_spec({"epochs": 60, "identities": 3}).total(labels) == 60 * per_epoch
    assert train_spec({"iterations": 7}).total(labels) == 7


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "either epochs or iterations"),
        ({"epochs": 2, "iterations": 3}, "either epochs or iterations"),
        ({"epochs": 2, "batch": 3}, "train of the profile: unknown entry 'batch'"),
        ({"epochs": 2.5}, "must be of type int"),
        ({"epochs": 2, "hr_images": 0}, "at least 1"),
    ],
)
def test_a_wrong_train_table_is_refused(table: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        train_spec(table)


def test_iterations_give_rates_and_tell_progress_after_each() -> None:
    steps: list[tuple[int, int]] = []
    run = Run(seed=0, progress=lambda done, total: steps.append((done, total)))
    rates = [
        now.rate(2.0)
        for now in iterations(example_train_set(SMALL), {"iterations": 4}, ReidOptions(), run)
    ]
    assert rates == pytest.approx([2.0, 2.0, 0.2, 0.2])
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize("kind", ["adam", "adamw", "sgd"])
def test_first_step_of_each_optimiser(kind: str) -> None:
    parameter = torch.nn.Parameter(torch.tensor([2.0]))
    optimiser = make_optimiser(kind, [parameter], 0.1, 0.0)
    (3.0 * parameter).sum().backward()
    optimiser.step()
    expected = 2.0 - 0.3 if kind == "sgd" else 2.0 - 0.1
    assert parameter.item() == pytest.approx(expected, abs=1e-5)


def test_seeds_differ_by_purpose_and_by_seed_and_stay_below_63_bits() -> None:
    seeds = {Run(seed).seed_for(*p) for seed in (0, 1) for p in (("a",), ("b",), ("a", 1))}
    assert len(seeds) == 6
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_seeded_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    with seeded(3):
        first = torch.rand(2)
    with seeded(3):
        assert torch.equal(first, torch.rand(2))
    assert torch.equal(before, torch.random.get_rng_state())


def test_unknown_devices_are_refused() -> None:
    with pytest.raises(InputError, match="unknown device"):
        resolve_device("abacus")
    assert resolve_device("auto").type in ("cpu", "cuda")


def test_tensors_are_channels_last_and_come_back_to_the_last_bit() -> None:
    images = example_images(3, SMALL, "x")
    images.setflags(write=False)
    tensor = to_tensor(images, CPU)
    assert tensor.is_contiguous(memory_format=torch.channels_last)
    assert np.allclose(tensor.numpy(), images.transpose(0, 3, 1, 2) / 255.0)
    assert np.array_equal(to_images(tensor), images)
    assert torch.allclose(denormalise(normalise(tensor)), tensor, atol=1e-6)
    assert to_images(torch.tensor([-1.0, 0.5, 2.0]).view(1, 3, 1, 1)).tolist() == [
        [[[0, 128, 255]]]
    ]


def test_in_batches_joins_runs_of_any_length() -> None:
    for count in (0, 1, 64, 65, 130):
        images = np.arange(count, dtype=np.uint8).reshape(-1, 1, 1, 1).repeat(3, 3)
        joined = in_batches(images, lambda batch: to_tensor(batch, CPU)[:, 0, 0, 0] * 255)
        assert joined.tolist() == pytest.approx(list(range(count)))


@pytest.mark.parametrize("crop", [0, 2])
def test_an_image_and_its_variants_are_changed_alike(crop: int) -> None:
    train = example_train_set(SMALL)
    plain = train.images.copy()
    for rate in train.variants:
        train.variants[rate][:] = train.images[train.hr]
    indices = np.array([0, 1, 2, 4, 5, 0, 1, 4], dtype=np.int64)
    batch = Augmented(train, indices, 0.5, crop, np.random.default_rng(1))
    images, versions = batch.images(), batch.versions((4, 3, 2, 1))
    assert 0 < batch.mirrored.sum() < len(indices)
    for version in versions:
        assert np.array_equal(version, images[batch.hr])
    assert np.array_equal(train.images, plain)


def test_flip_mirrors_columns() -> None:
    train = example_train_set(SMALL)
    batch = Augmented(train, np.arange(3), 1.0, 0, np.random.default_rng(0))
    assert np.array_equal(batch.images(), train.images[:3, :, ::-1])


def test_crop_moves_the_image_and_fills_with_black() -> None:
    train = example_train_set(SMALL)
    batch = Augmented(train, np.array([0]), 0.0, 2, np.random.default_rng(0))
    batch.offsets = np.array([[0, 4]])
    moved = batch.images()[0]
    assert not moved[:2].any()
    assert not moved[:, -2:].any()
    assert np.array_equal(moved[2:, :-2], train.images[0][:-2, 2:])


def test_erasing_hides_one_rectangle_of_an_image() -> None:
    masks = erasing_mask((200, 32, 16), 0.5, np.random.default_rng(0))
    share = 1.0 - masks.mean((1, 2, 3))
    hidden = share[share > 0]
    assert 60 < len(hidden) < 140
    assert hidden.min() > 0.0
    assert hidden.max() < 0.5
    for mask in masks[share > 0][:20, 0]:
        rows, columns = np.flatnonzero((mask == 0).any(1)), np.flatnonzero((mask == 0).any(0))
        assert not mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].any()


# --- where training begins ------------------------------------------------------------------------


def test_a_start_is_told_by_signs_and_not_by_last_bits_or_names() -> None:
    with seeded(1):
        first = nn.ModuleDict({"a": nn.Linear(9, 40), "b": nn.Conv2d(3, 8, 3)})
    with seeded(2):
        second = nn.ModuleDict({"a": nn.Linear(9, 40), "b": nn.Conv2d(3, 8, 3)})
    renamed = nn.ModuleDict({"z": first["b"], "y": first["a"]})
    assert start_digest(first) == start_digest(renamed)
    assert start_digest(first) != start_digest(second)
    with torch.no_grad():
        for parameter in first.parameters():
            parameter.mul_(1 + 1e-6)
    assert start_digest(first) == start_digest(renamed)
    with torch.no_grad():
        first["a"].weight[0, 0] *= -1
    assert start_digest(first) != start_digest(second)


def test_a_network_tells_where_it_began_and_another_seed_begins_elsewhere() -> None:
    starts = []
    for seed in (0, 0, 1):
        method = method_class("plain")(SMALL)
        assert method.start is None
        method.fit(example_train_set(SMALL), Run(seed))
        starts.append(method.start)
    assert starts[0] == starts[1] != starts[2]
