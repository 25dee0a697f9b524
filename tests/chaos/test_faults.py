"""The faults that trials put into file operations are those that were asked for."""

import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.faults import KILL, Fault, Operation, faulty, target

FAULTS = Path(__file__).with_name("faults.py")


def write(folder: Path) -> None:
    (folder / "a").mkdir()
    with (folder / "a" / "b").open("wb", buffering=0) as file:
        file.write(b"12345678")
        os.fsync(file.fileno())
    (folder / "a" / "b").replace(folder / "c")
    shutil.rmtree(folder / "a")


def test_operations_in_a_folder_are_counted_and_others_not(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "other").mkdir()
    with faulty(Fault(str(tmp_path / "in"), 0)) as faults:
        write(tmp_path / "in")
        write(tmp_path / "other")
        assert (tmp_path / "in" / "c").read_bytes() == b"12345678"
    folder = tmp_path / "in"
    assert faults.operations == [
        Operation("mkdir", str(folder / "a")),
        Operation("open", str(folder / "a" / "b")),
        Operation("write", str(folder / "a" / "b")),
        Operation("fsync", str(folder / "a" / "b")),
        Operation("replace", str(folder / "c")),
        Operation("rmdir", str(folder / "a")),
    ]


@pytest.mark.parametrize("number", range(1, 7))
def test_the_operation_of_that_number_fails_and_only_that_one(number: int, tmp_path: Path) -> None:
    with faulty(Fault(str(tmp_path), number, "EACCES")) as faults:
        with pytest.raises(OSError, match="Permission denied") as caught:
            write(tmp_path)
        assert caught.value.errno == errno.EACCES
        assert faults.failed == faults.operations[number - 1]
        (tmp_path / "later").mkdir()


def test_all_that_follow_fail_where_that_is_asked_for(tmp_path: Path) -> None:
    with faulty(Fault(str(tmp_path), 2, "EROFS", from_then_on=True)):
        (tmp_path / "a").mkdir()
        for name in ("b", "c"):
            with pytest.raises(OSError, match="Read-only"):
                (tmp_path / name).mkdir()
    (tmp_path / "b").mkdir()


def test_a_torn_write_leaves_half(tmp_path: Path) -> None:
    with (
        faulty(Fault(str(tmp_path), 3, "torn")),
        pytest.raises(OSError, match="No space left"),
    ):
        write(tmp_path)
    assert (tmp_path / "a" / "b").read_bytes() == b"1234"


def test_a_process_kills_itself_before_an_operation(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(FAULTS.parent)!r}); import faults\n"
        "faults.install_asked_for()\n"
        f"open({str(tmp_path / 'a')!r}, 'w').close()\n"
        f"open({str(tmp_path / 'b')!r}, 'w').close()\n"
    )
    fault = Fault(str(tmp_path), 2, KILL)
    ended = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | fault.as_variable(), check=False
    )
    assert ended.returncode == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_temporary_file_is_named_after_what_it_becomes() -> None:
    assert target(f"/x/.a.{'0' * 32}.partial/.b.json.{'f' * 32}.partial") == "/x/a/b.json"
    assert target("/x/.hidden") == "/x/.hidden"
