"""Runs that are killed again and again, and then finished; `nox -s chaos` is the long form."""

from pathlib import Path

import pytest

from tests.chaos.grid import HERE
from tests.chaos.kills import VICTIMS, run_study

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="processes are read from /proc"
)


def test_a_run_that_is_killed_again_and_again_loses_nothing(tmp_path: Path) -> None:
    study = run_study(tmp_path, kills=6, seed=4, engine="local", table=HERE / "short.toml")
    report = "\n".join(study.lines())
    assert study.faults == [], report
    assert len(study.strikes) == 6, report
    victims = {strike.victim for strike in study.strikes}
    assert victims <= set(VICTIMS)
    assert len(victims) > 2, report


def test_a_run_on_a_cluster_loses_nothing_whoever_is_killed(tmp_path: Path) -> None:
    victims = ["worker", "Ray worker", "node", "driver"]
    study = run_study(
        tmp_path,
        kills=len(victims),
        seed=1,
        engine="ray",
        table=HERE / "short.toml",
        victims=[{victim: 1} for victim in victims],
        phases={"cells": 1},
    )
    report = "\n".join(study.lines())
    assert study.faults == [], report
    assert [strike.victim for strike in study.strikes] == victims, report
    assert study.shipped > 0
