"""Learning curves: bins against a computation of their own, and numbers that are none."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from crossres.benchmark.measures.learning_curves import BINS, Curves


def silent(done: int, total: int) -> None:
    del done, total


def heard(losses: list[float], name: str = "loss") -> dict[str, NDArray[Any]]:
    """The curve of a training with one value a step."""
    curves = Curves(silent)
    for step, loss in enumerate(losses, start=1):
        curves.record_loss(name, loss)
        curves.progress(step, len(losses))
    return curves.arrays()


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=333))
def test_bins_are_means_of_equal_shares_of_the_steps(losses: list[float]) -> None:
    arrays = heard(losses)
    bins = min(BINS, len(losses))
    groups = [[] for _ in range(bins)]
    for step, loss in enumerate(losses):
        groups[math.floor(step / len(losses) * bins + 1e-9)].append(loss)
    assert arrays["curve_names"].tolist() == ["loss"]
    assert arrays["curve_counts"].tolist() == [list(map(len, groups))]
    assert max(map(len, groups)) - min(map(len, groups)) <= 1
    np.testing.assert_allclose(arrays["curve_means"][0], list(map(np.mean, groups)), atol=1e-6)


def test_losses_that_are_not_there_in_every_step() -> None:
    curves = Curves(silent)
    for step in range(100):
        curves.record_loss("always", 1.0)
        if step >= 50:
            curves.record_loss("late", torch.tensor(2.0))
            curves.record_loss("late", 4.0)  # twice in a step: the mean
        curves.progress(step + 1, 100)
    arrays = curves.arrays()
    assert arrays["curve_names"].tolist() == ["always", "late"]
    assert arrays["curve_counts"].tolist() == [[2] * 50, [0] * 25 + [4] * 25]
    assert np.isnan(arrays["curve_means"][1, :25]).all()
    assert (arrays["curve_means"][1, 25:] == 3.0).all()


def test_a_number_that_is_none_breaks_nothing_and_is_seen() -> None:
    losses = [1.0] * 100
    losses[10], losses[30], losses[31], losses[50] = math.nan, math.inf, -math.inf, math.inf
    arrays = heard(losses)
    assert arrays["curve_counts"].tolist() == [[2] * 50]
    assert np.flatnonzero(~np.isfinite(arrays["curve_means"][0])).tolist() == [5, 15, 25]


def test_tensors_are_read_late_and_keep_no_graph() -> None:
    weight = torch.ones(3, requires_grad=True)
    curves = Curves(silent)
    for step in range(4):
        curves.record_loss("loss", (weight * step).sum())
        curves.progress(step + 1, 4)
    assert curves.arrays()["curve_means"].tolist() == [[0.0, 3.0, 6.0, 9.0]]
    assert all(not v.requires_grad for v in curves._open.get("loss", []))


def test_what_is_noted_is_read_once_a_bin(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU is waited for at most BINS times a loss, however long the training is."""
    reads = []
    tolist = torch.Tensor.tolist
    monkeypatch.setattr(torch.Tensor, "tolist", lambda t: reads.append(len(t)) or tolist(t))
    heard([torch.tensor(float(k)) for k in range(1000)])
    assert reads == [20] * BINS


def test_progress_is_passed_on() -> None:
    reported: list[tuple[int, int]] = []
    curves = Curves(lambda done, total: reported.append((done, total)))
    curves.progress(0, 3)
    curves.progress(3, 3)
    assert reported == [(0, 3), (3, 3)]
    assert curves.arrays() == {}


def test_notes_without_progress_are_the_last_bin() -> None:
    curves = Curves(silent)
    curves.record_loss("loss", 1.0)
    assert curves.arrays()["curve_means"].tolist() == [[1.0]]
    curves.progress(1, 2)
    curves.progress(2, 2)
    curves.record_loss("loss", 5.0)
    arrays = curves.arrays()
    assert (arrays["curve_means"].tolist(), arrays["curve_counts"].tolist()) == (
        [[1.0, 5.0]],
        [[1, 1]],
    )


def test_a_value_that_is_no_number_is_refused() -> None:
    curves = Curves(silent)
    curves.record_loss("loss", torch.zeros(2))
    with pytest.raises(RuntimeError):
        curves.arrays()


def test_the_first_steps_are_kept_apart() -> None:
    curves = Curves(silent)
    for step in range(1, 200):
        for _ in range(2):
            curves.record_loss("always", float(step))
        curves.record_loss("diverged", math.nan)
        if step == 3:
            curves.record_loss("third", torch.tensor(7.0))
        if step == 4:
            curves.record_loss("late", 1.0)
        curves.progress(step, 199)
    assert curves.first_losses() == {"always": 2.0, "third": 7.0}
    assert curves.first_draws() is None


def test_what_the_first_steps_drew_is_told_apart() -> None:
    def drawn(*draws: list[int]) -> str | None:
        curves = Curves(silent)
        for step, values in enumerate(draws, start=1):
            curves.record_draws(np.array(values, dtype=np.int64))
            curves.progress(step, len(draws))
        return curves.first_draws()

    digest = drawn([1, 2], [3], [4], [5])
    assert digest == drawn([1, 2], [3], [4], [6])  # the fourth step is no first one
    assert len({digest, drawn([2, 1], [3], [4]), drawn([1], [2, 3], [4]), drawn([1, 2], [3])}) == 4


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("ab"), st.floats(width=32), st.booleans()), max_size=3),
        min_size=1,
        max_size=120,
    ),
    st.data(),
)
def test_curves_that_are_saved_and_taken_up_anywhere_go_on_as_if_nothing_had_been(
    steps: list[list[tuple[str, float, bool]]], data: st.DataObject
) -> None:
    stop = data.draw(st.integers(0, len(steps)))

    def follow(curves: Curves, first: int, last: int) -> None:
        for step in range(first, last):
            curves.record_draws(np.arange(step), np.full(2, step, dtype=np.float32))
            for name, value, of_tensor in steps[step]:
                curves.record_loss(name, torch.tensor(value) if of_tensor else value)
            curves.progress(step + 1, len(steps))

    whole, before, after = Curves(silent), Curves(silent), Curves(silent)
    follow(whole, 0, len(steps))
    follow(before, 0, stop)
    saved = before.saved()
    after.record_loss("b", 5.0)  # before it is known where to go on
    after.record_draws(np.ones(3))
    after.resume(saved)
    follow(after, stop, len(steps))
    for name, array in whole.arrays().items():
        assert after.arrays()[name].tobytes() == array.tobytes()
    assert list(after.arrays()) == list(whole.arrays())
    assert after.first_losses() == whole.first_losses()
    assert after.first_draws() == whole.first_draws() is not None
