"""Runs that are killed again and again, and then finished; `nox -s chaos` is the long form."""

from pathlib import Path

import pytest

from tests.chaos.grid import HERE, Grid
from tests.chaos.kills import VICTIMS, Study, run_study, undisturbed
from tests.sharing import made_once

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="processes are read from /proc"
)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Grid:
    """The short grid as it is when nobody disturbs it."""

    def make(folder: Path) -> None:
        study = Study()
        undisturbed(Grid(folder, HERE / "short.toml"), study)
        assert study.faults == []

    return Grid(made_once(tmp_path_factory, "undisturbed", make), HERE / "short.toml")


def test_a_run_that_is_killed_again_and_again_loses_nothing(
    tmp_path: Path, reference: Grid
) -> None:
    table = HERE / "short.toml"
    study = run_study(tmp_path, 6, seed=4, engine="local", table=table, reference=reference)
    report = "\n".join(study.lines())
    assert study.faults == [], report
    assert len(study.strikes) == 6, report
    victims = {strike.victim for strike in study.strikes}
    assert victims <= set(VICTIMS)
    assert len(victims) > 2, report


def test_a_run_on_a_cluster_loses_nothing_whoever_is_killed(
    tmp_path: Path, reference: Grid
) -> None:
    victims = ["worker", "Ray worker", "node", "driver"]
    study = run_study(
        tmp_path,
        kills=len(victims),
        seed=1,
        engine="ray",
        table=HERE / "short.toml",
        reference=reference,
        victims=[{victim: 1} for victim in victims],
        phases={"cells": 1},
    )
    report = "\n".join(study.lines())
    assert study.faults == [], report
    assert [strike.victim for strike in study.strikes] == victims, report
    assert study.shipped > 0
