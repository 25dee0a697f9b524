"""`crossres cache list` and `prune`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command_line import Answered, called, started

Command = Callable[..., Answered]
BUILD = ("datasets", "build", "mlr-viper", "--profile", "smoke", "--seeds", "0")


def test_what_a_build_left_is_listed_used_and_pruned(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert started(tmp_path, cache, *BUILD).returncode == 0  # its process ends, and its marks

    def command(*words: str) -> Answered:
        return called(tmp_path, cache, "cache", *words)

    listed = json.loads(command("list", "--json").stdout)
    twin, store = listed["entries"]
    assert (twin["kind"], twin["title"]) == ("twin", "mlr-viper, twin of size tiny, seed 0")
    assert store["title"] == "mlr-viper, twin:tiny:2, mlr-sing, seed 0, 32 x 16"
    assert listed["bytes"] == twin["bytes"] + store["bytes"]
    assert store["title"] in command("list").stdout

    dry = command("prune", "--max-size", "1KiB", "--dry-run")
    assert dry.returncode == 0
    assert "would remove 2 entries of" in dry.stdout
    assert json.loads(command("list", "--json").stdout) == listed
    assert "removed 0 entries" in command("prune", "--older-than", "0.5").stdout

    # A process that has the store open: this one.
    assert called(tmp_path, cache, *BUILD).returncode == 0
    held = command("prune", "mlr-viper")
    assert held.returncode == 1
    assert "in use, and so still there:" in held.stdout


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--max-size", "20 gigs"), "'20 gigs' is not a size such as 20GiB or 500MB"),
        (("--older-than=-1",), "'-1' is not a number of days"),
        (("mlr-vipr",), "nothing in"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, words: tuple[str, ...], text: str) -> None:
    answered = called(tmp_path, tmp_path / "cache", "cache", "prune", *words)
    assert (answered.returncode, answered.stdout) == (2, "")
    assert text in answered.stderr
