"""Trainings that stop and go on: what is kept, where it is put, and what cannot be gone on from."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load
from torch import nn
from torch.optim.lr_scheduler import StepLR

from crossres.methods.interface.conformance import SMALL, example_train_set
from crossres.methods.interface.run import Checkpoints, Run, UnusableCheckpoint
from crossres.methods.plain import Plain, PlainNetwork
from crossres.methods.shared.checkpoints import kept, resumable, steps
from crossres.methods.shared.training.schedule import make_optimiser

CPU = torch.device("cpu")
Files = Mapping[str, bytes]


class Stopped(BaseException):
    pass


@dataclass
class Keeper:
    """Keeps checkpoints in memory, and stops the training after the one of this number."""

    stop: int = 0
    files: Files | None = None
    resumed: bool = False

    def __post_init__(self) -> None:
        self.found, self.kept = self.files, list[Files]()
        self.done: list[int] = []

    def run(self, **changes: Any) -> Run:
        checkpoints = Checkpoints(lambda: True, self.keep, self.found, self.resume)
        run = Run(0, progress=lambda done, _: self.done.append(done), checkpoints=checkpoints)
        return replace(run, **changes)

    def keep(self, files: Files) -> None:
        self.kept.append(files)
        if len(self.kept) == self.stop:
            raise Stopped

    def resume(self) -> None:
        self.resumed = True


def stopped(train: Callable[[Run], Any], stop: int, files: Files | None = None) -> Files:
    keeper = Keeper(stop, files)
    with suppress(Stopped):
        resumable(lambda: train(keeper.run()), keeper.run(), CPU)
        pytest.fail("did not stop")
    return keeper.kept[-1]


def finished(train: Callable[[Run], Any], files: Files | None = None) -> tuple[Any, Keeper]:
    keeper = Keeper(0, files)
    run = keeper.run()
    return resumable(lambda: train(run), run, CPU), keeper


def test_nothing_is_kept_without_checkpoints() -> None:
    generator = np.random.default_rng(0)
    assert kept(generator) is generator
    done: list[tuple[int, int]] = []
    run = Run(0, progress=lambda *step: done.append(step))
    assert list(steps(run, 3, iter("abcd"))) == [(0, "a"), (1, "b"), (2, "c")]
    assert done == [(1, 3), (2, 3), (3, 3)]
    assert list(steps(run, 0, iter("abcd"))) == []


def walk(run: Run) -> list[Any]:
    """Two loops that carry on a generator, with something learned from the first in between."""
    draws = kept(np.random.default_rng(1))
    weight = nn.Parameter(torch.zeros(3))
    optimiser = make_optimiser("adam", [weight], 0.1, 0.0)
    schedule = kept(StepLR(optimiser, 2, 0.5))

    def step() -> None:
        optimiser.zero_grad()
        (weight - torch.from_numpy(draws.normal(size=3))).square().sum().backward()
        optimiser.step()
        schedule.step()

    for _ in steps(run, 4, iter(range(4))):
        step()
    between = (weight.detach().clone(), draws.normal(), schedule.get_last_lr())
    # The optimiser goes on in the second loop, so that what it was at the end of the first is gone.
    own = kept(np.random.default_rng(2))
    for _, item in steps(run.part(4, 7), 3, iter(range(10))):
        step()
        weight.data += item * own.normal()
    return [weight.tolist(), between[0].tolist(), *between[1:], draws.normal(), own.normal()]


@pytest.mark.parametrize("stop", range(1, 8))
def test_a_training_goes_on_in_whichever_loop_it_was_stopped(stop: int) -> None:
    expected = walk(Run(0))
    result, keeper = finished(walk, stopped(walk, stop))
    assert result == expected
    assert keeper.resumed
    assert keeper.done == list(range(stop + 1, 8))


def test_a_training_may_be_stopped_after_each_step() -> None:
    files = None
    for _ in range(7):
        files = stopped(walk, 1, files)
    result, keeper = finished(walk, files)
    assert result == walk(Run(0))
    assert keeper.done == []


def test_a_checkpoint_is_json_and_safetensors_and_says_where_it_was_made() -> None:
    files = stopped(walk, 6)
    assert set(files) == {"training.json", "loop0.safetensors", "loop1.safetensors"}
    overview = json.loads(files["training.json"])
    assert [state["step"] for state in overview["states"]] == [4, 2]
    # The parameter, its gradient, its two moments and its steps, and torch's generator.
    assert len(load(files["loop1.safetensors"])) == 6


def test_loops_within_each_other_keep_no_checkpoint() -> None:
    """There is no telling where each of them was."""

    def nested(run: Run) -> list[tuple[int, int]]:
        draws = kept(np.random.default_rng(1))
        return [
            (int(draws.integers(9)), int(draws.integers(9)))
            for _ in steps(run, 2, iter(range(2)))
            for _ in steps(Run(0), 2, iter(range(2)))
        ]

    _, keeper = finished(nested)
    assert keeper.kept == []


def test_after_a_loop_that_was_left_early_there_is_no_checkpoint() -> None:
    def leaves(run: Run) -> None:
        for step, _ in steps(run, 3, iter(range(3))):
            if step == 1:
                break
        for _ in steps(run, 3, iter(range(3))):
            pass

    _, keeper = finished(leaves)
    assert len(keeper.kept) == 1  # of the first step of the first loop


def test_how_numbers_lie_in_memory_is_kept() -> None:
    """Fused optimisers take the moments of a weight by their place in memory."""

    def train(run: Run) -> tuple[Any, Any]:
        torch.manual_seed(0)
        network = kept(nn.Conv2d(4, 4, 3).to(memory_format=torch.channels_last))
        adam = make_optimiser("adam", network.parameters(), 0.1, 0.0)
        for _, item in steps(run, 4, iter(range(4))):
            adam.zero_grad()
            images = torch.arange(64.0).reshape(1, 4, 4, 4) / 64 + item
            network(images).square().sum().backward()
            adam.step()
        return network.weight, adam.state[network.weight]["exp_avg"]

    with torch.random.fork_rng():
        weight, moment = train(Run(0))
        again, moment_again = finished(train, stopped(train, 2))[0]
    assert weight.stride() == again.stride() == moment.stride() == moment_again.stride()
    assert not moment.is_contiguous()
    assert torch.equal(weight, again)
    assert torch.equal(moment, moment_again)


def test_gradients_may_add_up_over_several_steps() -> None:
    def train(run: Run) -> list[float]:
        weight = nn.Parameter(torch.ones(3))
        optimiser = make_optimiser("sgd", [weight], 0.1, 0.0)
        for step, item in steps(run, 6, iter(range(6))):
            (weight * item).square().sum().backward()
            if step % 3 == 2:
                optimiser.step()
                optimiser.zero_grad()
        return weight.tolist()

    for stop in range(1, 7):
        assert finished(train, stopped(train, stop))[0] == train(Run(0))


def test_numbers_of_torchs_own_generator_go_on_and_do_not_leak() -> None:
    def train(run: Run) -> list[float]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            drawn = [float(torch.rand(())) for _ in steps(run, 4, iter(range(4)))]
            return [*drawn, float(torch.rand(()))]

    expected = train(Run(0))
    files = stopped(train, 3)
    before = torch.get_rng_state()
    assert finished(train, files)[0] == expected[3:]
    assert torch.equal(torch.get_rng_state(), before)


def test_what_json_cannot_hold_is_named() -> None:
    class Odd:
        def state_dict(self) -> Any:
            return {"names": {"a", "b"}}

        def load_state_dict(self, state: Any) -> None:
            raise NotImplementedError

    def train(run: Run) -> None:
        kept(Odd())
        for _ in steps(run, 2, iter(range(2))):
            pass

    with pytest.raises(TypeError, match=r"cannot hold a builtins\.set, which something kept has"):
        finished(train)


def one_loop(network: nn.Module, run: Run) -> None:
    kept(network)
    for _ in steps(run, 3, iter(range(3))):
        pass


def misfits() -> Iterator[tuple[str, Callable[[Run], Any], Callable[[Run], Any], str]]:
    def linear(run: Run) -> None:
        one_loop(nn.Linear(2, 2), run)

    def other(run: Run) -> None:
        one_loop(nn.Conv2d(2, 2, 1), run)

    def wide(run: Run) -> None:
        one_loop(nn.Linear(2, 3), run)

    def twice(run: Run) -> None:
        linear(run)
        linear(run)

    def one_weight(run: Run) -> None:
        make_optimiser("sgd", [nn.Parameter(torch.zeros(2))], 0.1, 0)
        one_loop(nn.Linear(2, 2), run)

    def wide_weight(run: Run) -> None:
        make_optimiser("sgd", [nn.Parameter(torch.zeros(3))], 0.1, 0)
        one_loop(nn.Linear(2, 2), run)

    yield "another network", linear, other, "is of a training with other networks or optimisers"
    yield "an optimiser more", linear, one_weight, "is of a training with other networks or"
    yield "another size", linear, wide, "does not fit (RuntimeError: Error(s) in loading"
    yield "another parameter", one_weight, wide_weight, "is of networks of other sizes"
    yield "a loop less", twice, linear, "is of a training with more loops"


@pytest.mark.parametrize(
    ("before", "after", "words"), [case[1:] for case in misfits()], ids=[c[0] for c in misfits()]
)
def test_a_state_that_does_not_fit_is_ignored_with_one_warning(
    before: Callable[[Run], Any],
    after: Callable[[Run], Any],
    words: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    files = stopped(before, 6 if words.endswith("loops") else 2)
    with caplog.at_level(logging.WARNING):
        _, keeper = finished(after, files)
    (record,) = caplog.records
    assert words in record.getMessage()
    assert not keeper.resumed
    assert keeper.done == [1, 2, 3]


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: {},
        lambda files: {"training.json": files["training.json"]},
        lambda files: files | {"training.json": b"{}"},
        lambda files: files | {"training.json": b"\x80\x04."},
        lambda files: files | {"training.json": b'{"format": 1, "training": 0, "states": [3]}'},
        lambda files: files | {"training.json": files["training.json"][:-2]},
        lambda files: files | {"training.json": b'{"format": 2}'},
        lambda files: files | {"loop0.safetensors": b""},
        lambda files: files | {"loop0.safetensors": files["loop0.safetensors"][:-1]},
    ],
)
def test_damaged_files_are_ignored_by_a_training_too(
    damage: Callable[[Files], Files], caplog: pytest.LogCaptureFixture
) -> None:
    expected, files = walk(Run(0)), stopped(walk, 2)
    with caplog.at_level(logging.WARNING):
        result, keeper = finished(walk, damage(files))
    assert result == expected
    assert [r.getMessage().split(":")[0] for r in caplog.records] == [
        "a checkpoint is ignored and its training starts anew"
    ]
    assert keeper.done == list(range(1, 8))


def test_whoever_follows_a_training_may_refuse_to_go_on() -> None:
    files = stopped(walk, 2)
    done: list[int] = []

    def refuse() -> None:
        raise UnusableCheckpoint("is not mine")

    checkpoints = Checkpoints(lambda: False, lambda _: None, files, refuse)
    run = Run(0, progress=lambda step, _: done.append(step), checkpoints=checkpoints)
    assert resumable(lambda: walk(run), run, CPU) == walk(Run(0))
    assert done == list(range(1, 8))


def digests(run: Run) -> list[str]:
    """Train two methods after another, as one that is made of several does."""
    trained = []
    for seed in (5, 6):
        method = Plain(SMALL)
        method.fit(example_train_set(SMALL), replace(run, seed=seed))
        trained.append(method.parameters_digest())
    return trained


@pytest.mark.parametrize("stop", range(1, 7))
def test_of_two_trainings_in_one_run_each_finds_its_own_checkpoint(stop: int) -> None:
    keeper = Keeper(stop)
    with pytest.raises(Stopped):
        digests(keeper.run())
    last = Keeper(0, keeper.kept[-1])
    assert digests(last.run()) == digests(Run(0))
    of_second = [1, 2, 3, *range(stop - 2, 4)]  # the first is trained again
    assert last.done == ([*range(stop + 1, 4), 1, 2, 3] if stop <= 3 else of_second)


class Within(Plain):
    """Trains another method before its own loop."""

    def train(self, network: PlainNetwork, train: Any, run: Run) -> None:
        inner = Plain(self.profile)
        inner.fit(train, replace(run, seed=run.seed + 1))
        assert inner.network is not None
        network.load_state_dict(inner.network.state_dict())
        super().train(network, train, run)


@pytest.mark.parametrize("stop", range(1, 7))
def test_a_training_within_another_one(stop: int) -> None:
    train = example_train_set(SMALL)
    expected = Within(SMALL)
    expected.fit(train, Run(0))
    keeper = Keeper(stop)
    with pytest.raises(Stopped):
        Within(SMALL).fit(train, keeper.run())
    resumed, last = Within(SMALL), Keeper(0, keeper.kept[-1])
    resumed.fit(train, last.run())
    assert last.resumed
    assert resumed.parameters_digest() == expected.parameters_digest()
