"""The mean of the weights over the end of a training, against the mean of copies."""

import pytest
import torch
from torch import nn

from crossres.methods.interface.run import Run
from crossres.methods.shared.training.mean_of_weights import MeanOfWeights


def trained(start: float, steps: int = 8) -> tuple[nn.Module, list[dict[str, torch.Tensor]]]:
    """Return a module after some steps and the loading of means, and its states after each step."""
    module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    generator = torch.Generator().manual_seed(0)
    mean = MeanOfWeights(module, start)
    run = mean.following(Run(seed=0))
    states = []
    for step in range(steps):
        module(torch.randn(5, 3, generator=generator))
        for parameter in module.parameters():
            parameter.data += torch.randn(parameter.shape, generator=generator)
        run.progress(step + 1, steps)
        states.append({name: value.clone() for name, value in module.state_dict().items()})
    mean.load()
    return module, states


@pytest.mark.parametrize(("start", "count"), [(0.0, 8), (0.5, 4), (0.75, 2), (0.9, 1)])
def test_weights_and_running_statistics_are_the_mean_of_the_last_steps(
    start: float, count: int
) -> None:
    module, states = trained(start)
    for name, value in module.state_dict().items():
        if value.is_floating_point():
            expected = torch.stack([state[name] for state in states[-count:]]).double().mean(0)
            torch.testing.assert_close(value.double(), expected, rtol=1e-6, atol=1e-6)
        else:
            assert torch.equal(value, states[-1][name])


def test_without_a_share_the_weights_are_those_of_the_last_step() -> None:
    module, states = trained(1.0)
    for name, value in module.state_dict().items():
        assert torch.equal(value, states[-1][name])


def test_progress_reaches_the_run() -> None:
    steps: list[tuple[int, int]] = []
    run = MeanOfWeights(nn.Linear(1, 1), 0.5).following(
        Run(seed=0, progress=lambda done, total: steps.append((done, total)))
    )
    run.progress(1, 2)
    assert steps == [(1, 2)]
