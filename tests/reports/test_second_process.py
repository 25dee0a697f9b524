"""Making something in a second process, or here where that cannot be."""

import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from crossres.benchmark.records.artifacts import artifact_path
from crossres.reports import second_process as module
from crossres.reports import write
from crossres.reports.second_process import beside
from crossres.reports.write import write_report
from tests.reports.conftest import draw_results
from tests.reports.page.conftest import RANKED_TABLE
from tests.reports.rankings import add_rankings

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks")


@pytest.fixture
def _may_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of pytest-xdist has a second thread, which waits all the time."""
    monkeypatch.setattr(module.threading, "active_count", lambda: 1)
    monkeypatch.setattr(module, "usable_cores", lambda: 2)


@linux
@pytest.mark.usefixtures("_may_fork")
def test_it_is_made_in_another_process() -> None:
    with beside(os.getpid, worthwhile=True) as maker:
        assert maker() == maker() != os.getpid()
    with beside(os.getpid, worthwhile=False) as maker:
        assert maker() == os.getpid()


@linux
@pytest.mark.usefixtures("_may_fork")
def test_what_is_not_made_there_is_made_here() -> None:
    here = os.getpid()

    def killed_there() -> int:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return 7

    def not_to_be_sent() -> object:
        return lambda: 8

    def wrong() -> int:
        raise ValueError("wrong")

    with beside(killed_there, worthwhile=True) as made:
        assert made() == made() == 7
    with beside(not_to_be_sent, worthwhile=True) as made_function:
        assert made_function()() == 8
    with beside(wrong, worthwhile=True) as made, pytest.raises(ValueError, match="wrong"):
        made()


@linux
@pytest.mark.usefixtures("_may_fork")
def test_nobody_waits_for_it_where_the_block_ends_early(tmp_path: Path) -> None:
    def slow() -> None:
        (tmp_path / "begun").touch()
        time.sleep(60)
        (tmp_path / "done").touch()

    def stopped() -> None:
        with beside(slow, worthwhile=True):
            while not (tmp_path / "begun").exists():
                time.sleep(0.01)
            raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert time.monotonic() - start < 30
    assert not (tmp_path / "done").exists()


def test_nothing_forks_beside_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "usable_cores", lambda: 2)
    leave = threading.Event()
    thread = threading.Thread(target=leave.wait)
    thread.start()
    try:
        with beside(os.getpid, worthwhile=True) as maker:
            assert maker() == os.getpid()
    finally:
        leave.set()
        thread.join()


@linux
@pytest.mark.usefixtures("_may_fork")
def test_a_report_has_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ranked = draw_results(tmp_path / "drawn", RANKED_TABLE, seeds=(0, 1))
    add_rankings(ranked.folder, ranked.records)
    reports = []
    for name, few in (("one", 10**6), ("two", 0)):
        monkeypatch.setattr(write, "FEW_CELLS", few)
        folder = tmp_path / name / "results"
        shutil.copytree(ranked.folder, folder)
        damaged = artifact_path(folder, ranked.records[0].key)
        damaged.write_bytes(damaged.read_bytes()[:-100])
        write_report(folder)
        files = sorted(path for path in (folder / "report").rglob("*") if path.is_file())
        reports.append({path.relative_to(folder): path.read_bytes() for path in files})
    assert reports[0] == reports[1]
    assert {"queries", "figures"} <= {path.parent.name for path in reports[0]}
    assert b"not a readable artifact" in reports[0][Path("report/index.html")]
