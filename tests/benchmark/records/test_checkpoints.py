"""Checkpoints of cells in a results folder."""

import logging
from pathlib import Path

import pytest

from crossres.benchmark.records.checkpoints import (
    checkpoint_path,
    read_checkpoint,
    remove_checkpoint,
    write_checkpoint,
)

FILES = {"state.safetensors": b"\x00\x01" * 1000, "state.json": b'{"step": 3}'}


def test_a_checkpoint_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "aa", {"old": b""})
    write_checkpoint(tmp_path, "aa", FILES)
    assert read_checkpoint(tmp_path, "aa") == FILES
    assert read_checkpoint(tmp_path, "bb") is None


def test_a_removed_checkpoint_leaves_nothing(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "aa", FILES)
    write_checkpoint(tmp_path, "bb", FILES)
    remove_checkpoint(tmp_path, "aa")
    assert read_checkpoint(tmp_path, "aa") is None
    assert read_checkpoint(tmp_path, "bb") == FILES
    remove_checkpoint(tmp_path, "bb")
    remove_checkpoint(tmp_path, "bb")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kept", [0, 10, 1500])
def test_a_torn_checkpoint_is_none_and_a_warning(
    kept: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_checkpoint(tmp_path, "aa", FILES)
    path = checkpoint_path(tmp_path, "aa")
    path.write_bytes(path.read_bytes()[:kept])
    with caplog.at_level(logging.WARNING):
        assert read_checkpoint(tmp_path, "aa") is None
    assert f"ignored {path}: not a readable checkpoint" in caplog.text


def test_altered_bytes_are_noticed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_checkpoint(tmp_path, "aa", FILES)
    path = checkpoint_path(tmp_path, "aa")
    content = path.read_bytes()
    place = content.index(b"\x00\x01" * 10) + 5
    path.write_bytes(content[:place] + b"\xff" + content[place + 1 :])
    assert read_checkpoint(tmp_path, "aa") is None
    assert "not a readable checkpoint" in caplog.text
