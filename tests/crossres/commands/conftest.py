"""Results of a method that is quick, on twins and on a folder of images, through the command line.

The method is the plug-in of the benchmark's tests; where its table says so, its cells fail.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.benchmark.conftest import PROFILE, pku_root, plugin, plugin_folder
from tests.command_line import Answered

__all__ = ["folder_run", "pku_root", "plugin", "plugin_folder"]

TABLE = """
id = "mine"
title = "A table of mine"
datasets = ["mlr-viper"]
metrics = ["rank1", "mAP"]
seeds = [0, 1]

[[rows]]
label = "Two, stripes"
method = "colour"

[[rows]]
label = "Three stripes"
method = "colour"
options = { bins = 3 }
"""
FAILING = """
[[rows]]
label = "Unlucky"
method = "colour"
options = { mood = "MOOD" }
"""


@pytest.fixture
def folder_run(
    command: Callable[..., Answered], tmp_path: Path, plugin: Path
) -> Callable[..., Answered]:
    """folder_run(out, *more): run the table of mine in `tmp_path` on twins, into this folder."""
    assert plugin.is_dir()
    (tmp_path / "mine.toml").write_text(TABLE)
    (tmp_path / "mini.toml").write_text('twin_size = "tiny"\n' + PROFILE)

    def run(out: str, *more: str | Path, profile: str = "mini.toml") -> Answered:
        return command("run", "mine.toml", "--profile", profile, "--out", out, "--jobs", 2, *more)

    return run
