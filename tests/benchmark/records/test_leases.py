"""Leases: one run at a time has a cell, whatever becomes of that run."""

import errno
import json
import logging
import signal
import subprocess
import sys
from pathlib import Path

import filelock
import pytest

from crossres.benchmark.records import leases as module
from crossres.benchmark.records.leases import Lease, Leases, remove_left_over, running_cells

HOLDER = """
import sys, time
from pathlib import Path
from crossres.benchmark.records.leases import Leases
leases = Leases(Path(sys.argv[1]))
leases.take("aa", "A cell", 12.0)
print("held", flush=True)
time.sleep(60)
"""


def holder(results: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, results], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_cell_that_another_run_has_cannot_be_taken(tmp_path: Path) -> None:
    with Leases(tmp_path) as first, Leases(tmp_path) as second:
        assert first.take("aa", "A", 1.0)
        assert not second.take("aa", "A", 1.0)
        assert second.take("bb", "B", 1.0)
        first.give_back("aa")
        assert second.take("aa", "A", 1.0)
    assert list(tmp_path.iterdir()) == []


def test_a_lease_tells_who_has_it_and_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TELL_EVERY_SECONDS", 0.0)
    with Leases(tmp_path) as leases:
        leases.take("aa", "Plain · caviar · seed 0", 30.0)
        leases.tell("aa", "fit", 10, 250)
        leases.tell("bb", "fit", 1, 2)  # not ours: nothing happens
        (lease,) = running_cells(tmp_path)
        assert lease.title == "Plain · caviar · seed 0"
        assert (lease.phase, lease.done, lease.total, lease.expected) == ("fit", 10, 250, 30.0)
        assert lease.pid > 0
        assert lease.host
    assert running_cells(tmp_path) == []


def test_progress_is_noted_now_and_then(tmp_path: Path) -> None:
    with Leases(tmp_path) as leases:
        leases.take("aa", "A", 1.0)
        leases.tell("aa", "fit", 1, 2)
        assert running_cells(tmp_path)[0].total == 0


def test_a_lease_of_a_killed_run_is_free_and_left_over(tmp_path: Path) -> None:
    process = holder(tmp_path)
    with Leases(tmp_path) as leases:
        assert not leases.take("aa", "A", 1.0)
        assert [lease.key for lease in running_cells(tmp_path)] == ["aa"]
        assert remove_left_over(tmp_path) == []
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert running_cells(tmp_path) == []
        assert (tmp_path / "running" / "aa.json").exists()
        assert leases.take("aa", "A", 1.0)
    assert list(tmp_path.iterdir()) == []


def test_what_killed_runs_left_can_be_removed(tmp_path: Path) -> None:
    process = holder(tmp_path)
    process.kill()
    process.wait()
    assert remove_left_over(tmp_path) == ["aa"]
    assert list(tmp_path.iterdir()) == []
    assert remove_left_over(tmp_path) == []


def test_a_description_that_cannot_be_read_hides_no_lease(tmp_path: Path) -> None:
    with Leases(tmp_path) as leases:
        leases.take("aa", "A", 1.0)
        (tmp_path / "running" / "aa.json").write_text('{"title": "A ce')
        (lease,) = running_cells(tmp_path)
        assert isinstance(lease, Lease)
        assert lease.title == "aa"


def test_a_file_system_without_locks_is_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with caplog.at_level(logging.WARNING), Leases(tmp_path) as leases:
        assert leases.take("aa", "A", 1.0)
        assert leases.take("bb", "B", 1.0)
        assert json.loads((tmp_path / "running" / "bb.json").read_text())["title"] == "B"
    (record,) = caplog.records
    assert "has no locks (No locks available); do not start a second run" in record.message
