"""Every network records its losses, and recording them changes nothing in its training."""

import math
from typing import Any

import pytest
import torch

from crossres.methods import MethodCheckError, check_method
from crossres.methods.interface.conformance import example_train_set, small_profile
from crossres.methods.interface.registry import METHODS, method_class
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import TrainSet
from crossres.methods.shared.loss_recording import recorded_loss, recording_losses

SMALL = small_profile(*METHODS)

CLASSIC = {"judea", "sld2l", "sdf"}
LOSSES: dict[str, set[str]] = {
    "msifla": {"cross-entropy", "triplet", "reconstruction"},
    "plain": {"cross-entropy", "triplet"},
    "pcb": {"cross-entropy"},
    "bot": {"cross-entropy", "triplet", "centre"},
    "sing": {"cross-entropy", "reconstruction"},
    "csr-gan": {"cross-entropy", "triplet", "reconstruction", "adversarial", "discriminator"},
    "cad-net": {"cross-entropy", "triplet", "recovery", "adversarial", "discriminator"},
    "rain": {"cross-entropy", "triplet", "recovery", "adversarial", "discriminator"},
    "intact": {
        *("cross-entropy", "triplet", "reconstruction", "adversarial"),
        *("discriminator", "critic", "association"),
    },
    "pri": {"cross-entropy", "triplet", "recovery", "prediction"},
    "pcb-pri": {"cross-entropy", "triplet", "recovery", "prediction"},
    "apsr": {"cross-entropy", "triplet", "recovery"},
    "ps-hrnet": {
        *("teacher's cross-entropy", "teacher's triplet"),
        *("cross-entropy", "triplet", "reconstruction", "distillation"),
    },
    "jbim": {"cross-entropy", "reconstruction"},
    "lrar": {"cross-entropy", "verification"},
    "vpfa": {"cross-entropy", "triplet", "panning", "rate"},
    "frozen": set(),
    "frozen-vpfa": {"panning", "rate"},
}


def test_every_network_is_in_this_list() -> None:
    assert set(LOSSES) | CLASSIC == set(METHODS)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_every_network_records_its_losses_and_learns_the_same(name: str) -> None:
    losses: list[tuple[str, torch.Tensor]] = []
    recorded, unrecorded = method_class(name)(SMALL), method_class(name)(SMALL)
    recorded.fit(
        example_train_set(SMALL), Run(0, record_loss=lambda n, value: losses.append((n, value)))
    )
    unrecorded.fit(example_train_set(SMALL), Run(0))
    assert recorded.parameters_digest() == unrecorded.parameters_digest()
    assert {n for n, _ in losses} == LOSSES[name]
    assert all(value.numel() == 1 and math.isfinite(float(value.detach())) for _, value in losses)


def test_a_loss_passes_through() -> None:
    loss, losses = torch.tensor(2.0), []
    assert recorded_loss("before", loss) is loss
    with recording_losses(lambda name, value: losses.append((name, value))):
        assert recorded_loss("inside", loss) is loss
    with (
        pytest.raises(ValueError),
        recording_losses(lambda name, value: losses.append((name, value))),
    ):
        raise ValueError
    recorded_loss("after", loss)
    assert losses == [("inside", loss)]


@pytest.mark.parametrize("arguments", [("loss", "high"), (3, 1.0), ("loss", torch.zeros(2))])
def test_a_loss_that_is_no_name_and_number_does_not_conform(
    arguments: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = method_class("plain")
    fit = plain.fit

    def fit_and_record(self: Any, train: TrainSet, run: Run) -> None:
        run.record_loss(*arguments)
        fit(self, train, run)

    monkeypatch.setattr(plain, "fit", fit_and_record)
    with pytest.raises(MethodCheckError, match="method plain: fit raised"):
        check_method("plain")
