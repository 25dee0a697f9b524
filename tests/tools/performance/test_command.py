"""`nox -s benchmark`: a function that was slowed makes it fail, and noise does not."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crossres.datasets.base.errors import InputError
from tools.performance import __main__ as command
from tools.performance import subjects
from tools.performance.contests import Contest, Disagreement
from tools.performance.figures import Figure, ratio_of, read_figures
from tools.performance.subjects import SUBJECTS, measure_apart

WORK = [float(number) for number in range(20_000)]


def some_work(times: int, answer: float = 1.0) -> Callable[[], float]:
    def work() -> float:
        for _ in range(times):
            sorted(WORK)
        return answer

    return work


def contest(times: int) -> Iterator[Figure]:
    ours, peers = {"ours": some_work(times)}, {"peer": some_work(1)}
    return Contest("real", ours, peers, (("ours", "peer"),), seconds=0.1).ratios()


def stated(*ratios: float) -> Callable[[], Iterator[Figure]]:
    """Return a subject that measures these ratios, one each time that it is asked."""
    left = iter(ratios)

    def measure() -> Iterator[Figure]:
        yield ratio_of("stated", ("ours", "peer"), [next(left)] * 2, [1.0] * 2)

    return measure


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """run(measure, *words): the exit code and what it said, all figures going to one file."""

    def measured(measure: Callable[[], Iterator[Figure]], *words: str) -> tuple[int, str]:
        monkeypatch.setattr(command, "SUBJECTS", {"stated": measure, "real": measure})
        monkeypatch.setattr(command, "measure_apart", lambda _: list(measure()))
        code = command.main([*words, str(tmp_path / "build" / "figures.json")])
        output = capsys.readouterr()
        return code, output.out + output.err

    return measured


def test_a_function_that_was_slowed_fails(run: Callable[..., tuple[int, str]]) -> None:
    """Measured with the real clock, ours being three times as slow as it was."""
    assert run(lambda: contest(1), "--only", "real", "--write")[0] == 0
    code, said = run(lambda: contest(3), "--only", "real", "--against")
    assert code == 1
    assert "FAILED real: ours / peer: " in said
    assert said.count("looking again") == 2
    assert run(lambda: contest(1), "--only", "real", "--against")[0] == 0


def test_what_was_slow_only_once_does_not_fail(run: Callable[..., tuple[int, str]]) -> None:
    only = ("--only", "stated")
    assert run(stated(1.0), *only, "--write")[0] == 0
    code, said = run(stated(1.14), *only, "--against")
    assert (code, "looking again" in said) == (0, False)
    code, said = run(stated(1.5, 1.02), *only, "--against")
    assert code == 0
    assert said.count("looking again") == 1
    code, said = run(stated(1.5, 1.3, 1.2), *only, "--against")
    assert code == 1
    assert "FAILED stated: ours / peer: 1.2 against 1 committed (+20%)" in said


def test_results_that_differ_are_no_contest(run: Callable[..., tuple[int, str]]) -> None:
    ours, peers = {"ours": some_work(1)}, {"peer": some_work(1, answer=2.0)}
    unequal = Contest("real", ours, peers, (("ours", "peer"),), seconds=0.0)
    with pytest.raises(Disagreement, match=r"ours gives 1\.0, peer 2\.0"):
        list(unequal.ratios())
    code, said = run(unequal.ratios, "--write")
    assert code == 1
    assert said.startswith("performance: real: ours gives 1.0")


def test_unusable_input_is_refused(
    run: Callable[..., tuple[int, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = run(stated(1.0), "--only", "none", "--write")
    assert (code, said) == (2, "performance: --only none: no subject has this in its name\n")
    code, said = run(stated(1.0), "--against")
    assert code == 2
    assert "figures.json: no figures of" in said
    assert command.main(["--only", "stated", "--write", str(command.COMMITTED)]) == 2
    assert "--write takes no --only" in capsys.readouterr().err


def test_nothing_is_committed_without_all_peers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "missing_peers", lambda: {"faiss-cpu": "No module named 'faiss'"})
    before = command.COMMITTED.read_bytes()
    assert command.main(["--write"]) == 2
    assert "install faiss-cpu (No module named 'faiss')" in capsys.readouterr().err
    assert command.COMMITTED.read_bytes() == before


def test_a_subject_is_measured_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that ends its process ends no other."""
    monkeypatch.setattr(subjects, "measure", os._exit)
    with pytest.raises(InputError, match="want of memory"):
        measure_apart(3)  # type: ignore[arg-type]


# --- what is committed ----------------------------------------------------------------------------


def test_the_committed_figures_are_those_of_all_subjects() -> None:
    committed = read_figures(command.COMMITTED)
    assert {figure.subject for figure in committed.figures} == set(SUBJECTS)
    names = [figure.name for figure in committed.figures]
    assert len(names) == len(set(names))
    assert committed.missing == {}
