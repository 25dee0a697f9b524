"""What is written exists whole or not at all, whatever goes wrong on the way."""

import errno
import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from crossres.datasets import InputError, digest_of, replace_folder, write_atomically
from crossres.datasets.base.files import (
    cannot_write,
    held,
    hold_for_life,
    read_at_most,
    remove_abandoned,
    remove_unless_held,
    write_if_changed,
)

REPO = Path(__file__).resolve().parents[3]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_digest_is_sha256_of_the_joined_parts():
    assert digest_of(b"ab", b"c") == hashlib.sha256(b"abc").hexdigest()
    assert digest_of() == hashlib.sha256(b"").hexdigest()


def test_a_file_is_written_with_its_folders(tmp_path):
    write_atomically(tmp_path / "a" / "b.json", "größe\n")
    write_atomically(tmp_path / "a" / "b.bin", b"\x00\xff")
    assert (tmp_path / "a" / "b.json").read_bytes() == "größe\n".encode()
    assert (tmp_path / "a" / "b.bin").read_bytes() == b"\x00\xff"
    assert names(tmp_path / "a") == ["b.bin", "b.json"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(tmp_path, monkeypatch, step):
    target = tmp_path / "record.json"
    target.write_text("old")

    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync" if step == "fsync" else "replace", full)
    if step == "replace":
        monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InputError, match=r"record\.json: cannot be written \(No space left"):
        write_atomically(target, "new")
    assert target.read_text() == "old"
    assert names(tmp_path) == ["record.json"]


def test_what_can_be_made_again_is_written_only_where_it_changed(tmp_path, monkeypatch):
    target = tmp_path / "a" / "queries.js"
    monkeypatch.setattr(os, "fsync", lambda _: pytest.fail("forced to the disk"))
    write_if_changed(target, "größe", lasting=False)
    before = target.stat()
    write_if_changed(target, "größe".encode(), lasting=False)
    assert (target.stat().st_ino, target.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    write_if_changed(target, "gröber", lasting=False)
    assert target.read_text() == "gröber"
    write_if_changed(target, "größte", lasting=False)
    assert target.read_text() == "größte"
    assert names(tmp_path / "a") == ["queries.js"]


def test_a_place_that_cannot_hold_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_atomically(tmp_path / "file" / "x", "y")
    with pytest.raises(InputError, match="cannot be written"), replace_folder(tmp_path / "file/x"):
        pytest.fail("the block must not run")


def test_the_kernels_refusal_is_an_input_error(tmp_path):
    """A real limit of the system on the size of a file, in a process of its own."""
    code = (
        "import resource, sys, pathlib\n"
        "from crossres.datasets import InputError, write_atomically\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: write_atomically(pathlib.Path(sys.argv[1]), b'x' * 5000)\n"
        "except InputError as error: print(error)\n"
    )
    target = tmp_path / "big"
    command = [sys.executable, "-c", code, str(target)]
    process = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPO)
    assert "big: cannot be written (File too large)" in process.stdout
    assert names(tmp_path) == []


def test_a_folder_appears_whole(tmp_path):
    with replace_folder(tmp_path / "deep" / "store") as folder:
        (folder / "x").write_text("1")
        assert not (tmp_path / "deep" / "store").exists()
    assert (tmp_path / "deep" / "store" / "x").read_text() == "1"
    assert names(tmp_path / "deep") == ["store"]


@pytest.mark.parametrize("blow", [KeyboardInterrupt, RuntimeError, SystemExit])
def test_a_broken_build_leaves_nothing(tmp_path, blow):
    def build():
        with replace_folder(tmp_path / "store") as folder:
            (folder / "x").write_text("1")
            raise blow

    with pytest.raises(blow):
        build()
    assert names(tmp_path) == []


def test_the_first_of_two_builders_wins(tmp_path):
    with replace_folder(tmp_path / "store") as slow:
        (slow / "x").write_text("slow")
        with replace_folder(tmp_path / "store") as fast:
            (fast / "x").write_text("fast")
    assert (tmp_path / "store" / "x").read_text() == "fast"
    assert names(tmp_path) == ["store"]


def test_a_full_disk_in_the_block_is_an_input_error_but_other_errors_stay(tmp_path):
    with (
        pytest.raises(InputError, match="store: cannot be written"),
        replace_folder(tmp_path / "store"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(FileNotFoundError), replace_folder(tmp_path / "store"):
        (tmp_path / "missing").read_text()
    assert names(tmp_path) == []


LEFT_BEHIND = f".record.json.{'0' * 32}.partial"

KILLED = """
import os, pathlib, signal, sys
from crossres.datasets import replace_folder
with replace_folder(pathlib.Path(sys.argv[1])) as folder:
    (folder / "half").write_text("x")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    process = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "twin"], check=False)
    assert process.returncode < 0
    (tmp_path / LEFT_BEHIND).write_text("half")
    for name in ("record.json", ".record.json.partial", f"record.{'0' * 32}.partial"):
        (tmp_path / name).write_text("kept")
    assert len(names(tmp_path)) == 5
    remove_abandoned([tmp_path, tmp_path / "not there"])
    assert names(tmp_path) == [".record.json.partial", f"record.{'0' * 32}.partial", "record.json"]


def test_what_somebody_is_at_work_on_is_not_removed(tmp_path):
    with replace_folder(tmp_path / "twin") as folder:
        remove_abandoned([tmp_path])
        (folder / "x").write_text("1")
    assert names(tmp_path) == ["twin"]


def test_what_is_removed_before_it_could_be_locked_is_made_anew(tmp_path):
    made = []

    def make():
        made.append(tmp_path / f"{len(made)}")
        if made[1:]:
            made[-1].mkdir()
        return made[-1]

    with held(make) as folder:
        assert folder == tmp_path / "1"
    assert names(tmp_path) == []


HOLDS = """
import pathlib, sys
from crossres.datasets.base.files import hold_for_life
folder = pathlib.Path(sys.argv[1])
def make():
    folder.mkdir(exist_ok=True)
    return folder
hold_for_life(make)
print("held", flush=True)
sys.stdin.read()
"""


def test_what_is_held_for_life_can_be_removed_when_all_who_hold_it_were_killed(tmp_path):
    folder = tmp_path / "shared"
    command = [sys.executable, "-c", HOLDS, folder]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as first, subprocess.Popen(command, **pipes) as second:
        for process in (first, second):
            assert process.stdout.readline() == b"held\n"
            (folder / f"{process.pid}").touch()
        for process in (first, second):
            remove_unless_held(folder)
            assert folder.is_dir()
            process.kill()
            process.wait()
    remove_unless_held(folder)
    assert names(tmp_path) == []


def test_a_folder_that_took_the_place_of_another_is_held_in_its_stead(tmp_path, monkeypatch):
    folder, opened = tmp_path / "shared", []

    def replaced(path, *arguments):
        opened.append(open_(path, *arguments))
        if len(opened) == 1:  # between opening and locking, somebody removes it, and makes another
            folder.rename(tmp_path / "removed")
            folder.mkdir()
        return opened[-1]

    def make():
        folder.mkdir(exist_ok=True)
        return folder

    open_ = os.open
    monkeypatch.setattr(os, "open", replaced)
    hold_for_life(make)
    assert len(opened) == 2
    remove_unless_held(folder)
    assert folder.is_dir()
    os.close(opened[1])


def test_the_file_that_a_temporary_one_becomes_is_named(tmp_path):
    error = OSError(errno.ENOSPC, "No space left on device")
    inside = tmp_path / f".key.{'0' * 32}.partial" / "weights.safetensors"
    assert str(cannot_write(inside, error)).startswith(f"{tmp_path}/key/weights.safetensors: ")


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_refusal_in_a_folder_that_is_being_made_is_an_input_error(tmp_path, code):
    with (
        pytest.raises(InputError, match=r"store: cannot be written"),
        replace_folder(tmp_path / "store") as folder,
    ):
        raise OSError(code, os.strerror(code), str(folder / "x"))
    with pytest.raises(PermissionError), replace_folder(tmp_path / "store"):
        raise PermissionError(errno.EACCES, "Permission denied", "/elsewhere")


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 200_000])
@pytest.mark.parametrize("count", [1, 65_536, 65_537, 150_000])
def test_as_many_bytes_are_read_as_asked_for(size: int, count: int) -> None:
    content = bytes(number % 251 for number in range(size))
    assert read_at_most(io.BytesIO(content), count) == content[:count]
