"""The iterations of a training."""

import pytest

from crossres.methods import Run
from crossres.methods.interface.conformance import SMALL, example_train_set
from crossres.methods.interface.profile import TrainSpec
from crossres.methods.shared.reid_options import ReidOptions
from crossres.methods.shared.training.loop import iterations


def test_iterations_give_rates_and_tell_progress_after_each() -> None:
    steps: list[tuple[int, int]] = []
    run = Run(seed=0, progress=lambda done, total: steps.append((done, total)))
    rates = [
        now.rate(2.0)
        for now in iterations(example_train_set(SMALL), TrainSpec(iterations=4), ReidOptions(), run)
    ]
    assert rates == pytest.approx([2.0, 2.0, 0.2, 0.2])
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
