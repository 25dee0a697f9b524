"""A method in somebody else's package: docs/adding-a-method.md, installed by pip and run."""

import csv
import importlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import called, started
from tests.installing import install_into

REPOSITORY = Path(__file__).parents[1]
PLUGIN = REPOSITORY / "tests" / "plugin"
PAGE = REPOSITORY / "docs" / "adding-a-method.md"
NAMED_BLOCK = re.compile(r"^`(\S+)`:\n\n```(?:python|toml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which pip has installed the package, as in a site-packages."""
    folder = tmp_path_factory.mktemp("plugin")
    shutil.copytree(PLUGIN, folder / "source")  # pip builds in place
    install_into(folder / "site", folder / "source")
    return folder / "site"


class Shell:
    """Runs the commands of the page in a folder with the user's files."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder, self.cache = folder, cache
        for path in PLUGIN.iterdir():
            if path.suffix in (".toml", ".py") and path.name != "pyproject.toml":
                shutil.copy(path, folder / path.name)

    def __call__(self, line: str) -> str:
        name, *words = line.split()
        assert name == "crossres", line
        # What only looks at the package is a process of its own, the rest is called in this one.
        command = started if words[0] == "methods" else called
        answered = command(self.folder, self.cache, *words)
        assert answered.returncode == 0, (line, answered.stderr)
        return answered.stdout

    def records(self, results: str) -> list[dict[str, Any]]:
        folder = self.folder / "results" / results / "records"
        return [json.loads(path.read_text()) for path in sorted(folder.iterdir())]


@pytest.fixture
def shell(
    tmp_path: Path,
    site: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Shell]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (REPOSITORY, site))))
    monkeypatch.syspath_prepend(str(site))
    importlib.invalidate_caches()
    yield Shell(tmp_path, tmp_path_factory.mktemp("cache"))
    sys.modules.pop("colour_histogram", None)


def commands() -> list[str]:
    """What the page types, in order."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return "".join(blocks).splitlines()


def test_the_page_shows_the_files_of_the_package() -> None:
    blocks = dict(NAMED_BLOCK.findall(PAGE.read_text(encoding="utf-8")))
    files = {p.name: p.read_text(encoding="utf-8") for p in PLUGIN.iterdir() if p.is_file()}
    assert blocks == files


@pytest.mark.parametrize(
    ("file", "torch"), [("colour_histogram.py", set()), ("same_at_all_rates.py", {"torch"})]
)
def test_the_methods_know_crossres_by_its_door_alone(file: str, torch: set[str]) -> None:
    text = (PLUGIN / file).read_text(encoding="utf-8")
    imported = re.findall(r"^(?:from|import) (\w+)\S*", text, re.MULTILINE)
    assert set(imported) == {"dataclasses", "numpy", "crossres"} | torch


@pytest.mark.slow
def test_every_command_of_the_page(shell: Shell) -> None:
    lines = commands()
    lines.remove("pip install -e .")
    outputs: dict[str, str] = {}
    weights = shell.folder / "results" / "my-table" / "weights"
    for line in lines:
        outputs[line] = shell(line.replace("KEY", key_of(weights, 0)) if "KEY" in line else line)
    assert "colour-histogram Colour histograms (control). " in outputs["crossres methods list"]
    checks = [text for line, text in outputs.items() if line.startswith("crossres methods check")]
    assert len(checks) == 3
    assert all(" conforms: it keeps all " in text.splitlines()[-1] for text in checks)
    assert len(shell.records("my-network")) == 3 * 2
    assert (shell.folder / "my-idea" / "my_idea.py").is_file()
    assert_the_table_is_filled(shell)
    assert_the_profile_counts(shell)
    (evaluated,) = (text for line, text in outputs.items() if line.startswith("crossres evaluate"))
    (record,) = (r for r in shell.records("my-table") if r["key"] == key_of(weights, 0))
    rank1 = record["metrics"]["single-shot"]["rank1"]
    (line,) = (line for line in evaluated.splitlines() if line.startswith("rank1 "))
    assert line.split(None, 1)[1].startswith(f"{100 * rank1:.2f} %  [")


def key_of(weights: Path, seed: int) -> str:
    """The saved cell of a seed."""
    abouts = (json.loads(path.read_text()) for path in weights.glob("*/method.json"))
    (key,) = (a["origin"]["key"] for a in abouts if a["origin"]["seed"] == seed)
    return str(key)


def assert_the_table_is_filled(shell: Shell) -> None:
    """Three rows by two seeds, the rows by their labels."""
    assert len(shell.records("my-table")) == 3 * 2
    report = shell.folder / "results" / "my-table" / "report"
    with (report / "my-table.csv").open(encoding="utf-8", newline="") as file:
        rows = {line["row"] for line in csv.DictReader(file) if line["mean"]}
    labels = {"Colour histograms", "Colour histograms, one stripe", "Plain re-ID network"}
    assert rows == labels
    page = (report / "index.html").read_text(encoding="utf-8")
    assert all(label in page for label in labels)
    assert "Colours against a network" in page
    assert "variance within an identity" in page


def assert_the_profile_counts(shell: Shell) -> None:
    """The profile's option holds in its rows, unless a row says another; and is no default."""
    for results, bins in (("my-profile", 4), ("my-table", 8)):
        cells = [r["cell"] for r in shell.records(results)]
        options = [c["options"] for c in cells if c["method"] == "colour-histogram"]
        assert {o["bins"] for o in options} == {bins}
        assert {o["stripes"] for o in options} == {1, 6}
