"""One installed package: beside foreign folders and packages that are called as our rooms are.

Code bases of the field have a folder `datasets/`, and a widely used package has that name.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.installing import install_into

REPOSITORY = Path(__file__).parents[1]
ROOMS = ("datasets", "methods", "benchmark", "reports")
DOOR = """
import crossres, crossres.datasets, crossres.methods, crossres.benchmark, crossres.reports
for name in crossres.__all__:
    getattr(crossres, name)
print(crossres.datasets.__file__)
"""
FIXTURE = """
def test_results(assert_no_regression):
    assert_no_regression("results", "base.json", exact=True, must_find=1.0)
"""
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a package is made from, as pip builds in place."""
    folder = tmp_path_factory.mktemp("source")
    for room in ("crossres", *ROOMS):
        shutil.copytree(
            REPOSITORY / room, folder / room, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def wheel_site(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which pip has installed a wheel, as in a site-packages."""
    site = tmp_path_factory.mktemp("wheel")
    install_into(site, source)
    return site


@pytest.fixture(params=["wheel", "editable"])
def installed(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Command:
    """installed(*words): Python in a folder that holds foreign rooms, with crossres installed."""
    site = request.getfixturevalue("wheel_site") if request.param == "wheel" else None
    folder = tmp_path / "their-code"
    for room in ROOMS[1:]:
        (folder / room).mkdir(parents=True)
    (folder / "datasets").mkdir()
    (folder / "datasets" / "__init__.py").write_text("load_dataset = 'theirs'\n")
    environment = os.environ | {"CROSSRES_CACHE": str(tmp_path_factory.mktemp("cache"))}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    environment["PYTHONPATH"] = os.pathsep.join(map(str, filter(None, [folder, site])))

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        process = subprocess.run(
            [sys.executable, *words],
            capture_output=True,
            text=True,
            timeout=300,
            cwd=folder,
            env=environment,
            check=False,
        )
        assert process.returncode == 0, process.stdout + process.stderr
        return process

    return run


def test_the_wheel_holds_every_file_of_the_rooms(source: Path, wheel_site: Path) -> None:
    expected = {
        Path("crossres", path.relative_to(source))
        for room in ROOMS
        for path in (source / room).rglob("*")
        if path.is_file()
    } | {path.relative_to(source) for path in (source / "crossres").rglob("*") if path.is_file()}
    there = {
        path.relative_to(wheel_site)
        for path in wheel_site.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {path for path in there if path.parts[0] == "crossres"} == expected
    assert {path.name for path in wheel_site.iterdir() if path.is_dir()} == {
        "bin", "crossres", f"crossres-{version()}.dist-info",
    }  # fmt: skip


def test_the_wheel_gives_the_command(wheel_site: Path) -> None:
    command = [sys.executable, str(wheel_site / "bin" / "crossres"), "--version"]
    environment = os.environ | {"PYTHONPATH": str(wheel_site)}
    answer = subprocess.check_output(command, text=True, env=environment, cwd=wheel_site)
    assert answer == f"crossres {version()}\n"


def version() -> str:
    pyproject = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    return pyproject.partition('version = "')[2].partition('"')[0]


def test_our_rooms_and_their_package_are_both_there(installed: Command) -> None:
    script = f"{DOOR}\nimport datasets\nprint(datasets.load_dataset)"
    file, word = installed("-c", script).stdout.splitlines()
    assert Path(file).parent.name == "datasets"
    assert "their-code" not in Path(file).parts
    assert word == "theirs"


@pytest.mark.slow
@pytest.mark.parametrize("installed", ["wheel"], indirect=True)
def test_cells_are_run_reported_and_checked_there(installed: Command, tmp_path: Path) -> None:
    """Workers are new processes: they find our rooms, too."""
    run = "-m crossres run controls --rows Plain --profile smoke --datasets mlr-viper --seeds 0,1"
    summary = json.loads(installed(*run.split(), "--out", "results", "--json").stdout)
    assert summary["complete"] is True
    installed("-m", "crossres", "baseline", "results", "--out", "base.json")
    (tmp_path / "their-code" / "test_theirs.py").write_text(FIXTURE)
    plugin = ("-p", "crossres.pytest_plugin", "-p", "no:cacheprovider")
    process = installed("-m", "pytest", "-q", *plugin, "test_theirs.py")
    assert "1 passed" in process.stdout
