"""action.yml, its scripts run as GitHub runs them: by bash, with the inputs as environment."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command_line import called

REPOSITORY = Path(__file__).parents[1]
BASH = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]
ACTION: dict[str, Any] = yaml.safe_load((REPOSITORY / "action.yml").read_text(encoding="utf-8"))
STEPS = {step["id"]: step for step in ACTION["runs"]["steps"] if "id" in step}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with a `crossres` that first is on the PATH and runs the code of this checkout."""
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "crossres"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m crossres "$@"\n')
    command.chmod(0o755)
    return tmp_path


def step(checkout: Path, name: str, **inputs: str) -> "subprocess.CompletedProcess[str]":
    """Run the script of a step with these inputs of the action; others have their defaults."""
    values = {key: entry.get("default", "") for key, entry in ACTION["inputs"].items()}
    values |= {key.replace("_", "-"): value for key, value in inputs.items()}
    environment = {
        variable: values[value.removeprefix("${{ inputs.").removesuffix(" }}")]
        for variable, value in STEPS[name]["env"].items()
    }
    return subprocess.run(
        [*BASH, STEPS[name]["run"]],
        cwd=checkout,
        env=os.environ
        | environment
        | {
            "PATH": f"{checkout / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY),
            "CROSSRES_CACHE": str(checkout / "cache"),
            "GITHUB_ACTION_PATH": str(REPOSITORY),
            "GITHUB_OUTPUT": str(checkout / "output"),
            "GITHUB_STEP_SUMMARY": str(checkout / "summary"),
            "RUNNER_TEMP": str(checkout),
        },
        capture_output=True,
        text=True,
        timeout=300,
    )


def outputs(checkout: Path) -> dict[str, str]:
    lines = (checkout / "output").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.slow
def test_the_steps_run_a_table_and_tell_what_the_check_said(checkout: Path) -> None:
    more = "--profile smoke --datasets mlr-market --rows Plain --seeds 0,1"
    ran = step(checkout, "run", run_arguments=more)
    assert ran.returncode == 0, ran.stderr
    base = ("baseline", "results/gate", "--out", "base.json")
    assert called(checkout, checkout / "cache", *base).returncode == 0

    blind = step(checkout, "check", baseline="base.json")
    assert blind.returncode == 2, blind.stderr
    assert outputs(checkout)["verdict"] == "unusable"
    assert "::error title=crossres unusable::finds drops of mAP" in blind.stdout
    assert "### ⚠️ crossres: unusable: " in (checkout / "summary").read_text()

    enough = {"must_find": "100", "check_arguments": "--tolerance 5"}
    passed = step(checkout, "check", baseline="base.json", **enough)
    assert passed.returncode == 0, passed.stderr
    assert outputs(checkout)["verdict"] == "passed"
    assert "### ✅ crossres: passed: 2 cells" in (checkout / "summary").read_text()
    assert "<testsuites" in Path(outputs(checkout)["junit"]).read_text()

    next((checkout / "results" / "gate" / "records").iterdir()).unlink()
    failed = step(checkout, "check", baseline="base.json", check_arguments="--exact --time 9")
    assert failed.returncode == 1, failed.stderr
    assert "::error title=crossres missing::" in failed.stdout
    assert outputs(checkout)["verdict"] == "failed"

    unusable = step(checkout, "check", baseline="none.json")
    assert unusable.returncode == 2
    assert outputs(checkout)["verdict"] == "unusable"


def test_what_a_caller_passes_on_is_never_run(checkout: Path) -> None:
    process = step(checkout, "run", run_arguments="$(touch bad) ; touch bad", table="`touch bad`")
    assert process.returncode == 2
    assert not (checkout / "bad").exists()
    for entry in STEPS.values():
        assert "${{" not in entry["run"]


def test_the_workflow_gives_the_action_what_it_has() -> None:
    path = REPOSITORY / ".github" / "workflows" / "gate.yml"
    steps = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]["gate"]["steps"]
    used = next(entry for entry in steps if entry.get("uses") == "./")
    assert set(used["with"]) <= set(ACTION["inputs"])
    session = (REPOSITORY / "noxfile.py").read_text(encoding="utf-8")
    assert f'GATE_FINDS = "{used["with"]["must-find"]}"' in session
    assert (REPOSITORY / used["with"]["baseline"]).is_file()
    for name in ("summary", "junit"):
        assert f"steps.{used['id']}.outputs.{name}" in path.read_text(encoding="utf-8")
        assert name in ACTION["outputs"]
