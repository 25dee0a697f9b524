"""A ratio that has grown by more than 15 % fails, with both figures; other things are only said."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tools.performance.comparison import notes, report
from tools.performance.figures import Figures, Ratio

Now = Callable[..., Figures]
SUBJECTS = ("evaluator, small", "growing")


def test_the_same_figures_fail_nothing(committed: Figures) -> None:
    assert list(report(committed, committed, SUBJECTS)) == []
    assert list(notes(committed, committed)) == []


@pytest.mark.parametrize(("later", "fails"), [(2.28, False), (2.32, True), (20.0, True)])
def test_a_ratio_may_grow_by_15_per_cent(
    later: float, fails: bool, committed: Figures, now: Now
) -> None:
    assert bool(list(report(committed, now(ratio=later), SUBJECTS))) == fails


def test_both_figures_are_named(committed: Figures, now: Now) -> None:
    (line,) = report(committed, now(ratio=3.0), SUBJECTS)
    assert line == "evaluator, small: measure / product: 3 against 2 committed (+50%)"
    (line,) = report(committed, now(exponent=0.5), SUBJECTS)
    assert line == "growing: memory: exponent 0.50 against 0.00 committed"


@pytest.mark.parametrize(("exponent", "fails"), [(0.14, False), (0.16, True)])
def test_an_exponent_may_grow_by_015(
    exponent: float, fails: bool, committed: Figures, now: Now
) -> None:
    assert bool(list(report(committed, now(exponent=exponent), SUBJECTS))) == fails


def test_what_is_much_quicker_is_said_and_fails_nothing(committed: Figures, now: Now) -> None:
    assert list(report(committed, now(ratio=1.0), SUBJECTS)) == []
    (note,) = notes(committed, now(ratio=1.0))
    assert note.endswith("1 against 2 committed (−50%); commit that")


def test_a_peer_that_is_missing_is_named_and_fails(
    committed: Figures, ratio: Ratio, now: Now
) -> None:
    old = replace(ratio, peer="faiss-cpu, nearest 50")
    with_faiss = replace(committed, figures=(old, *committed.figures[1:]))
    without = now(missing={"faiss-cpu": "No module named 'faiss'"})
    without = replace(without, figures=without.figures[1:])
    (line,) = report(with_faiss, without, SUBJECTS)
    assert line.endswith("was not measured: faiss-cpu cannot be imported")
    (note,) = notes(with_faiss, without)
    assert note.startswith("faiss-cpu cannot be imported (No module named 'faiss')")
    assert list(report(with_faiss, without, ("growing",))) == []  # where it was not asked for


def test_a_figure_more_another_machine_and_a_busy_one_are_said(
    committed: Figures, now: Now
) -> None:
    changes = {"cpu": "Another CPU", "cores": 4, "load": 4.5}
    here = replace(now(), machine={**committed.machine, **changes})
    fewer = replace(committed, figures=committed.figures[1:])
    new, machine, busy = notes(fewer, here)
    assert new == "evaluator, small: measure / product: is not among the committed figures"
    assert machine.startswith("the committed figures are of another cpu: ")
    assert busy.startswith("the machine was busy (a load of 4.5)")
