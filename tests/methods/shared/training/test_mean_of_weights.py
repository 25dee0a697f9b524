"""The mean of the weights over the end of a training, against the mean of copies."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from crossres.benchmark.config.profiles import load_profile
from crossres.methods.interface.conformance import example_train_set
from crossres.methods.interface.run import Run
from crossres.methods.plain import Plain
from crossres.methods.shared.training.mean_of_weights import MeanOfWeights


def test_weights_and_running_statistics_are_averaged() -> None:
    module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    generator = torch.Generator().manual_seed(0)
    mean, states = MeanOfWeights(module), []
    for _ in range(5):
        module(torch.randn(5, 3, generator=generator))
        for parameter in module.parameters():
            parameter.data += torch.randn(parameter.shape, generator=generator)
        mean.add()
        states.append({name: value.clone() for name, value in module.state_dict().items()})
    mean.load()
    for name, value in module.state_dict().items():
        if value.is_floating_point():
            expected = torch.stack([state[name] for state in states]).double().mean(0)
            torch.testing.assert_close(value.double(), expected, rtol=1e-6, atol=1e-6)
        else:
            assert torch.equal(value, states[-1][name])


def test_without_anything_to_average_the_weights_stay() -> None:
    module = nn.Linear(3, 2)
    before = module.weight.clone()
    MeanOfWeights(module).load()
    assert torch.equal(module.weight, before)


@pytest.mark.parametrize(("share", "count"), [(1.0, 1), (0.75, 2), (0.5, 4), (0.0, 8)])
def test_a_training_ends_with_the_mean_over_its_end(share: float, count: int) -> None:
    profile = replace(load_profile("smoke"), train={"iterations": 8, "identities": 2})
    train = example_train_set(profile)
    states: list[dict[str, np.ndarray]] = []
    method = Plain(profile, mean_from=1.0)

    def keep(done: int, total: int) -> None:
        assert (done, total) == (len(states) + 1, 8)
        states.append(
            {name: value.numpy().copy() for name, value in networks[-1].state_dict().items()}
        )

    networks: list[nn.Module] = []
    build = method.build

    def building(*arguments: Any, **named: Any) -> nn.Module:
        network = build(*arguments, **named)
        networks.append(network)
        return network

    method.build = building  # type: ignore[method-assign, assignment]
    method.fit(train, Run(seed=0, progress=keep))
    averaged = Plain(profile, mean_from=share)
    averaged.fit(train, Run(seed=0))
    for name, value in averaged.arrays().items():
        if name in states[0] and value.dtype == np.float32:
            expected = np.mean([state[name] for state in states[-count:]], axis=0, dtype=np.float64)
            np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)
