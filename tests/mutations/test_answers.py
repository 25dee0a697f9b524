"""What the gate says of drops and gains of real records: those of the committed baseline."""

import pytest

from crossres.benchmark import load_table
from crossres.benchmark.gate.baseline import read_baseline
from crossres.benchmark.gate.check import check
from crossres.benchmark.gate.limits import Limits
from tests.mutations.answers import CHANGES, answer, changed, words
from tests.mutations.changes import REPOSITORY

BASELINE = read_baseline(REPOSITORY / "baselines" / "gate.json")


def test_too_few_seeds_pass_nothing_unseen_and_a_collapse_is_found_all_the_same() -> None:
    for seeds, halved, perfect in ((2, "bound", "bound"), (4, "worse", "too good")):
        said = {
            name: words(answer([BASELINE.records], [changed(r, change) for r in run], seeds))
            for run in BASELINE.more_runs[:1]
            for name, change in CHANGES.items()
        }
        for name in ("equal", "drop of 5 points", "gain of 5 points"):
            assert said[name].startswith("unusable (")
        assert said["halved"] == f"**failed**: {halved}"
        assert said["all 1.0"] == f"**failed**: {perfect}"


@pytest.mark.parametrize(("runs", "equal"), [(1, "unusable ("), (2, "unusable ("), (3, "passed (")])
def test_a_drop_and_a_gain_are_found_and_equal_runs_pass_nothing_unseen(
    runs: int, equal: str
) -> None:
    *more_runs, now = BASELINE.more_runs
    said = {
        name: words(check(BASELINE.records, later, [load_table("gate")], more_runs=known))
        for known in [more_runs[: runs - 1]]
        for name, change in CHANGES.items()
        for later in [[changed(record, change) for record in now]]
    }
    assert said["equal"].startswith(equal)
    assert said["drop of 5 points"] == said["halved"] == "**failed**: worse"
    assert said["gain of 5 points"] == said["all 1.0"] == "**failed**: too good"


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
