"""An interrupted build is resumed: real processes, real signals."""

import errno
import io
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from crossres.datasets import InputError, open_store
from crossres.datasets.pixels.building import count_finished
from crossres.datasets.pixels.plan import plan_store

REPO = Path(__file__).resolve().parents[3]
IMAGES, CHUNK = 16, 4
SIZE = (32, 16)

# Builds in chunks of 4 images, prints each count, and stops for good at the count given to it. In
# many short sleeps: an interrupt that comes as a long one is about to begin waits for its end.
BUILD = """
import faulthandler, pathlib, sys, time
from crossres import datasets as d
from crossres.datasets.pixels import plan
plan.CHUNK = 4
faulthandler.dump_traceback_later(50)
def progress(done, total):
    print(done, flush=True)
    while done == int(sys.argv[3]):
        time.sleep(0.05)
root, cache = map(pathlib.Path, sys.argv[1:3])
raw = d.open_raw('mlr-viper', d.Source(root), cache)
store = d.open_store(raw, d.build_manifest(raw), 32, 16, cache, progress)
print(store.origin, store.digest)
"""


@pytest.fixture
def viper(viper, monkeypatch):
    """(raw, manifest, cache) of a small VIPeR, with small chunks here too."""
    monkeypatch.setattr("crossres.datasets.pixels.plan.CHUNK", CHUNK)
    return viper


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
        print(process.communicate()[1])  # where it was, if it hung


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
def test_a_killed_build_is_resumed(number, viper, expected, start, monkeypatch):
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
    until(second, 8)  # the count of the first, reported while it is waited for
    assert "another process is at work here; waiting for it" in second.stderr.readline()
    first.kill()
    output, _ = second.communicate(timeout=60)
    assert output.splitlines()[-1] == f"resumed {expected}"
    assert second.returncode == 0


def test_the_second_waits_and_takes_what_the_first_has_built(viper, expected):
    """Two threads, since here both must go on: the lock is between any two openings."""
    raw, manifest, cache = viper
    at_work, go_on, counts, origins = threading.Event(), threading.Event(), [], []

    def progress(done, _total):
        if done == 8:
            at_work.set()
            assert go_on.wait(60)

    def waiting(done, _total):
        counts.append(done)
        go_on.set()

    first = threading.Thread(
        target=lambda: origins.append(open_store(raw, manifest, *SIZE, cache, progress).origin)
    )
    first.start()
    assert at_work.wait(60)
    second = open_store(raw, manifest, *SIZE, cache, waiting)
    first.join()
    assert (second.digest, second.origin) == (expected, "cache")
    assert counts[0] == 8
    assert origins == ["built"]


def interrupt(viper, images=8):
    """Interrupt a build after so many images; return its workplace."""
    raw, manifest, cache = viper

    def progress(done, _total):
        if done == images:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_store(raw, manifest, *SIZE, cache, progress)
    (folder,) = partials(cache)
    return folder


def flip_a_byte(file, start):
    with file.open("r+b") as stream:
        stream.seek(start)
        (byte,) = stream.read(1)
        stream.seek(start)
        stream.write(bytes([byte ^ 1]))


IMAGE = 32 * 16 * 3
HEADER = 128

# What has happened to a workplace with two finished chunks, and the images that are still finished.
DAMAGES = {
    "nothing": (lambda _folder, _file: None, 8),
    "an image in the second": (lambda _, file: flip_a_byte(file, HEADER + 5 * IMAGE), 4),
    "a variant in the second": (lambda _, file: flip_a_byte(file, HEADER + IMAGES * IMAGE), 4),
    "the header": (lambda _, file: flip_a_byte(file, 0), 8),
    "the end of the pixels": (lambda _, file: os.truncate(file, HEADER + 6 * IMAGE), 4),
    "all pixels": (lambda _, file: os.truncate(file, HEADER), 0),
    "too long": (lambda _, file: os.truncate(file, 1_000_000), 8),
    "no pixels": (lambda _, file: file.unlink(), 0),
    "no digest": (lambda folder, _: (folder / "4-8.sha256").unlink(), 4),
    "an empty digest": (lambda folder, _: (folder / "4-8.sha256").write_text(""), 4),
    "half a digest": (lambda folder, _: os.truncate(folder / "4-8.sha256", 32), 4),
    "a digest that is no text": (lambda folder, _: (folder / "4-8.sha256").write_bytes(b"\xff"), 4),
    "a digest in the wrong place": (
        lambda folder, _: shutil.copy(folder / "0-4.sha256", folder / "4-8.sha256"),
        4,
    ),
}


def pixels_file(cache):
    (file,) = (cache / "pixels").glob("*/pixels.npy")
    return file


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_chunks_are_built_again(damage, viper, expected, monkeypatch, tmp_path):
    raw, manifest, cache = viper
    folder = interrupt(viper)
    change, finished = DAMAGES[damage]
    change(folder, folder / "store" / "pixels.npy")
    paths = decoded(monkeypatch)
    store = open_store(raw, manifest, *SIZE, cache)
    assert (store.digest, store.origin) == (expected, "resumed" if finished else "built")
    assert len(paths) == IMAGES - finished
    (unbroken,) = (tmp_path / "unbroken" / "pixels").glob("*/pixels.npy")
    assert pixels_file(cache).read_bytes() == unbroken.read_bytes()


def test_a_partial_of_other_images_is_not_used(viper, expected, monkeypatch):
    raw, manifest, cache = viper
    interrupt(viper)
    file = raw.folder / manifest.table["path"].iloc[0]
    file.write_bytes(file.read_bytes()[:-3] + b"\0\1\2")
    paths = decoded(monkeypatch)
    store = open_store(raw, manifest, *SIZE, cache)
    assert store.origin == "built"
    assert store.digest != expected
    assert len(paths) == IMAGES
    assert len(partials(cache)) == 1  # the old one is forgotten after a week


def test_a_partial_under_a_foreign_name_is_not_used(viper):
    """Even with the same pixels: a chunk's digest tells what it was made from."""
    raw, manifest, cache = viper
    interrupt(viper).rename(cache / "of the first")
    os.utime(raw.folder / manifest.table["path"].iloc[0], (1, 1))
    folder = interrupt(viper)
    shutil.rmtree(folder)
    (cache / "of the first").rename(folder)
    assert open_store(raw, manifest, *SIZE, cache).origin == "built"


def test_a_partial_of_an_earlier_version_is_built_anew(viper, expected):
    raw, manifest, cache = viper
    folder = interrupt(viper)
    for file in folder.glob("*.sha256"):
        file.unlink()
    (folder / "journal.txt").write_text("{}\n0 " + "0" * 64 + "\n")
    store = open_store(raw, manifest, *SIZE, cache)
    assert (store.digest, store.origin) == (expected, "built")
    assert list((cache / "partial").iterdir()) == []


def test_chunks_of_another_size_are_not_used(viper, expected, monkeypatch):
    raw, manifest, cache = viper
    interrupt(viper)
    monkeypatch.setattr("crossres.datasets.pixels.plan.CHUNK", 7)
    store = open_store(raw, manifest, *SIZE, cache)
    assert (store.digest, store.origin) == (expected, "built")


class FullDisk(io.BytesIO):
    """A file with room for the header only."""

    def write(self, content):
        if len(content) != HEADER:
            raise OSError(errno.ENOSPC, "No space left on device")
        return len(content)


@pytest.mark.parametrize("full", ["r+b", "wb"])
def test_a_full_disk_keeps_what_is_finished(full, viper, expected, monkeypatch):
    """The file that is full is that of the pixels ("r+b") or that of a digest ("wb")."""
    raw, manifest, cache = viper
    interrupt(viper)
    original = Path.open
    with monkeypatch.context() as patch:

        def open_file(path, mode="r", *args, **options):
            return FullDisk() if mode == full else original(path, mode, *args, **options)

        patch.setattr(Path, "open", open_file)
        with pytest.raises(InputError) as caught:
            open_store(raw, manifest, *SIZE, cache)
    message = str(caught.value)
    assert "cannot be written (No space left on device); free the disk or choose another" in message
    assert "\n" not in message
    assert list((cache / "pixels").glob("*")) == []
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
    assert count_finished(plan_store(raw, manifest, *SIZE), folder) == 12
