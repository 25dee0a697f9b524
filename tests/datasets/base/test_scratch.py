"""Folders for a process: gone when it ends, and after a kill when the next one begins."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crossres.datasets.base.scratch import LETTERS, scratch_folder

KILLED = f"""
import os, pathlib, sys
from crossres.datasets.base.scratch import scratch_folder
with scratch_folder(pathlib.Path(sys.argv[1])) as folder:
    (folder / "log").write_text("x")
    os.kill(os.getpid(), {int(signal.SIGTERM)})
"""


def test_a_folder_is_gone_at_the_end(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as folder:
        (folder / "log").write_text("x")
        assert folder.parent == tmp_path
        assert len(folder.name) == LETTERS
    assert list(tmp_path.iterdir()) == []


def test_that_of_a_killed_process_goes_when_the_next_begins(tmp_path: Path) -> None:
    (tmp_path / "crossres_of_somebody_else").mkdir()
    subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False)
    assert len(list(tmp_path.iterdir())) == 2
    with scratch_folder(tmp_path) as first, scratch_folder(tmp_path) as second:
        there = {path.name for path in tmp_path.iterdir()}
        assert there == {first.name, second.name, "crossres_of_somebody_else"}
    assert os.listdir(tmp_path) == ["crossres_of_somebody_else"]  # noqa: PTH208


@pytest.mark.skipif(not hasattr(os, "fork"), reason="asks for a fork")
def test_a_fork_removes_nothing_of_its_parent(tmp_path: Path) -> None:
    """Whatever becomes of its copy of the block, multiprocessing drops it, say."""
    code = f"""
import gc, os, pathlib
from crossres.datasets.base.scratch import scratch_folder
block = scratch_folder(pathlib.Path({str(tmp_path)!r}))
folder = block.__enter__()
child = os.fork()
if child == 0:
    del block
    gc.collect()
    os._exit(0)
os.waitpid(child, 0)
assert folder.is_dir()
block.__exit__(None, None, None)
assert not folder.exists()
"""
    subprocess.run([sys.executable, "-c", code], check=True)
