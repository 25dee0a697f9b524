"""What a command does not need it does not load: people wait for it, torch for seconds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("numpy", "pandas", "scipy", "scipy.stats", "torch", "matplotlib", "rich", "jsonschema")
RUN_AND_TELL = f"""
import contextlib, io, sys
from crossres import main
with contextlib.redirect_stdout(io.StringIO()):
    try:
        code = main()
    except SystemExit as end:
        code = end.code
print(code, *[name for name in {HEAVY} if name in sys.modules])
"""
SMOKE = ("run", "table2", "--profile", "smoke", "--datasets", "mlr-viper", "--seeds", "0")


def loaded_by(*arguments: str | Path) -> tuple[int, set[str]]:
    """The exit code of a command, and what of HEAVY it has loaded."""
    process = subprocess.run(
        [sys.executable, "-c", RUN_AND_TELL, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    code, *names = process.stdout.split()
    return int(code), set(names)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 0),
        (("--help",), 0),
        (("--version",), 0),
        (("run", "--help"), 0),
        (("datasets", "build", "--help"), 0),
        (("methods", "check", "--help"), 0),
        (("run",), 2),
        (("run", "table2", "--nothing-like-it"), 2),
        (("run", "table2", "--jobs", "none"), 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_help_and_a_mistake_load_nothing_large(arguments: tuple[str, ...], code: int) -> None:
    assert loaded_by(*arguments) == (code, set())


@pytest.mark.parametrize(
    "words",
    [("methods", "list"), ("datasets", "list"), ("methods", "show", "msifla")],
    ids=" ".join,
)
def test_lists_load_numpy_at_most(words: tuple[str, ...]) -> None:
    code, loaded = loaded_by(*words)
    assert code == 0
    assert loaded <= {"numpy"}


def test_a_plan_of_twins_that_are_there_needs_no_torch_and_no_worker(tmp_path: Path) -> None:
    arguments = (*SMOKE, "--cache", tmp_path / "cache", "--out", tmp_path / "out", "--dry-run")
    assert loaded_by(*arguments)[0] == 0  # draws the twin
    code, loaded = loaded_by(*arguments)
    assert code == 0
    assert "pandas" in loaded  # which this process had no use for if workers had read the twin
    assert not loaded & {"torch", "scipy", "matplotlib"}


def test_a_driver_hands_out_cells_and_takes_their_results_without_torch() -> None:
    code = f"""
import pickle, sys
from functools import partial
from crossres.benchmark.runs import cell_tasks, driver
for function in (cell_tasks.prepared, cell_tasks.finished):
    pickle.dumps(partial(function))
pickle.loads(pickle.dumps(cell_tasks.CellResult(None, {{}}, {{}})))
print(*[name for name in {HEAVY} if name in sys.modules])
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(told.stdout.split()) & {"torch", "scipy", "matplotlib"}
