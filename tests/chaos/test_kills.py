"""Runs that are killed again and again, and then finished; `nox -s chaos` is the long form."""

from pathlib import Path

import pytest

from tests.chaos.grid import HERE
from tests.chaos.kills import VICTIMS, run_study

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="processes are read from /proc"
)


@pytest.mark.parametrize("engine", ["local"])
def test_a_run_that_is_killed_again_and_again_loses_nothing(engine: str, tmp_path: Path) -> None:
    study = run_study(tmp_path, kills=6, seed=4, engine=engine, table=HERE / "short.toml")
    report = "\n".join(study.lines())
    assert study.faults == [], report
    assert len(study.strikes) == 6, report
    victims = {strike.victim for strike in study.strikes}
    assert victims <= set(VICTIMS)
    assert len(victims) > 2, report
