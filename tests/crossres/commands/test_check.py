"""`crossres baseline`, `check` and `power`, and the pytest fixture, as a team's CI runs them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.command_line import Answered, called

REPOSITORY = Path(__file__).parents[3]
Command = Callable[..., Answered]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("team")


@pytest.fixture(scope="module")
def command(folder: Path, cache: Path) -> Command:
    return partial(called, folder, cache)


@pytest.fixture(scope="module")
def results(command: Command, folder: Path) -> Path:
    """Two cells that cost nothing, and their baseline.

    Of one row and two seeds, so that there is something to test.
    """
    run = ("run", "controls", "--profile", "smoke", "--datasets", "mlr-viper")
    process = command(*run, "--rows", "Plain", "--seeds", "0,1", "--out", "results")
    assert process.returncode == 0, process.stderr
    baseline = command("baseline", "results")
    assert baseline.returncode == 0, baseline.stderr
    (folder / "base.json").write_text(baseline.stdout)
    return folder / "results"


@pytest.fixture
def worse(results: Path) -> Path:
    """A baseline in which every metric is better by 0.25: beyond the bound of 0.2."""
    folder = results.parent
    content = json.loads((folder / "base.json").read_text())
    for record in content["records"]:
        for metrics in record["metrics"].values():
            for name in metrics:
                if name != "valid_queries":
                    metrics[name] = min(1.0, metrics[name] + 0.25)
    path = folder / "better.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.slow
@pytest.mark.usefixtures("results")
def test_the_same_results_pass_and_a_drop_fails(
    command: Command, folder: Path, worse: Path
) -> None:
    repeated = command("check", "results", "--baseline", "base.json", "--exact", "--json")
    assert repeated.returncode == 0, repeated.stderr
    assert json.loads(repeated.stdout)["passed"] is True

    unusable = command("check", "results", "--baseline", "base.json", "--summary", "ci/blind.md")
    assert unusable.returncode == 2, unusable.stderr
    assert "unusable: finds drops of mAP in Plain from " in unusable.stdout
    assert "✅" not in (folder / "ci/blind.md").read_text()
    enough = ("--must-find", "100", "--tolerance", "5")
    assert command("check", "results", "--baseline", "base.json", *enough).returncode == 0

    check = ("check", "results", "--baseline", worse.name, "--junit", "ci/gate.xml")
    failed = command(*check, "--summary", "ci/gate.md", "--annotations")
    assert failed.returncode == 1, failed.stderr
    assert "failed: bound" in failed.stdout
    assert "::error title=crossres bound::Plain: mAP " in failed.stdout
    assert ElementTree.parse(folder / "ci/gate.xml").getroot().attrib["failures"] != "0"
    assert "❌" in (folder / "ci/gate.md").read_text()
    assert command("check", "results", "--baseline", worse.name, "--metrics", "mINP").returncode


@pytest.mark.slow
@pytest.mark.usefixtures("results")
def test_what_cannot_be_checked_is_one_line_and_two(command: Command, folder: Path) -> None:
    (folder / "torn.json").write_text((folder / "base.json").read_text()[:-50])
    for arguments, message in (
        (("check", "results", "--baseline", "none.json"), "none.json: not a readable baseline"),
        (("check", "results", "--baseline", "torn.json"), "torn.json: not a readable baseline"),
        (("check", "nowhere", "--baseline", "base.json"), "nowhere: no results there"),
        (
            ("check", "results", "--baseline", "base.json", "--metrics", "map"),
            "unknown metric 'map'",
        ),
        (("check", "results", "--baseline", "base.json", "--false-alarms", "0"), "no rate between"),
        (
            ("check", "results", "--baseline", "base.json", "--must-find", "nan"),
            "must find: give a finite number",
        ),
        (
            ("check", "results", "--baseline", "base.json", "--time", "nan"),
            "argument --time: 'nan' is not a finite number",
        ),
        (("power", "results", "--drop", "0"), "no metric can fall by that"),
        (("power", "results", "--drop", "nan"), "'nan' is not a finite number"),
        (("baseline", "nowhere"), "nowhere: no results there"),
        (("power", "nowhere"), "nowhere: no results there"),
    ):
        process = command(*arguments)
        assert process.returncode == 2, (arguments, process.stderr)
        assert process.stderr.startswith("crossres: ")
        assert message in process.stderr
        assert len(process.stderr.strip().splitlines()) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("results")
def test_power_takes_a_folder_or_a_baseline(command: Command) -> None:
    process = command("power", "results", "--drop", "5", "--json")
    assert process.returncode == 0, process.stderr
    assert command("power", "base.json", "--drop", "5", "--json").stdout == process.stdout
    assert json.loads(process.stdout)["seeds_needed"]["mAP"]["in_a_row"] >= 2
    assert all(
        sensitivity[name] is None or sensitivity[name] < 1
        for sensitivity in json.loads(process.stdout)["sensitivities"]
        for name in ("overall", "in_a_row")
    )


@pytest.mark.slow
def test_more_runs_of_the_baseline_say_how_much_results_scatter(
    command: Command, folder: Path, results: Path
) -> None:
    refused = command("baseline", "results", "--again", "results")
    assert refused.returncode == 2
    assert "holds 2 records that another run has, too" in refused.stderr

    shutil.copytree(results, folder / "again", dirs_exist_ok=True)
    for path in (folder / "again" / "records").glob("*.json"):
        record = json.loads(path.read_text())
        record["digests"]["embeddings"] = "7" * 64
        record["metrics"]["single-shot"]["mAP"] += 0.01 + 0.01 * record["cell"]["seed"]
        path.write_text(json.dumps(record))
    written = command("baseline", "results", "--again", "again", "--out", "two.json", "--json")
    assert written.returncode == 0, written.stderr
    assert json.loads(written.stdout) == {"written": "two.json", "cells": 2, "runs": 2}

    checked = command("check", "again", "--baseline", "two.json", "--json")
    assert checked.returncode == 2, checked.stderr
    answer = json.loads(checked.stdout)
    assert (answer["runs"], answer["answer"]) == (2, "unusable")
    drawn = command("power", "two.json", "--figure", "power.svg", "--metrics", "mAP", "--json")
    assert drawn.returncode == 0, drawn.stderr
    assert json.loads(drawn.stdout)["runs"] == 2
    assert b"<svg" in (folder / "power.svg").read_bytes()
    of_folders = command("power", "results", "--again", "again", "--metrics", "mAP", "--json")
    assert of_folders.stdout == drawn.stdout
    assert command("power", "two.json", "--figure", "power.doc").returncode == 2


@pytest.mark.slow
@pytest.mark.usefixtures("results")
def test_the_fixture_fails_a_test_with_what_was_found(folder: Path, worse: Path) -> None:
    suite = folder / "suite"
    shutil.rmtree(suite, ignore_errors=True)
    suite.mkdir()
    (suite / "test_mine.py").write_text(
        f"""
def test_as_good_as_it_was(assert_no_regression):
    assert_no_regression({str(folder / "results")!r}, {str(folder / "base.json")!r}, exact=True)


def test_worse(assert_no_regression):
    assert_no_regression({str(folder / "results")!r}, {str(worse)!r}, tables=["controls"])


def test_blind(assert_no_regression):
    assert_no_regression({str(folder / "results")!r}, {str(folder / "base.json")!r})
"""
    )
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "crossres.pytest_plugin",
         "-p", "no:cacheprovider", "test_mine.py"],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=suite,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )  # fmt: skip
    assert "2 failed, 1 passed" in process.stdout, process.stdout + process.stderr
    assert "crossres failed: bound" in process.stdout
    assert "bound: Plain: mAP" in process.stdout
    assert "crossres unusable: finds drops of mAP in Plain from " in process.stdout
