"""A partial file keeps what is finished, and nothing else, whatever happened to it."""

import os
import time

import numpy as np
import pytest

from crossres.datasets import InputError
from crossres.datasets.pixels.resumable import Partial, forget_old, locked, noted_chunks

HEAD = b"HEAD"
SPANS = (((4, 3), (13, 2)), ((7, 3), (15, 1)), ((10, 3), (16, 0)))
PIECES = [[np.full(size, chunk + 1, np.uint8) for _, size in SPANS[chunk]] for chunk in range(3)]
WHOLE = HEAD + b"\1\1\1\2\2\2\3\3\3" + b"\1\1\2"


def partial(folder, about="x"):
    return Partial(folder / "p", "store/data", {"from": about}, HEAD, SPANS)


def put(part, *chunks):
    with part.writing() as write:
        for chunk in chunks:
            write(chunk, PIECES[chunk])


def test_chunks_come_in_any_order(tmp_path):
    part = partial(tmp_path)
    assert part.resume() == set()
    put(part, 2, 0)
    assert noted_chunks(part.folder) == 2
    assert part.resume() == {0, 2}
    put(part, 1)
    assert part.resume() == {0, 1, 2}
    assert part.file.read_bytes() == WHOLE


def flip_a_byte(part):
    content = bytearray(part.file.read_bytes())
    content[13] ^= 1
    part.file.write_bytes(content)


def cut_the_data(part):
    part.file.write_bytes(part.file.read_bytes()[:14])


def no_data(part):
    part.file.unlink()


def no_journal(part):
    (part.folder / "journal.txt").unlink()


def torn_line(part):
    journal = part.folder / "journal.txt"
    journal.write_bytes(journal.read_bytes()[:-10])


def empty_journal(part):
    (part.folder / "journal.txt").write_bytes(b"")


def foreign_bytes(part):
    journal = part.folder / "journal.txt"
    journal.write_bytes(journal.read_bytes() + b"\xff\xfe 7\n9 " + b"0" * 64 + b"\n1 \n")


@pytest.mark.parametrize(
    ("damage", "kept"),
    [
        (flip_a_byte, {1}),
        (cut_the_data, set()),
        (no_data, set()),
        (no_journal, set()),
        (torn_line, {0}),
        (empty_journal, set()),
        (foreign_bytes, {0, 1}),
    ],
)
def test_what_is_damaged_is_made_again(damage, kept, tmp_path):
    part = partial(tmp_path)
    part.resume()
    put(part, 0, 1)
    damage(part)
    assert part.resume() == kept
    put(part, *({0, 1, 2} - kept))
    assert part.resume() == {0, 1, 2}
    assert part.file.read_bytes() == WHOLE


def test_a_damaged_head_is_written_again(tmp_path):
    part = partial(tmp_path)
    part.resume()
    put(part, 0, 1, 2)
    part.file.write_bytes(b"xxxx" + WHOLE[4:])
    assert part.resume() == {0, 1, 2}
    assert part.file.read_bytes() == WHOLE


def test_a_partial_of_something_else_is_not_used(tmp_path):
    part = partial(tmp_path, "x")
    part.resume()
    put(part, 0, 1)
    other = partial(tmp_path, "y")
    assert other.resume() == set()
    assert other.file.read_bytes() == HEAD
    assert part.resume() == set()


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


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(InputError, match=r"file/x/p: cannot be written \(Not a directory\); free"),
        locked(tmp_path / "file" / "x" / "p", pytest.fail),
    ):
        pytest.fail("locked")


def test_old_partials_are_forgotten_unless_somebody_is_at_work_on_them(tmp_path):
    folders = [tmp_path / name for name in ("new", "old", "busy", "resumed")]
    for folder in folders:
        folder.mkdir()
        (folder / "journal.txt").write_text("x")
    eight_days_ago = time.time() - 8 * 24 * 3600
    for folder in folders[1:]:
        os.utime(folder / "journal.txt", (eight_days_ago, eight_days_ago))
        os.utime(folder, (eight_days_ago, eight_days_ago))
    os.utime(tmp_path / "resumed" / "journal.txt")
    with locked(tmp_path / "busy", pytest.fail):
        forget_old(sorted(tmp_path.iterdir()))
    left = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert left == ["busy", "new", "resumed"]
    assert not (tmp_path / "old.lock").exists()
