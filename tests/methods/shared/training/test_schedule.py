"""Length of a training, learning rates and optimisers."""

import pytest
import torch

from crossres.datasets import InputError
from crossres.datasets.base.build import build
from crossres.methods.interface.conformance import SMALL, example_train_set
from crossres.methods.interface.profile import TrainSpec
from crossres.methods.shared.training.schedule import make_optimiser, rate_factor, total_iterations


def test_the_papers_schedule_drops_at_half_of_sixty_epochs() -> None:
    factors = [rate_factor(epoch, 60, 0.5, 0.1) for epoch in range(60)]
    assert factors == [1.0] * 30 + [0.1] * 30


def test_warm_up_grows_linearly_to_one() -> None:
    factors = [rate_factor(step, 60, 0.5, 0.1, 10 / 60) for step in range(12)]
    assert factors == pytest.approx([k / 10 for k in range(1, 11)] + [1.0, 1.0])


def test_epochs_count_the_batches_of_the_training_set() -> None:
    labels = example_train_set(SMALL).labels
    per_epoch = total_iterations(build(TrainSpec, {"epochs": 1, "identities": 3}, "train"), labels)
    assert (
        total_iterations(build(TrainSpec, {"epochs": 60, "identities": 3}, "train"), labels)
        == 60 * per_epoch
    )
    assert total_iterations(build(TrainSpec, {"iterations": 7}, "train"), labels) == 7


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "either epochs or iterations"),
        ({"epochs": 2, "iterations": 3}, "either epochs or iterations"),
        ({"epochs": 2, "batch": 3}, "train: unknown entry 'batch'"),
        ({"epochs": 2.5}, "must be an integer"),
        ({"epochs": 2, "hr_images": 0}, "at least 1"),
    ],
)
def test_a_wrong_train_table_is_refused(table: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(TrainSpec, table, "train")


@pytest.mark.parametrize("kind", ["adam", "adamw", "sgd"])
def test_first_step_of_each_optimiser(kind: str) -> None:
    parameter = torch.nn.Parameter(torch.tensor([2.0]))
    optimiser = make_optimiser(kind, [parameter], 0.1, 0.0)
    (3.0 * parameter).sum().backward()
    optimiser.step()
    expected = 2.0 - 0.3 if kind == "sgd" else 2.0 - 0.1
    assert parameter.item() == pytest.approx(expected, abs=1e-5)
