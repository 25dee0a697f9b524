"""One process at a time works on a folder, and a folder that nobody works on is removed."""

import os
import time

import pytest

from crossres.datasets import InputError
from crossres.datasets.pixels.lock import locked, remove_old


def test_the_lock_lets_one_in_and_leaves_nothing_behind(tmp_path):
    folder, calls = tmp_path / "p", []

    def waiting():
        calls.append(len(calls))
        if len(calls) == 3:
            raise KeyboardInterrupt

    with locked(folder, pytest.fail):
        with pytest.raises(KeyboardInterrupt), locked(folder, waiting):
            pytest.fail("two hold the lock")
        assert calls == [0, 1, 2]
    assert list(tmp_path.iterdir()) == []
    with locked(folder, pytest.fail):
        folder.mkdir()
    with locked(folder, pytest.fail):
        assert folder.is_dir()


def test_a_lock_file_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(InputError, match=r"file/x: cannot be written \(Not a directory\); another"),
        locked(tmp_path / "file" / "x" / "p", pytest.fail),
    ):
        pytest.fail("locked")
    (tmp_path / "p.lock").mkdir()
    with (
        pytest.raises(InputError, match=r"/p\.lock: cannot be written \(Is a directory\); another"),
        locked(tmp_path / "p", pytest.fail),
    ):
        pytest.fail("locked")


def test_old_folders_are_removed_unless_somebody_works_on_them(tmp_path):
    folders = [tmp_path / name for name in ("new", "old", "busy", "resumed")]
    for folder in folders:
        folder.mkdir()
        (folder / "0-128.sha256").write_text("x")
    eight_days_ago = time.time() - 8 * 24 * 3600
    for folder in folders[1:]:
        os.utime(folder, (eight_days_ago, eight_days_ago))
    (tmp_path / "resumed" / "128-256.sha256").write_text("x")
    with locked(tmp_path / "busy", pytest.fail):
        remove_old(sorted(tmp_path.iterdir()))
    remaining = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert remaining == ["busy", "new", "resumed"]
    assert not (tmp_path / "old.lock").exists()


def test_a_folder_that_another_process_removes_meanwhile_is_no_error(tmp_path, monkeypatch):
    """Seen as a folder, and gone a moment later."""
    monkeypatch.setattr("pathlib.Path.is_dir", lambda _path: True)
    remove_old([tmp_path / "gone"])
    assert list(tmp_path.iterdir()) == []
