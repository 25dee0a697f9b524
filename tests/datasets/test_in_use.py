"""Marks: the time of the last opening, whether a running process has the thing, and removal."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crossres.datasets.base import in_use
from crossres.datasets.base.in_use import is_in_use, mark_of, mark_used, to_be_removed

OPENER = """
import sys
from pathlib import Path
from crossres.datasets.base.in_use import mark_used
mark_used(Path(sys.argv[1]), "twins", "a", {"dataset": "of the other"})
print("opened", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _nothing_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_use, "_held", {})


def close_all() -> None:
    """As at the end of a process."""
    for path in list(in_use._held):
        in_use._release(path)


def opener(cache: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", OPENER, cache],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "opened\n"
    return process


def test_a_mark_tells_the_name_and_the_last_opening(tmp_path: Path) -> None:
    assert mark_of(tmp_path, "twins", "a") is None
    for title in ({"dataset": "mlr-viper and more"}, {"dataset": "x"}):
        mark_used(tmp_path, "twins", "a", title)
        mark = mark_of(tmp_path, "twins", "a")
        assert mark is not None
        assert mark.title == title
    os.utime(tmp_path / "used" / "twins" / "a", (5, 5))
    before = time.time()
    mark_used(tmp_path, "twins", "a", {"dataset": "x"})
    mark = mark_of(tmp_path, "twins", "a")
    assert mark is not None
    assert mark.last_used >= before - 1


def test_it_is_in_use_while_a_process_that_opened_it_runs(tmp_path: Path) -> None:
    assert not is_in_use(tmp_path, "twins", "a")
    process = opener(tmp_path)
    mark_used(tmp_path, "twins", "a", {})  # a second one opens it, too
    assert is_in_use(tmp_path, "twins", "a")
    close_all()
    assert is_in_use(tmp_path, "twins", "a")
    with to_be_removed(tmp_path, "twins", "a", forget=True) as is_free:
        assert not is_free
    assert mark_of(tmp_path, "twins", "a") is not None
    process.kill()
    process.communicate()
    assert not is_in_use(tmp_path, "twins", "a")


def test_who_opens_it_during_removal_waits_and_has_a_new_mark(tmp_path: Path) -> None:
    mark_used(tmp_path, "twins", "a", {})
    close_all()
    with to_be_removed(tmp_path, "twins", "a", forget=True) as is_free:
        assert is_free
        process = subprocess.Popen(
            [sys.executable, "-c", OPENER, tmp_path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
    assert process.stdout is not None
    assert process.stdout.readline() == "opened\n"
    mark = mark_of(tmp_path, "twins", "a")
    assert mark is not None
    assert mark.title == {"dataset": "of the other"}
    assert is_in_use(tmp_path, "twins", "a")
    process.communicate("")


def test_a_removal_that_forgets_nothing_leaves_marks_as_they_were(tmp_path: Path) -> None:
    mark_used(tmp_path, "twins", "a", {"dataset": "x"})
    close_all()
    for name in ("a", "never opened"):
        with to_be_removed(tmp_path, "twins", name, forget=False) as is_free:
            assert is_free
    assert mark_of(tmp_path, "twins", "a") is not None
    assert mark_of(tmp_path, "twins", "never opened") is None


def test_a_process_holds_no_more_than_so_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_use, "MOST_HELD", 3)
    for name in "abcde":
        mark_used(tmp_path, "twins", name, {})
    assert [name for name in "abcde" if is_in_use(tmp_path, "twins", name)] == ["c", "d", "e"]
    close_all()


def test_a_cache_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "used").write_text("a file in its place")
    mark_used(tmp_path, "twins", "a", {})
    assert mark_of(tmp_path, "twins", "a") is None
