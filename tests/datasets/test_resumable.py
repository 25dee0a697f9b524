"""A build that is broken off is gone on with: real processes, real signals."""

import errno
import logging
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from crossres.datasets import InputError, Source, build_manifest, open_raw, open_store
from crossres.datasets.pixels.resumable import noted_chunks

REPO = Path(__file__).resolve().parents[2]
IMAGES, CHUNK = 16, 4
SIZE = (32, 16)

# Builds in chunks of 4 images, prints each count, and stops for good at the count it is told.
BUILD = """
import pathlib, sys, time
from crossres import datasets as d
from crossres.datasets.pixels import plan
plan.CHUNK = 4
def progress(done, total):
    print(done, flush=True)
    if done == int(sys.argv[3]):
        time.sleep(600)
root, cache = map(pathlib.Path, sys.argv[1:3])
raw = d.open_raw('mlr-viper', d.Source(root), cache)
store = d.open_store(raw, d.build_manifest(raw), 32, 16, cache, progress)
print(store.origin, store.digest)
"""


@pytest.fixture
def viper(make, tmp_path, monkeypatch):
    """(raw, manifest, cache) of a small VIPeR, with small chunks here too."""
    monkeypatch.setattr("crossres.datasets.pixels.plan.CHUNK", CHUNK)
    make("mlr-viper", tmp_path / "raw")
    raw = open_raw("mlr-viper", Source(tmp_path / "raw"), tmp_path / "cache")
    return raw, build_manifest(raw), tmp_path / "cache"


@pytest.fixture
def expected(viper, tmp_path):
    """The digest of the store built without a break."""
    raw, manifest, _ = viper
    return open_store(raw, manifest, *SIZE, tmp_path / "unbroken").digest


@pytest.fixture
def start(viper):
    """start(stop): a process that builds, and stops for good when `stop` images are done."""
    raw, _, cache = viper
    running = []

    def build(stop):
        command = [sys.executable, "-c", BUILD, str(raw.folder), str(cache), str(stop)]
        pipe = subprocess.PIPE
        running.append(
            subprocess.Popen(
                command,
                stdout=pipe,
                stderr=pipe,
                text=True,
                cwd=REPO,
                # A background job of a shell starts with SIGINT ignored, and so do its children.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        )
        return running[-1]

    yield build
    for process in running:
        process.kill()
        process.communicate()


def until(process, line):
    for text in process.stdout:
        if text.strip() == str(line):
            return
    pytest.fail(f"ended before {line}: {process.stderr.read()}")


def decoded(monkeypatch):
    """The paths decoded from now on."""
    from crossres.datasets.readers import viper as module

    paths, original = [], module.open_image

    def open_image(folder, path):
        paths.append(path)
        return original(folder, path)

    monkeypatch.setattr(module, "open_image", open_image)
    return paths


def partials(cache):
    return sorted(path for path in (cache / "partial").iterdir() if path.is_dir())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_killed_build_is_gone_on_with(number, viper, expected, start, monkeypatch):
    raw, manifest, cache = viper
    process = start(8)
    until(process, 8)
    process.send_signal(number)
    assert process.wait(60) != 0
    assert not list((cache / "pixels").glob("*"))
    paths, counts = decoded(monkeypatch), []
    store = open_store(raw, manifest, *SIZE, cache, lambda *count: counts.append(count))
    assert (store.digest, store.origin) == (expected, "resumed")
    assert sorted(paths) == sorted(manifest.table["path"][8:])
    assert counts == [(8, 16), (12, 16), (16, 16)]
    assert list((cache / "partial").iterdir()) == []
    assert open_store(raw, manifest, *SIZE, cache).origin == "cache"


def test_a_store_from_a_resumed_build_is_the_same_file(viper, start, tmp_path):
    raw, manifest, cache = viper
    open_store(raw, manifest, *SIZE, tmp_path / "unbroken")
    process = start(12)
    until(process, 12)
    process.kill()
    process.wait(60)
    open_store(raw, manifest, *SIZE, cache)
    (unbroken,) = (tmp_path / "unbroken" / "pixels").iterdir()
    assert sorted(path.name for path in unbroken.iterdir()) == ["pixels.npy", "store.json"]
    resumed = cache / "pixels" / unbroken.name
    assert (resumed / "pixels.npy").read_bytes() == (unbroken / "pixels.npy").read_bytes()


def test_the_second_waits_and_takes_over_when_the_first_is_killed(expected, start):
    first = start(8)
    until(first, 8)
    second = start(-1)
    until(second, 8)  # what the first has done, told while it is waited for
    assert "another process is at work here; waiting for it" in second.stderr.readline()
    first.kill()
    output, _ = second.communicate(timeout=60)
    assert output.splitlines()[-1] == f"resumed {expected}"
    assert second.returncode == 0


def test_the_second_waits_and_takes_what_the_first_has_built(viper, expected):
    """Two threads, since here both must go on: the lock is between any two openings."""
    raw, manifest, cache = viper
    at_work, go_on, seen = threading.Event(), threading.Event(), []

    def progress(done, _total):
        if done == 8:
            at_work.set()
            assert go_on.wait(60)

    def told(done, _total):
        seen.append(done)
        go_on.set()

    first = threading.Thread(
        target=lambda: seen.append(open_store(raw, manifest, *SIZE, cache, progress).origin)
    )
    first.start()
    assert at_work.wait(60)
    second = open_store(raw, manifest, *SIZE, cache, told)
    first.join()
    assert (second.digest, second.origin) == (expected, "cache")
    assert seen[0] == 8
    assert "built" in seen


def break_off(viper, at=8):
    """Leave a partial with `at` images, as a full disk does."""
    raw, manifest, cache = viper

    def full(done, _total):
        if done == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_store(raw, manifest, *SIZE, cache, full)
    (folder,) = partials(cache)
    return folder


def test_a_damaged_part_is_built_again(viper, expected, monkeypatch):
    raw, manifest, cache = viper
    file = break_off(viper) / "store" / "pixels.npy"
    content = bytearray(file.read_bytes())
    content[128 + 5 * 32 * 16 * 3] ^= 1  # in the sixth image: the second chunk
    file.write_bytes(content)
    paths = decoded(monkeypatch)
    store = open_store(raw, manifest, *SIZE, cache)
    assert (store.digest, store.origin) == (expected, "resumed")
    assert sorted(paths) == sorted(manifest.table["path"][4:])


def test_a_partial_of_other_images_is_not_used(viper, expected, monkeypatch):
    raw, manifest, cache = viper
    break_off(viper)
    file = raw.folder / manifest.table["path"].iloc[0]
    file.write_bytes(file.read_bytes()[:-3] + b"\0\1\2")
    paths = decoded(monkeypatch)
    store = open_store(raw, manifest, *SIZE, cache)
    assert store.origin == "built"
    assert store.digest != expected
    assert len(paths) == IMAGES
    assert len(partials(cache)) == 1  # the old one is forgotten after a week


def test_a_partial_under_a_foreign_name_is_not_used(viper, expected):
    """Even if the names of two stores were the same: what a partial is made from stands in it."""
    raw, manifest, cache = viper
    folder = break_off(viper)
    journal = folder / "journal.txt"
    journal.write_text(journal.read_text().replace('"height": 32', '"height": 64'))
    assert open_store(raw, manifest, *SIZE, cache).digest == expected


def test_chunks_of_another_size_are_not_used(viper, expected, monkeypatch):
    raw, manifest, cache = viper
    break_off(viper)
    monkeypatch.setattr("crossres.datasets.pixels.plan.CHUNK", 7)
    store = open_store(raw, manifest, *SIZE, cache)
    assert (store.digest, store.origin) == (expected, "built")


def test_a_full_disk_keeps_what_is_finished(viper, expected, monkeypatch):
    raw, manifest, cache = viper
    break_off(viper)
    with monkeypatch.context() as patch:

        def full(*_args):
            raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr("crossres.datasets.pixels.resumable._append", full)
        with pytest.raises(InputError) as caught:
            open_store(raw, manifest, *SIZE, cache)
    message = str(caught.value)
    assert "cannot be written (No space left on device); free the disk" in message
    assert "what is finished is kept for the next try" in message
    assert "\n" not in message
    paths = decoded(monkeypatch)
    store = open_store(raw, manifest, *SIZE, cache)
    assert (store.digest, store.origin) == (expected, "resumed")
    assert sorted(paths) == sorted(manifest.table["path"][8:])


def test_an_image_that_cannot_be_decoded_keeps_what_is_finished(viper):
    raw, manifest, cache = viper
    bad = raw.folder / manifest.table["path"].iloc[-1]
    bad.write_bytes(bad.read_bytes()[:5000])
    with pytest.raises(InputError, match=bad.name):
        open_store(raw, manifest, *SIZE, cache)
    (folder,) = partials(cache)
    assert noted_chunks(folder) == 3


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_any_number_of_threads_gives_the_same(jobs, viper, expected, monkeypatch, tmp_path):
    raw, manifest, _ = viper
    monkeypatch.setattr("crossres.datasets.pixels.decoding._SLICE", 2)
    monkeypatch.setattr("crossres.datasets.pixels.decoding._DECODED_BYTES", 20_000)
    assert open_store(raw, manifest, *SIZE, tmp_path / "x", jobs=jobs).digest == expected


@pytest.mark.parametrize("jobs", [1, 3])
def test_the_first_bad_image_is_the_one_named(jobs, viper, monkeypatch):
    raw, manifest, cache = viper
    monkeypatch.setattr("crossres.datasets.pixels.decoding._SLICE", 1)
    paths = [manifest.table["path"].iloc[row] for row in (5, 9, 15)]
    for path in paths:
        (raw.folder / path).write_bytes(b"no image")
    with pytest.raises(InputError) as caught:
        open_store(raw, manifest, *SIZE, cache, jobs=jobs)
    assert str(raw.folder / paths[0]) in str(caught.value)


# --- opening without reading all of it ------------------------------------------------------------


def pixels_file(cache):
    (file,) = (cache / "pixels").glob("*/pixels.npy")
    return file


def no_reading(monkeypatch):
    def read(*_args):
        raise AssertionError("read in full")

    monkeypatch.setattr("crossres.datasets.pixels.store._sha256", read)


def test_a_checked_store_is_opened_without_reading_it(viper, expected, monkeypatch):
    raw, manifest, cache = viper
    open_store(raw, manifest, *SIZE, cache)
    no_reading(monkeypatch)
    assert open_store(raw, manifest, *SIZE, cache, checked=True).digest == expected
    with pytest.raises(AssertionError, match="read in full"):
        open_store(raw, manifest, *SIZE, cache)


def test_a_store_touched_since_it_was_checked_is_read_in_full(viper, expected, caplog):
    raw, manifest, cache = viper
    open_store(raw, manifest, *SIZE, cache)
    file = pixels_file(cache)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    with file.open("r+b") as stream:
        stream.write(content)
    with caplog.at_level(logging.WARNING, logger="crossres.datasets"):
        assert open_store(raw, manifest, *SIZE, cache, checked=True).digest == expected
    assert "do not match their digest; building it again" in caplog.text


def test_a_copied_store_is_read_once_and_then_known(viper, expected, monkeypatch):
    raw, manifest, cache = viper
    open_store(raw, manifest, *SIZE, cache)
    file = pixels_file(cache)
    copy = file.with_name("copy")
    copy.write_bytes(file.read_bytes())
    copy.replace(file)
    with monkeypatch.context() as patch:
        no_reading(patch)
        with pytest.raises(AssertionError, match="read in full"):
            open_store(raw, manifest, *SIZE, cache, checked=True)
    open_store(raw, manifest, *SIZE, cache, checked=True)
    no_reading(monkeypatch)
    assert open_store(raw, manifest, *SIZE, cache, checked=True).digest == expected


def test_a_full_check_finds_what_no_time_of_the_file_tells(viper, expected, monkeypatch, caplog):
    """As a failing disk does: other bytes, and nothing else about the file has changed."""
    raw, manifest, cache = viper
    open_store(raw, manifest, *SIZE, cache)
    with pixels_file(cache).open("r+b") as stream:
        stream.seek(-1, 2)
        stream.write(b"\xff")
    monkeypatch.setattr("crossres.datasets.pixels.store._seen", lambda *_: "the same")
    with caplog.at_level(logging.WARNING, logger="crossres.datasets"):
        store = open_store(raw, manifest, *SIZE, cache)
    assert store.digest == expected
    assert "building it again" in caplog.text


def test_a_changed_digest_is_not_believed(viper, expected, caplog):
    raw, manifest, cache = viper
    open_store(raw, manifest, *SIZE, cache)
    about = pixels_file(cache).with_name("store.json")
    for changed in (about.read_text().replace(expected, "0" * 64), '{"sha256": 1}'):
        about.write_text(changed)
        with caplog.at_level(logging.WARNING, logger="crossres.datasets"):
            assert open_store(raw, manifest, *SIZE, cache, checked=True).digest == expected
    assert len(caplog.records) == 2
