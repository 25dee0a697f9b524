"""Losses are told to whoever hears a training, by every network, and change nothing in it."""

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
OWN = {
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
}


def test_every_network_is_in_this_list() -> None:
    assert set(OWN) | CLASSIC == set(METHODS)


@pytest.mark.parametrize("name", sorted(OWN))
def test_every_network_tells_its_losses_and_learns_the_same(name: str) -> None:
    told: list[tuple[str, torch.Tensor]] = []
    heard, alone = method_class(name)(SMALL), method_class(name)(SMALL)
    heard.fit(
        example_train_set(SMALL), Run(0, record_loss=lambda n, value: told.append((n, value)))
    )
    alone.fit(example_train_set(SMALL), Run(0))
    assert heard.parameters_digest() == alone.parameters_digest()
    assert {n for n, _ in told} == OWN[name]
    assert all(value.numel() == 1 and math.isfinite(float(value.detach())) for _, value in told)


def test_a_loss_passes_through() -> None:
    loss, told = torch.tensor(2.0), []
    assert recorded_loss("alone", loss) is loss
    with recording_losses(lambda name, value: told.append((name, value))):
        assert recorded_loss("heard", loss) is loss
    with (
        pytest.raises(ValueError),
        recording_losses(lambda name, value: told.append((name, value))),
    ):
        raise ValueError
    recorded_loss("alone", loss)
    assert told == [("heard", loss)]


@pytest.mark.parametrize("note", [("loss", "high"), (3, 1.0), ("loss", torch.zeros(2))])
def test_a_note_that_is_no_name_and_number_does_not_conform(
    note: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = method_class("plain")
    fit = plain.fit

    def noting(self: Any, train: TrainSet, run: Run) -> None:
        run.record_loss(*note)
        fit(self, train, run)

    monkeypatch.setattr(plain, "fit", noting)
    with pytest.raises(MethodCheckError, match="method plain: fit raised"):
        check_method("plain")
