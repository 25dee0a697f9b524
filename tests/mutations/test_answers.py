"""What the gate says of drops and gains of real records: those of the committed baseline."""

import pytest

from crossres.benchmark import load_table
from crossres.benchmark.gate.baseline import read_baseline
from crossres.benchmark.gate.check import check
from crossres.benchmark.gate.limits import Limits
from tests.mutations.answers import CHANGES, changed, words
from tests.mutations.changes import REPOSITORY

BASELINE = read_baseline(REPOSITORY / "baselines" / "gate.json")


@pytest.mark.parametrize("runs", [1, 3])
def test_a_drop_and_a_gain_are_found_and_equal_runs_pass_nothing_unseen(runs: int) -> None:
    *more_runs, now = BASELINE.more_runs
    tables, more_runs = [load_table("gate")], more_runs[: runs - 1]
    said = {
        name: words(check(BASELINE.records, later, tables, more_runs=more_runs))
        for name, change in CHANGES.items()
        for later in [[changed(record, change) for record in now]]
    }
    several = runs > 1
    assert said["equal"].startswith("passed" if several else "unusable (")
    assert said["halved"].startswith(("**failed**: worse", "**failed**: bound"))
    assert said["all 1.0"].startswith(("**failed**: too good", "**failed**: bound"))
    if several:
        assert said["drop of 5 points"] == "**failed**: worse"
        assert said["gain of 5 points"] == "**failed**: too good"


def test_changed_metrics_stay_fractions() -> None:
    record = BASELINE.records[0]
    for change in CHANGES.values():
        for found in changed(record, change).metrics.values():
            assert found["valid_queries"] == record.metrics["single-shot"]["valid_queries"]
            assert all(0 <= v <= 1 for name, v in found.items() if name != "valid_queries")


@pytest.mark.parametrize("left_out", range(4))
def test_each_run_of_the_committed_baseline_passes_against_the_others(left_out: int) -> None:
    """With the bound of the project's own gate, which an equal run must not make unusable."""
    runs = [BASELINE.records, *BASELINE.more_runs]
    now = runs.pop(left_out)
    found = check(runs[0], now, [load_table("gate")], Limits(must_find=0.06), runs[1:])
    assert found.answer == "passed", (found.findings, found.blind)
